//! What a family says at one moment, before it takes the form of a protocol.

use std::borrow::Cow;

/// All samples of one name.
#[derive(Debug)]
pub struct Reading {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) samples: Samples,
}

#[derive(Debug)]
pub(super) enum Samples {
    /// Numbers that only grow.
    Counter(Vec<Sample<u64>>),
    /// The same, in billionths of the unit.
    Billionths(Vec<Sample<u64>>),
    Gauge(Vec<Sample<i64>>),
    Histogram {
        /// Upper bounds in microseconds, rising; the last bucket has none.
        bounds: &'static [u64],
        rows: Vec<Sample<Buckets>>,
    },
}

#[derive(Debug)]
pub(super) struct Sample<V> {
    pub(super) labels: Vec<(&'static str, Cow<'static, str>)>,
    pub(super) value: V,
}

/// Durations by how long they were.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Not cumulative; one more than there are bounds.
    pub(super) counts: Vec<u64>,
    pub(super) sum_micros: u64,
}

// === impl Reading ===

impl Reading {
    /// A counter of one label.
    pub(super) fn counter_by(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        rows: impl Iterator<Item = (Cow<'static, str>, u64)>,
    ) -> Self {
        let samples = rows.map(|(text, value)| Sample { labels: vec![(label, text)], value });
        Self { name, help, samples: Samples::Counter(samples.collect()) }
    }
}

// === impl Buckets ===

impl Buckets {
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
