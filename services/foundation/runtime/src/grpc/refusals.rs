use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nexy_telemetry::{Decision, Level, metrics};
use serde::Serialize;

/// How often the same reason is written down at most. Whoever can reach a port
/// can fail there as often as they like.
const QUIET: Duration = Duration::from_secs(60);

/// Why a connection was closed before its first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// There are as many as there may be.
    TooMany,
    /// Its first HTTP/2 bytes, or a TLS handshake before them, took too long.
    TooSlow,
    /// The system had no room for it.
    AcceptFailed,
}

/// Counts connections that were refused, and says so now and then.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<Reason, Said>>);

#[derive(Debug)]
struct Said {
    at: Instant,
    /// Since then.
    more: u64,
}

#[derive(Debug, Serialize)]
struct ConnectionRefused {
    reason: Reason,
    /// With those that were not written down before.
    count: u64,
}

// === impl Reason ===

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::TooSlow => "too_slow",
            Self::AcceptFailed => "accept_failed",
        }
    }
}

// === impl Refusals ===

impl Refusals {
    /// Counts one, and logs it unless the same was logged a moment ago.
    pub(super) fn count(&self, reason: Reason) {
        metrics::CONNECTIONS_REFUSED.increment([reason.as_str()]);
        if let Some(count) = self.due(reason, Instant::now()) {
            nexy_telemetry::emit(&ConnectionRefused { reason, count });
        }
    }

    /// How many to write down now, if any.
    fn due(&self, reason: Reason, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said.get_mut(&reason) {
            Some(said) if now.duration_since(said.at) < QUIET => {
                said.more += 1;
                None
            }
            known => {
                let count = 1 + known.map_or(0, |said| said.more);
                said.insert(reason, Said { at: now, more: 0 });
                Some(count)
            }
        }
    }
}

impl Decision for ConnectionRefused {
    fn scope(&self) -> &'static str {
        "grpc"
    }
    fn decision(&self) -> &'static str {
        "connection_refused"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

#[cfg(test)]
mod tests;
