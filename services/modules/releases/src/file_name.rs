use std::fmt;

use crate::Problem;

/// The longest file name, in bytes (the limit of the common file systems).
const MAX_BYTES: usize = 255;

/// Characters that mean something to a path, a URL, a header or a shell.
const REFUSED: &[char] = &['/', '\\', ':', '%', '*', '?', '"', '<', '>', '|'];

/// The name of a file inside one folder: it can neither leave the folder nor
/// name a hidden file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

// === impl FileName ===

impl FileName {
    /// Checks a name, already free of percent-encoding.
    ///
    /// # Errors
    /// The rule that the name breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = |reason: &str| Err(Problem::new("file", reason));
        if text.is_empty() {
            return refuse("must not be empty");
        }
        if text.len() > MAX_BYTES {
            return refuse("must be at most 255 bytes long");
        }
        if text.starts_with('.') {
            return refuse("must not begin with a dot");
        }
        if text.chars().any(|c| c.is_control() || REFUSED.contains(&c)) {
            return refuse(r#"must hold no control character and none of / \ : % * ? " < > |"#);
        }
        if text.trim() != text {
            return refuse("must not begin or end with a space");
        }
        Ok(Self(text.to_owned()))
    }

    /// Checks a name as it stands in a URL: percent-encoded once. A name that
    /// is still encoded afterwards is refused.
    ///
    /// # Errors
    /// The rule that the name breaks.
    pub fn from_url_segment(encoded: &str) -> Result<Self, Problem> {
        Self::parse(&percent_decode(encoded)?)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one segment of a URL path.
    #[must_use]
    pub fn to_url_segment(&self) -> String {
        let mut encoded = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            // RFC 3986 section 2.3, unreserved characters.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        encoded
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for FileName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn percent_decode(encoded: &str) -> Result<String, Problem> {
    let wrong = || Problem::new("file", "must be percent-encoded UTF-8");
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            decoded.push(*first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let pair = std::str::from_utf8(digits.ok_or_else(wrong)?).map_err(|_| wrong())?;
        decoded.push(u8::from_str_radix(pair, 16).map_err(|_| wrong())?);
        rest = tail.get(2..).unwrap_or_default();
    }
    String::from_utf8(decoded).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
