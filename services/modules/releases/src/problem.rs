/// A rule that a value breaks: where, and why.
///
/// The text names no machine path and no secret, so it may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{key}: {reason}")]
pub struct Problem {
    /// The key of the value, e.g. `artifact.size`.
    pub key: String,
    /// What is wrong with it and what is allowed.
    pub reason: String,
}

// === impl Problem ===

impl Problem {
    /// A problem with the value of `key`.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }

    /// The same problem, found in the value of another key.
    #[must_use]
    pub fn at(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), reason: self.reason }
    }
}
