use std::collections::BTreeMap;

use jiff::Timestamp;

/// What the last check of everything that is served has found. The tool leaves
/// it in the folder of releases, so that the server, which fetches nothing by
/// itself, can tell whoever watches it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckRecord {
    /// When the check ended.
    pub at: Timestamp,
    /// How much is amiss, by what it is about: a channel, or [`Self::AUDIT_LOG`].
    pub misses: BTreeMap<String, u32>,
}

// === impl CheckRecord ===

impl CheckRecord {
    /// Its name in the folder of releases.
    pub const FILE: &'static str = "checked.json";
    /// A longer file is none, in bytes.
    pub const MAX_BYTES: u64 = 64 * 1024;
    /// What is about no channel.
    pub const AUDIT_LOG: &'static str = "audit_log";

    /// Reads a record.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Never.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

#[cfg(test)]
mod tests;
