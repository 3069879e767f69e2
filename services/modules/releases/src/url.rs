use std::fmt;

use crate::{FileName, Problem};

/// An absolute https URL with a host, in ASCII as RFC 3986 wants it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl(String);

// === impl HttpsUrl ===

impl HttpsUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// The rule that the URL breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = |reason: &str| Err(Problem::new("url", reason));
        let Some(rest) = text.strip_prefix("https://") else {
            return refuse("must begin with https:// (clients refuse anything else)");
        };
        if !text.bytes().all(is_url_byte) {
            return refuse("must hold ASCII only, with spaces and specials percent-encoded");
        }
        if text.contains('#') {
            return refuse("must not have a fragment");
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return refuse("must not hold a user name or a password");
        }
        if !is_authority(authority) {
            return refuse("must name a host, optionally with a port");
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the file that the path ends with.
    ///
    /// # Errors
    /// When the path ends with a slash, or with something that is no file name.
    pub fn file_name(&self) -> Result<FileName, Problem> {
        let path = self.0.split('?').next().unwrap_or_default();
        let after_host = path.trim_start_matches("https://").split_once('/');
        let segment = after_host.and_then(|(_, path)| path.rsplit('/').next()).unwrap_or_default();
        FileName::from_url_segment(segment)
            .map_err(|problem| Problem::new("url", format!("the file name {}", problem.reason)))
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for HttpsUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand inside its brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let named = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte));
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests;
