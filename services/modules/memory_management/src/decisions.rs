use std::time::Duration;

use nexy_telemetry::{Decision, DeviceHash, Level};
use serde::Serialize;

const SCOPE: &str = "memory_management";

/// A turn begins without its stored memory.
#[derive(Debug, Serialize)]
pub(crate) struct MemoryUnavailable {
    pub(crate) device: DeviceHash,
    pub(crate) reason: &'static str,
    #[serde(skip)]
    pub(crate) took: Duration,
}

/// Something will not be remembered.
#[derive(Debug, Serialize)]
pub(crate) struct MemoryDropped {
    /// exchange, usage or expiry.
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) count: usize,
}

impl Decision for MemoryUnavailable {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "memory_unavailable"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
    fn duration(&self) -> Option<Duration> {
        Some(self.took)
    }
}

impl Decision for MemoryDropped {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "memory_dropped"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}
