//! Versions as the app carries them, ordered as Sparkle orders them.

use std::{cmp::Ordering, fmt};

use crate::Problem;

/// The longest version, in characters.
const MAX_CHARS: usize = 64;

/// A version in the format of the app's `CFBundleVersion`: whole numbers joined
/// by periods (at least two), and optionally a pre-release suffix of lower-case
/// letters and a number, as in `2.0.0.32` or `2.1b3`.
///
/// Equality and order are Sparkle's: `1.0` equals `1.0.0`.
#[derive(Debug, Clone)]
pub struct Version(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartKind {
    Number,
    Text,
    Period,
    Separator,
    Dash,
}

#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    kind: PartKind,
    text: &'a str,
}

/// Compares two version texts as Sparkle's standard comparator does (version
/// 2.6): runs of digits and of letters are parts, each separator is one;
/// everything from the first dash on is ignored; the leading numbers of the
/// shorter text are padded with zeros; a number is newer than letters.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (parts(left), parts(right));
    balance(&mut left, &mut right);
    left.iter()
        .zip(&right)
        .map(|(left, right)| compare_parts(*left, *right))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| compare_lengths(&left, &right))
}

// === impl Version ===

impl Version {
    /// Checks a version text.
    ///
    /// # Errors
    /// When it does not have the format.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let numbers = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbers = match numbers.trim_end_matches(|c: char| c.is_ascii_lowercase()) {
            stem if stem.len() < numbers.len() => stem,
            _ => text,
        };
        let components = numbers.split('.').collect::<Vec<_>>();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.len() > MAX_CHARS || components.len() < 2 || !components.iter().all(is_number) {
            let reason = "must be whole numbers joined by periods, as in the app's \
                          CFBundleVersion, e.g. \"2.0.0.32\" or \"2.1b3\"";
            return Err(Problem::new("version", reason));
        }
        Ok(Self(text.to_owned()))
    }

    /// The version as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Version {}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

// === impl PartKind ===

impl PartKind {
    fn of(c: char) -> Self {
        match c {
            '.' => Self::Period,
            '-' => Self::Dash,
            _ if c.is_ascii_digit() => Self::Number,
            _ if c.is_whitespace() => Self::Separator,
            // The ASCII characters of Unicode's punctuation categories; $ + <
            // = > ^ ` | ~ are symbols and count as text.
            _ if "!\"#%&'()*,/:;?@[\\]_{}".contains(c) => Self::Separator,
            _ => Self::Text,
        }
    }

    const fn is_run(self) -> bool {
        matches!(self, Self::Number | Self::Text)
    }
}

// === impl Part ===

impl Part<'_> {
    /// The number, as large as it can be told apart.
    fn number(self) -> i64 {
        self.text.parse().unwrap_or(i64::MAX)
    }

    const fn leads(self) -> bool {
        matches!(self.kind, PartKind::Number | PartKind::Period)
    }
}

fn parts(version: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut start = 0;
    for (index, c) in version.char_indices() {
        let kind = PartKind::of(c);
        if kind == PartKind::Dash && index > 0 {
            break;
        }
        let end = index + c.len_utf8();
        match parts.last_mut() {
            Some(last) if last.kind == kind && kind.is_run() => {
                last.text = version.get(start..end).unwrap_or_default();
            }
            _ => {
                start = index;
                parts.push(Part { kind, text: version.get(start..end).unwrap_or_default() });
            }
        }
    }
    parts
}

/// Pads the leading numbers and periods of the shorter version with the periods
/// of the longer one, and zeros.
fn balance<'a>(left: &mut Vec<Part<'a>>, right: &mut Vec<Part<'a>>) {
    let leading = |parts: &[Part<'_>]| parts.iter().take_while(|part| part.leads()).count();
    let (in_left, in_right) = (leading(left), leading(right));
    let (shorter, longer, from, to) = if in_left < in_right {
        (left, right, in_left, in_right)
    } else {
        (right, left, in_right, in_left)
    };
    for (index, part) in longer.iter().enumerate().take(to).skip(from) {
        let text = if part.kind == PartKind::Period { "." } else { "0" };
        shorter.insert(index, Part { kind: part.kind, text });
    }
}

fn compare_parts(left: Part<'_>, right: Part<'_>) -> Ordering {
    match (left.kind, right.kind) {
        (PartKind::Number, PartKind::Number) => left.number().cmp(&right.number()),
        (PartKind::Text, PartKind::Text) => left.text.cmp(right.text),
        (PartKind::Text, _) => Ordering::Less,
        (_, PartKind::Text) => Ordering::Greater,
        // A period where a number should be is a mistake: the number is newer.
        (PartKind::Number, _) => Ordering::Greater,
        (_, PartKind::Number) => Ordering::Less,
        _ => Ordering::Equal,
    }
}

fn compare_lengths(left: &[Part<'_>], right: &[Part<'_>]) -> Ordering {
    let order = left.len().cmp(&right.len());
    let extra = match order {
        Ordering::Equal => return order,
        Ordering::Less => right.get(left.len()),
        Ordering::Greater => left.get(right.len()),
    };
    // Further letters mark a pre-release, anything else a later one.
    if extra.is_some_and(|part| part.kind == PartKind::Text) { order.reverse() } else { order }
}

#[cfg(test)]
mod tests;
