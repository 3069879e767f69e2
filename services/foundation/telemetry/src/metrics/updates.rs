//! What the update server counts. Nothing here tells one client from another.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{Counter, Family, Gauge, Label, OTHER, reading::Reading};

const CHANNELS: &[&str] = &["stable", "beta", "alpha"];
/// Major versions of macOS; a client says its own about once a week.
const SYSTEMS: &[&str] = &[
    "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25",
    "26", "27", "28", "29", "30", "unknown",
];
const ANSWERS: &[&str] = &["full", "not_modified"];
const OFFERS: &[&str] = &["newer", "none", "unknown_version"];
const COHORTS: &[&str] = &["offered", "withheld"];
const ASKERS: &[&str] = &["offered", "withheld", "without_id"];
const ENDS: &[&str] = &["completed", "aborted", "not_modified", "unsatisfiable", "not_found"];
const PARTS: &[&str] = &["whole", "range"];
/// What a check may find something amiss with.
const CHECKED: &[&str] = &["stable", "beta", "alpha", "audit_log"];

/// Versions that are told apart; what comes after is [`OTHER`].
const VERSIONS_MAX: usize = 64;

/// `{channel,os}`: major versions of macOS, and unknown.
pub static UPDATE_CHECKS: Counter<2> = Counter::new(
    "nexy_update_checks_total",
    "Requests for a feed, by channel and the client's macOS.",
    [Label::new("channel", CHANNELS), Label::new("os", SYSTEMS)],
);

/// `{version}`: see [`Versions`].
pub static UPDATE_CLIENTS: Versions = Versions {
    names: [const { OnceLock::new() }; VERSIONS_MAX],
    counts: [const { AtomicU64::new(0) }; VERSIONS_MAX],
    other: AtomicU64::new(0),
};

/// `{channel,answer}`. Answers: full, `not_modified`.
pub static UPDATE_FEED_ANSWERS: Counter<2> = Counter::new(
    "nexy_update_feed_answers_total",
    "Answered requests for a feed, by whether the client had it already.",
    [Label::new("channel", CHANNELS), Label::new("answer", ANSWERS)],
);

/// `{channel,offer}`. Offers: newer (than the client's version), none,
/// `unknown_version` (the client did not say its version).
pub static UPDATE_OFFERS: Counter<2> = Counter::new(
    "nexy_update_offers_total",
    "Requests for a feed, by whether it offers the client a newer version.",
    [Label::new("channel", CHANNELS), Label::new("offer", OFFERS)],
);

/// `{channel,cohort}`. Cohorts: offered, withheld, `without_id`.
pub static UPDATE_COHORT_CHECKS: Counter<2> = Counter::new(
    "nexy_update_cohort_checks_total",
    "Requests for a feed, by the side of the roll-out on which the client is.",
    [Label::new("channel", CHANNELS), Label::new("cohort", ASKERS)],
);

/// `{channel,cohort}`. Cohorts: offered, withheld.
pub static UPDATE_COHORTS: Gauge<2> = Gauge::new(
    "nexy_update_cohort_installations",
    "About how many installations asked since the release or its roll-out last changed.",
    [Label::new("channel", CHANNELS), Label::new("cohort", COHORTS)],
);

/// `{part,end}`. Parts: whole, range. Ends: completed, aborted,
/// `not_modified`, unsatisfiable, `not_found`.
pub static UPDATE_DOWNLOADS: Counter<2> = Counter::new(
    "nexy_update_downloads_total",
    "Requests for a file, by how they ended.",
    [Label::new("part", PARTS), Label::new("end", ENDS)],
);

/// Bytes of files handed to clients.
pub static UPDATE_DOWNLOAD_BYTES: Counter<0> =
    Counter::new("nexy_update_download_bytes_total", "Bytes of files handed to clients.", []);

/// `{channel}`: 1 or 0.
pub static UPDATE_REFUSED: Gauge<1> = Gauge::new(
    "nexy_update_refused",
    "Whether what lies in the folder for a channel is refused: 1, or 0.",
    [Label::new("channel", CHANNELS)],
);

/// `{channel}`.
pub static UPDATE_FILES_ELSEWHERE: Gauge<1> = Gauge::new(
    "nexy_update_files_elsewhere",
    "Files of releases that are carried by their URL and lie on another server.",
    [Label::new("channel", CHANNELS)],
);

/// `{of}`: the channels, and `audit_log`.
pub static UPDATE_CHECK_MISSES: Gauge<1> = Gauge::new(
    "nexy_update_check_misses",
    "What the last nexyctl release check --record found amiss.",
    [Label::new("of", CHECKED)],
);

/// Seconds since 1970; 0 for never.
pub static UPDATE_CHECKED: Gauge<0> = Gauge::new(
    "nexy_update_checked_timestamp_seconds",
    "When nexyctl release check --record last ended.",
    [],
);

/// `nexy_update_clients_total{version}`: requests for a feed by the version of
/// the app. Only versions that this server itself has served become labels, so
/// nobody can make up new ones; the rest is older, newer or unknown.
#[derive(Debug)]
pub struct Versions {
    /// Filled from the front; a name never moves.
    names: [OnceLock<String>; VERSIONS_MAX],
    counts: [AtomicU64; VERSIONS_MAX],
    other: AtomicU64,
}

// === impl Versions ===

impl Versions {
    /// Makes a version known: one that is served, or a fixed word.
    pub fn know(&self, version: &str) {
        for slot in &self.names {
            // An empty slot is taken by the first to come; who loses looks on.
            if slot.get_or_init(|| version.to_owned()) == version {
                return;
            }
        }
    }

    /// Counts a version; an unknown one counts as [`OTHER`].
    pub fn increment(&self, version: &str) {
        let mut known = self.names.iter().zip(&self.counts);
        let slot = known.find(|(name, _)| name.get().is_some_and(|name| name == version));
        slot.map_or(&self.other, |(_, count)| count).fetch_add(1, Relaxed);
    }

    /// How often a version was counted.
    #[must_use]
    pub fn get(&self, version: &str) -> u64 {
        self.rows().find(|(name, _)| *name == version).map_or(0, |(_, count)| count)
    }

    fn rows(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.names.iter().zip(&self.counts);
        let known = known.map_while(|(name, count)| Some((name.get()?, count.load(Relaxed))));
        let known = known.map(|(name, count)| (name.as_str(), count));
        known.chain([(OTHER, self.other.load(Relaxed))])
    }
}

impl Family for Versions {
    fn name(&self) -> &'static str {
        "nexy_update_clients_total"
    }

    fn read(&self) -> Reading {
        let help = "Requests for a feed, by the version of the app that asks.";
        let shown = self.rows().filter(|(name, count)| *name != OTHER || *count > 0);
        let rows = shown.map(|(version, count)| (version.to_owned().into(), count));
        Reading::counter_by(self.name(), help, "version", rows)
    }
}
