use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{Family, OTHER, reading::Reading};

/// More names than the product has decisions; what comes after is [`OTHER`].
const NAMES_MAX: usize = 192;

/// Those that alerts, guardrails and dashboards ask for: shown with 0 before
/// they happen.
const EXPECTED: &[&str] = &[
    "start",
    "complete",
    "abort",
    "error",
    "stream_acquired",
    "stream_released",
    "stream_rejected",
    "stream_idle_timeout",
    "rate_limit_exceeded",
    "interrupted",
    "retry",
    "degrade",
    "action_forwarded",
    "action_dropped",
    "flag_changed",
    "release_published",
    "release_refused",
    "worker_ejected",
    "memory_dropped",
    "dependency_log",
    "log_lines_dropped",
    "panic",
];

/// `nexy_decisions_total{decision}`. Its names are literals of the program's
/// text, which closes the set without a list of all of them here.
#[derive(Debug)]
pub struct Decisions {
    /// Filled from the front; a name never moves.
    names: [OnceLock<&'static str>; NAMES_MAX],
    counts: [AtomicU64; NAMES_MAX],
    other: AtomicU64,
}

/// Every decision of this process, counted by [`crate::emit`].
pub static DECISIONS: Decisions = Decisions {
    names: [const { OnceLock::new() }; NAMES_MAX],
    counts: [const { AtomicU64::new(0) }; NAMES_MAX],
    other: AtomicU64::new(0),
};

// === impl Decisions ===

impl Decisions {
    /// How often a decision was reported.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.rows().find(|(known, _)| *known == name).map_or(0, |(_, count)| count)
    }

    pub(crate) fn increment(&self, name: &'static str) {
        self.cell(name).fetch_add(1, Relaxed);
    }

    /// Names reported so far with their counts.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = self.names.iter().zip(&self.counts);
        let named = named.map_while(|(name, count)| Some((*name.get()?, count.load(Relaxed))));
        named.chain([(OTHER, self.other.load(Relaxed))])
    }

    fn cell(&self, name: &'static str) -> &AtomicU64 {
        let mut slots = self.names.iter().zip(&self.counts);
        // An empty slot is taken by the first to come; who loses looks on.
        let slot = slots.find(|(slot, _)| *slot.get_or_init(|| name) == name);
        slot.map_or(&self.other, |(_, count)| count)
    }
}

impl Family for Decisions {
    fn name(&self) -> &'static str {
        "nexy_decisions_total"
    }

    fn read(&self) -> Reading {
        for name in EXPECTED {
            self.cell(name);
        }
        let shown = self.rows().filter(|(name, count)| *name != OTHER || *count > 0);
        let help = "Decisions in the decision log.";
        let rows = shown.map(|(decision, count)| (decision.into(), count));
        Reading::counter_by(self.name(), help, "decision", rows)
    }
}
