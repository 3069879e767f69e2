//! Byte ranges (RFC 9110 section 14).

/// What a Range header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: there is no header, or one that the RFC lets a server
    /// ignore (another unit, a broken syntax, several ranges at once).
    Whole,
    /// One part; both ends belong to it.
    Part {
        /// Its first byte.
        first: u64,
        /// Its last byte.
        last: u64,
    },
    /// A part that does not exist.
    Unsatisfiable,
}

/// Reads a Range header about `length` bytes.
pub(super) fn parse(header: Option<&str>, length: u64) -> Wanted {
    let range = header.and_then(|header| header.split_once('='));
    let Some((_, spec)) = range.filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Wanted::Whole,
        (Some(first), _) if first >= length && is_end(last) => Wanted::Unsatisfiable,
        (Some(first), Some(last)) => Wanted::Part { first, last: last.min(length - 1) },
        (Some(first), None) if last.is_empty() => Wanted::Part { first, last: length - 1 },
        (None, Some(suffix)) if first.is_empty() => match suffix.min(length) {
            0 => Wanted::Unsatisfiable,
            suffix => Wanted::Part { first: length - suffix, last: length - 1 },
        },
        _ => Wanted::Whole,
    }
}

fn is_end(text: &str) -> bool {
    text.is_empty() || number(text).is_some()
}

/// A run of digits. One too large for any file counts as the largest number.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
