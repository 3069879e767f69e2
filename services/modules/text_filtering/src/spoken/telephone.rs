//! Telephone numbers, which English voices read as hundreds and thousands.
//! (Russian ones are read that way, and well.)

use super::Spot;

/// Tokens that one number is written with at most: `+44 20 7946 0018`.
const MOST_TOKENS: usize = 5;

/// Digits of a number with its country (ITU-T E.164), and of one without.
const DIGITS: std::ops::RangeInclusive<usize> = 10..=15;

/// "+1 (555) 123-4567" and "555-123-4567", digit by digit.
pub(super) fn say(spot: Spot<'_>) -> Option<(String, usize)> {
    let first = spot.tokens.first()?;
    if !first.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '(')) {
        return None;
    }
    let mut groups: Vec<String> = Vec::new();
    let mut used = 0;
    let mut close = "";
    for token in spot.tokens.iter().take(MOST_TOKENS) {
        let core = token.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        let fits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '‑');
        if core.is_empty() || !core.chars().all(fits) {
            break;
        }
        used += 1;
        let parts = core.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        groups.extend(parts.map(str::to_owned));
        close = &token[core.len()..];
        if !close.is_empty() {
            break;
        }
    }
    let digits: usize = groups.iter().map(String::len).sum();
    let plus = first.starts_with('+');
    let lengths: Vec<usize> = groups.iter().map(String::len).collect();
    let is_number =
        plus || matches!(lengths.as_slice(), [3, 3, 4] | [1, 3, 3, 4] | [4, 3, 3] | [3, 3, 3, 3]);
    if !is_number || !DIGITS.contains(&digits) || lengths.len() < 3 && !plus {
        return None;
    }
    let spaced =
        |group: &String| group.chars().map(|digit| digit.to_string()).collect::<Vec<_>>().join(" ");
    let said = groups.iter().map(spaced).collect::<Vec<_>>().join(", ");
    let plus = if plus { "plus " } else { "" };
    Some((format!("{plus}{said}{close}"), used))
}
