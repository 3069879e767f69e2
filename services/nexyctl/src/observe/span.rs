use std::time::Duration;

/// A span of time on the command line: `90s`, `10m`, `1h30m`, `7d`; a bare
/// number is seconds.
///
/// # Errors
/// What is meant, when it is none of these.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    seconds(text)
        .filter(|seconds| (1..=MOST).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "a span such as 90s, 10m, 1h30m or 7d is meant".to_owned())
}

/// Ten years, in seconds.
const MOST: u64 = 10 * 366 * 86_400;

fn seconds(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (mut rest, mut sum) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let mut behind = behind.chars();
        let unit = match behind.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = behind.as_str();
    }
    Some(sum)
}

/// As it would be written: `1h30m`.
pub(crate) fn written(span: Duration) -> String {
    let mut rest = span.as_secs();
    let mut text = String::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests;
