use std::{fmt, sync::Arc};

/// The longest `hardware_id` that is accepted, in characters.
const HARDWARE_ID_MAX_CHARS: usize = 128;

/// A device, as it names itself. User data: see `telemetry::device_hash` for
/// what may be logged, and note that `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HardwareId(Arc<str>);

/// A session, as the client named it: a UUID in any of its spellings, given
/// back letter for letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

/// A turn, unique within one gateway process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnNumber(pub u64);

/// Why a text is not a hardware id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHardwareId {
    /// Empty, blank or the word "unknown".
    #[error("hardware_id is required and must identify the device")]
    Missing,
    /// Longer than 128 characters.
    #[error("hardware_id must be at most {HARDWARE_ID_MAX_CHARS} characters")]
    TooLong,
    /// Control characters inside.
    #[error("hardware_id must not contain control characters")]
    ControlCharacters,
}

/// A text that is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("session_id is required and must be provided by client")]
pub struct InvalidSessionId;

// === impl HardwareId ===

impl HardwareId {
    /// Checks a client's text against the rules of the contract.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidHardwareId> {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.eq_ignore_ascii_case("unknown") {
            return Err(InvalidHardwareId::Missing);
        }
        if text.chars().count() > HARDWARE_ID_MAX_CHARS {
            return Err(InvalidHardwareId::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidHardwareId::ControlCharacters);
        }
        Ok(Self(text.into()))
    }

    /// The text, for storage and for the internal protocol.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HardwareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HardwareId(..)")
    }
}

// === impl SessionId ===

impl SessionId {
    /// Checks that a client's text is a UUID.
    ///
    /// # Errors
    /// When it is not, or is missing.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        uuid::Uuid::try_parse(text).map_err(|_| InvalidSessionId)?;
        Ok(Self(text.into()))
    }

    /// The text as the client sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
