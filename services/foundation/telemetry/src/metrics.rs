//! Counters, gauges and histograms with labels from closed sets, in the
//! Prometheus text format 0.0.4, and the aggregate of a window.
//!
//! Every family of the product is a static of this module. A service
//! [`declare`]s those that it feeds, and its `/metrics` shows them with 0 from
//! the start. Recording costs a search among a few labels and some atomic
//! additions; it takes no lock.
//!
//! Requests have one door: [`rpc_ended`]. It feeds every family about them at
//! once, so they cannot disagree.

mod catalogue;
mod decisions;
mod export;
mod family;
mod reading;
mod render;
mod rpc;
mod updates;
mod window;

use std::sync::{Mutex, OnceLock, PoisonError};

pub use catalogue::{
    ACTIVE_STREAMS, AUDIO_BYTES, BACKPRESSURE_REFUSALS, BREAKER_STATE, CERTIFICATE_NOT_AFTER,
    CONNECTIONS, CONNECTIONS_REFUSED, COST, OWN_OVERHEAD, PROVIDER_CALLS, QUEUE_DEPTH,
    RPC_DURATION, RPC_REQUESTS, STAGE_DURATION, TIME_TO_FIRST_AUDIO, TIME_TO_FIRST_TEXT, TOKENS,
};
pub use decisions::{DECISIONS, Decisions};
pub(crate) use export::Exporter;
pub use family::{Amount, Counter, Family, Gauge, Histogram, Label, Lapsing};
pub use reading::Reading;
use reading::{Sample, Samples};
pub use rpc::{RpcEnd, code_name, rpc_ended};
pub use updates::{
    UPDATE_CHECK_MISSES, UPDATE_CHECKED, UPDATE_CHECKS, UPDATE_CLIENTS, UPDATE_COHORT_CHECKS,
    UPDATE_COHORTS, UPDATE_DOWNLOAD_BYTES, UPDATE_DOWNLOADS, UPDATE_FEED_ANSWERS,
    UPDATE_FILES_ELSEWHERE, UPDATE_OFFERS, UPDATE_REFUSED, Versions,
};
pub use window::{Snapshot, Window};

/// The value of a label that is in no set.
pub const OTHER: &str = "other";

static DECLARED: Mutex<Vec<&'static dyn Family>> = Mutex::new(Vec::new());
static BUILD: OnceLock<Build> = OnceLock::new();

/// `nexy_build_info{service,version}`, always 1.
struct Build {
    service: &'static str,
    version: String,
}

/// Adds families to what [`render`] shows. Declaring one twice is harmless.
pub fn declare(families: &[&'static dyn Family]) {
    let mut declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
    for family in families {
        if !declared.iter().any(|known| known.name() == family.name()) {
            declared.push(*family);
        }
    }
}

/// The text of `/metrics`: `nexy_build_info`, `nexy_decisions_total` and the
/// declared families.
#[must_use]
pub fn render() -> String {
    let mut out = String::with_capacity(16 * 1024);
    for reading in read() {
        render::render(&mut out, &reading);
    }
    out
}

/// Everything of now.
pub(crate) fn read() -> Vec<Reading> {
    let declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let build = BUILD.get().map(|build| build.read());
    build
        .into_iter()
        .chain([DECISIONS.read()])
        .chain(declared.iter().map(|family| family.read()))
        .collect()
}

/// What `nexy_build_info` says. The first one stays.
pub(crate) fn set_build_info(service: &'static str, version: &str) {
    BUILD.get_or_init(|| Build { service, version: version.to_owned() });
}

// === impl Build ===

impl Build {
    fn read(&self) -> Reading {
        let version = self.version.clone().into();
        let labels = vec![("service", self.service.into()), ("version", version)];
        let samples = Samples::Gauge(vec![Sample { labels, value: 1 }]);
        Reading { name: "nexy_build_info", help: "The running build.", samples }
    }
}

#[cfg(test)]
mod tests;
