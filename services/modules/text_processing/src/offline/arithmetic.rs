//! Sums: `12.5% of 80`, `два плюс два`, `(3 + 4) × 2`.

mod lexer;
mod rational;

use lexer::Symbol;
pub(super) use rational::Rational;

use super::Tongue;

/// How deep parentheses and signs may be nested.
const MAX_DEPTH: u32 = 32;

/// What comes of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Value(Rational),
    DivisionByZero,
    TooLarge,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotASum,
    DivisionByZero,
    TooLarge,
}

/// A part of a sum; `20 + 10%` means a tenth of the 20, so it matters which part
/// is a bare percentage.
#[derive(Clone, Copy)]
struct Operand {
    value: Rational,
    is_percentage: bool,
}

struct Parser<'a> {
    symbols: &'a [Symbol],
    depth: u32,
}

/// Calculates `text`; `None` when it is not a sum, or says more than one.
pub(super) fn evaluate(text: &str, tongue: Tongue) -> Option<Outcome> {
    let value = lexer::symbols(text, tongue).and_then(|symbols| {
        if !has_operation(&symbols) {
            return Err(Stop::NotASum);
        }
        let mut parser = Parser { symbols: &symbols, depth: 0 };
        let value = parser.sum()?;
        if parser.symbols.is_empty() { Ok(value) } else { Err(Stop::NotASum) }
    });
    match value {
        Ok(value) => Some(Outcome::Value(value)),
        Err(Stop::DivisionByZero) => Some(Outcome::DivisionByZero),
        Err(Stop::TooLarge) => Some(Outcome::TooLarge),
        Err(Stop::NotASum) => None,
    }
}

/// A number alone, signed or not, asks for nothing.
fn has_operation(symbols: &[Symbol]) -> bool {
    symbols.iter().skip(1).any(|symbol| {
        matches!(symbol, Symbol::Plus | Symbol::Minus | Symbol::Times | Symbol::Over | Symbol::Of)
    })
}

// === impl Parser ===

impl Parser<'_> {
    /// `product (("+" | "-") product)*`
    fn sum(&mut self) -> Result<Rational, Stop> {
        let mut left = self.product()?.value;
        loop {
            let is_minus = match self.symbols.first() {
                Some(Symbol::Plus) => false,
                Some(Symbol::Minus) => true,
                _ => return Ok(left),
            };
            self.skip();
            let right = self.product()?;
            let part = if right.is_percentage { left.times(right.value)? } else { right.value };
            left = left.plus(if is_minus { part.negated()? } else { part })?;
        }
    }

    /// `factor (("*" | "/") factor)*`
    fn product(&mut self) -> Result<Operand, Stop> {
        let mut left = self.factor()?;
        loop {
            let value = match self.symbols.first() {
                Some(Symbol::Times) => {
                    self.skip();
                    left.value.times(self.factor()?.value)?
                }
                Some(Symbol::Over) => {
                    self.skip();
                    left.value.over(self.factor()?.value)?
                }
                _ => return Ok(left),
            };
            left = Operand { value, is_percentage: false };
        }
    }

    /// `"-" factor | primary ["%" ["of" factor]]`
    fn factor(&mut self) -> Result<Operand, Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::NotASum);
        }
        let factor = self.signed();
        self.depth -= 1;
        factor
    }

    fn signed(&mut self) -> Result<Operand, Stop> {
        if self.take(Symbol::Minus) {
            let operand = self.factor()?;
            return Ok(Operand { value: operand.value.negated()?, ..operand });
        }
        let value = self.primary()?;
        if !self.take(Symbol::Percent) {
            return Ok(Operand { value, is_percentage: false });
        }
        let share = value.over(Rational::integer(100))?;
        if self.take(Symbol::Of) {
            let value = share.times(self.factor()?.value)?;
            return Ok(Operand { value, is_percentage: false });
        }
        Ok(Operand { value: share, is_percentage: true })
    }

    /// `number | "(" sum ")"`
    fn primary(&mut self) -> Result<Rational, Stop> {
        match self.symbols.first().copied() {
            Some(Symbol::Number(value)) => {
                self.skip();
                Ok(value)
            }
            Some(Symbol::Open) => {
                self.skip();
                let value = self.sum()?;
                if self.take(Symbol::Close) { Ok(value) } else { Err(Stop::NotASum) }
            }
            _ => Err(Stop::NotASum),
        }
    }

    fn take(&mut self, expected: Symbol) -> bool {
        let is_next = self.symbols.first() == Some(&expected);
        if is_next {
            self.skip();
        }
        is_next
    }

    fn skip(&mut self) {
        self.symbols = self.symbols.get(1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
