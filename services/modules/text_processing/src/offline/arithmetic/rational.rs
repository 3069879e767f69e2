use super::{super::Tongue, Stop};

/// Digits after the point, at most. More cannot be followed by ear.
const MAX_DECIMALS: u32 = 10;

/// Digits that are said of a number that has no end.
const ROUNDED_DIGITS: u32 = 4;

/// An exact fraction in lowest terms: sums of decimals carry no noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Rational {
    numerator: i128,
    /// Above zero.
    denominator: i128,
}

/// A number in words and digits.
pub(in super::super) struct Spoken {
    pub(in super::super) text: String,
    /// The digits are not all of it.
    pub(in super::super) is_rounded: bool,
}

// === impl Rational ===

impl Rational {
    pub(super) const fn integer(value: i128) -> Self {
        Self { numerator: value, denominator: 1 }
    }

    /// `digits / 10^decimals`.
    pub(super) fn decimal(digits: i128, decimals: u32) -> Result<Self, Stop> {
        Self::new(digits, power_of_ten(decimals)?)
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, Stop> {
        let left = multiply(self.numerator, other.denominator)?;
        let right = multiply(other.numerator, self.denominator)?;
        let numerator = left.checked_add(right).ok_or(Stop::TooLarge)?;
        Self::new(numerator, multiply(self.denominator, other.denominator)?)
    }

    pub(super) fn times(self, other: Self) -> Result<Self, Stop> {
        Self::new(
            multiply(self.numerator, other.numerator)?,
            multiply(self.denominator, other.denominator)?,
        )
    }

    pub(super) fn over(self, other: Self) -> Result<Self, Stop> {
        if other.numerator == 0 {
            return Err(Stop::DivisionByZero);
        }
        Self::new(
            multiply(self.numerator, other.denominator)?,
            multiply(self.denominator, other.numerator)?,
        )
    }

    pub(super) fn negated(self) -> Result<Self, Stop> {
        let numerator = self.numerator.checked_neg().ok_or(Stop::TooLarge)?;
        Ok(Self { numerator, ..self })
    }

    /// How the number is said; `None` when it has too many digits.
    pub(in super::super) fn spoken(self, tongue: Tongue) -> Option<Spoken> {
        let (minus, point) = match tongue {
            Tongue::English => ("minus ", '.'),
            Tongue::Russian => ("минус ", ','),
        };
        let exact = (0..=MAX_DECIMALS).find(|decimals| {
            power_of_ten(*decimals).is_ok_and(|scale| scale % self.denominator == 0)
        });
        let decimals = exact.unwrap_or_else(|| self.rounded_decimals());
        let scale = power_of_ten(decimals).ok()?;
        let size = self.numerator.checked_abs()?;
        // Half up: (2 × size × scale + denominator) / (2 × denominator).
        let doubled = size.checked_mul(scale)?.checked_mul(2)?.checked_add(self.denominator)?;
        let scaled = doubled / self.denominator.checked_mul(2)?;
        let mut text = format!("{}", scaled / scale);
        let width = usize::try_from(decimals).ok()?;
        let fraction = format!("{:0width$}", scaled % scale);
        let fraction = fraction.trim_end_matches('0');
        if decimals > 0 && !fraction.is_empty() {
            text.push(point);
            text.push_str(fraction);
        }
        let sign = if self.numerator < 0 && scaled != 0 { minus } else { "" };
        Some(Spoken { text: format!("{sign}{text}"), is_rounded: exact.is_none() })
    }

    /// Zeros right after the point are not digits that say something.
    fn rounded_decimals(self) -> u32 {
        let zeros = (0..MAX_DECIMALS - ROUNDED_DIGITS)
            .take_while(|zeros| {
                power_of_ten(zeros + 1)
                    .and_then(|scale| multiply(self.numerator, scale))
                    .is_ok_and(|scaled| scaled.unsigned_abs() < self.denominator.unsigned_abs())
            })
            .count();
        ROUNDED_DIGITS + u32::try_from(zeros).unwrap_or(0)
    }

    fn new(numerator: i128, denominator: i128) -> Result<Self, Stop> {
        let divisor = greatest_common_divisor(numerator, denominator)?;
        let sign = denominator.signum();
        Ok(Self {
            numerator: numerator / divisor * sign,
            denominator: denominator / divisor * sign,
        })
    }
}

fn multiply(left: i128, right: i128) -> Result<i128, Stop> {
    left.checked_mul(right).ok_or(Stop::TooLarge)
}

fn power_of_ten(exponent: u32) -> Result<i128, Stop> {
    10_i128.checked_pow(exponent).ok_or(Stop::TooLarge)
}

/// Euclid's. At least 1 for a denominator, which is never zero.
fn greatest_common_divisor(a: i128, b: i128) -> Result<i128, Stop> {
    let (mut a, mut b) =
        (a.checked_abs().ok_or(Stop::TooLarge)?, b.checked_abs().ok_or(Stop::TooLarge)?);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Ok(a.max(1))
}
