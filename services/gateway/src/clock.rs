//! The one clock of decisions. It is the runtime's, so that a simulation can
//! turn it; what is only reported may look at any other.

use std::time::Instant;

/// Now, for state machines that are given the time.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
