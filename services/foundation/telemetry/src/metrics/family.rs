mod lapsing;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

pub use self::lapsing::Lapsing;
use super::{
    OTHER,
    reading::{Buckets as Filled, Reading, Sample, Samples},
};

/// All samples of one name.
pub trait Family: Sync {
    /// The name, e.g. `nexy_rpc_requests_total`.
    fn name(&self) -> &'static str;

    /// Its samples of now.
    fn read(&self) -> Reading;
}

/// A label and all values it can have besides [`OTHER`].
#[derive(Debug, Clone, Copy)]
pub struct Label {
    name: &'static str,
    values: &'static [&'static str],
}

/// A number that only grows.
#[derive(Debug)]
pub struct Counter<const N: usize> {
    head: Head<N>,
    cells: OnceLock<Box<[AtomicU64]>>,
}

/// A sum of fractions, such as money, counted in billionths.
#[derive(Debug)]
pub struct Amount<const N: usize>(Counter<N>);

/// A number that rises and falls.
#[derive(Debug)]
pub struct Gauge<const N: usize> {
    head: Head<N>,
    cells: OnceLock<Box<[AtomicI64]>>,
}

/// How long something took, in buckets.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    head: Head<N>,
    /// Upper bounds in microseconds, rising; the last bucket has none.
    bounds: &'static [u64],
    cells: OnceLock<Box<[Buckets]>>,
}

#[derive(Debug)]
struct Buckets {
    /// Not cumulative; one more than there are bounds.
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

#[derive(Debug)]
struct Head<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [Label; N],
    expects: fn(&[&'static str; N]) -> bool,
}

// === impl Label ===

impl Label {
    /// A label with its closed set.
    #[must_use]
    pub const fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values }
    }

    /// The place of a value; that of [`OTHER`] is after the last.
    fn position(&self, value: &str) -> usize {
        self.values.iter().position(|known| *known == value).unwrap_or(self.values.len())
    }

    fn value(&self, position: usize) -> &'static str {
        self.values.get(position).copied().unwrap_or(OTHER)
    }

    const fn len(&self) -> usize {
        self.values.len() + 1
    }
}

// === impl Head ===

impl<const N: usize> Head<N> {
    const fn new(name: &'static str, help: &'static str, labels: [Label; N]) -> Self {
        Self { name, help, labels, expects: everything }
    }

    fn cells(&self) -> usize {
        self.labels.iter().map(Label::len).product()
    }

    /// The cell of a row, the first label most significant.
    fn index(&self, values: [&str; N]) -> usize {
        self.labels
            .iter()
            .zip(values)
            .fold(0, |index, (label, value)| index * label.len() + label.position(value))
    }

    /// The row of a cell.
    fn row(&self, mut index: usize) -> [&'static str; N] {
        let mut row = [OTHER; N];
        for (value, label) in row.iter_mut().zip(&self.labels).rev() {
            *value = label.value(index % label.len());
            index /= label.len();
        }
        row
    }

    /// Whether a row is shown although nothing happened in it.
    fn shows_zero(&self, row: &[&'static str; N]) -> bool {
        !row.contains(&OTHER) && (self.expects)(row)
    }

    fn sample<V>(&self, row: &[&'static str; N], value: V) -> Sample<V> {
        let labels = self.labels.iter().zip(row);
        Sample {
            labels: labels.map(|(label, value)| (label.name, (*value).into())).collect(),
            value,
        }
    }

    fn reading(&self, samples: Samples) -> Reading {
        Reading { name: self.name, help: self.help, samples }
    }
}

fn everything<const N: usize>(_row: &[&'static str; N]) -> bool {
    true
}

fn nothing<const N: usize>(_row: &[&'static str; N]) -> bool {
    false
}

// === impl Counter ===

impl<const N: usize> Counter<N> {
    /// A counter at 0. Its name ends in `_total`.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str, labels: [Label; N]) -> Self {
        Self { head: Head::new(name, help, labels), cells: OnceLock::new() }
    }

    /// Adds one.
    pub fn increment(&self, labels: [&str; N]) {
        self.add(labels, 1);
    }

    /// Adds any number.
    pub fn add(&self, labels: [&str; N], count: u64) {
        if let Some(cell) = self.cells().get(self.head.index(labels)) {
            cell.fetch_add(count, Relaxed);
        }
    }

    /// The present number.
    #[must_use]
    pub fn get(&self, labels: [&str; N]) -> u64 {
        self.cells().get(self.head.index(labels)).map_or(0, |cell| cell.load(Relaxed))
    }

    /// All rows with their numbers.
    pub(super) fn rows(&self) -> Vec<([&'static str; N], u64)> {
        let cells = self.cells().iter().enumerate();
        cells.map(|(index, cell)| (self.head.row(index), cell.load(Relaxed))).collect()
    }

    fn cells(&self) -> &[AtomicU64] {
        self.cells.get_or_init(|| (0..self.head.cells()).map(|_| AtomicU64::new(0)).collect())
    }
}

impl<const N: usize> Family for Counter<N> {
    fn name(&self) -> &'static str {
        self.head.name
    }

    fn read(&self) -> Reading {
        let shown = self.rows().into_iter();
        let shown = shown.filter(|(row, value)| *value > 0 || self.head.shows_zero(row));
        let samples = shown.map(|(row, value)| self.head.sample(&row, value)).collect();
        self.head.reading(Samples::Counter(samples))
    }
}

// === impl Amount ===

impl<const N: usize> Amount<N> {
    /// An amount of 0. Its name ends in `_total`.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str, labels: [Label; N]) -> Self {
        Self(Counter::new(name, help, labels))
    }

    /// Adds billionths of the unit.
    pub fn add(&self, labels: [&str; N], billionths: u64) {
        self.0.add(labels, billionths);
    }

    /// The present amount in billionths of the unit.
    #[must_use]
    pub fn get(&self, labels: [&str; N]) -> u64 {
        self.0.get(labels)
    }
}

impl<const N: usize> Family for Amount<N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn read(&self) -> Reading {
        let reading = self.0.read();
        match reading.samples {
            Samples::Counter(rows) => Reading { samples: Samples::Billionths(rows), ..reading },
            _ => reading,
        }
    }
}

// === impl Gauge ===

impl<const N: usize> Gauge<N> {
    /// A gauge at 0.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str, labels: [Label; N]) -> Self {
        Self { head: Head::new(name, help, labels), cells: OnceLock::new() }
    }

    /// Shows no row that is 0: for numbers that are never 0 where they are known.
    #[must_use]
    pub(super) const fn without_zeros(mut self) -> Self {
        self.head.expects = nothing;
        self
    }

    /// Replaces the number.
    pub fn set(&self, labels: [&str; N], value: i64) {
        if let Some(cell) = self.cells().get(self.head.index(labels)) {
            cell.store(value, Relaxed);
        }
    }

    /// Adds any number, also a negative one.
    pub fn add(&self, labels: [&str; N], change: i64) {
        if let Some(cell) = self.cells().get(self.head.index(labels)) {
            cell.fetch_add(change, Relaxed);
        }
    }

    /// The present number.
    #[must_use]
    pub fn get(&self, labels: [&str; N]) -> i64 {
        self.cells().get(self.head.index(labels)).map_or(0, |cell| cell.load(Relaxed))
    }

    fn cells(&self) -> &[AtomicI64] {
        self.cells.get_or_init(|| (0..self.head.cells()).map(|_| AtomicI64::new(0)).collect())
    }
}

impl<const N: usize> Family for Gauge<N> {
    fn name(&self) -> &'static str {
        self.head.name
    }

    fn read(&self) -> Reading {
        let cells = self.cells().iter().enumerate();
        let rows = cells.map(|(index, cell)| (self.head.row(index), cell.load(Relaxed)));
        let shown = rows.filter(|(row, value)| *value != 0 || self.head.shows_zero(row));
        let samples = shown.map(|(row, value)| self.head.sample(&row, value)).collect();
        self.head.reading(Samples::Gauge(samples))
    }
}

// === impl Histogram ===

impl<const N: usize> Histogram<N> {
    /// An empty histogram. `bounds` are in microseconds, rising. Its name ends
    /// in `_seconds`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        help: &'static str,
        labels: [Label; N],
        bounds: &'static [u64],
    ) -> Self {
        Self { head: Head::new(name, help, labels), bounds, cells: OnceLock::new() }
    }

    /// Shows only some rows while nothing happened in them.
    #[must_use]
    pub(super) const fn expecting(mut self, expects: fn(&[&'static str; N]) -> bool) -> Self {
        self.head.expects = expects;
        self
    }

    /// Takes one duration.
    pub fn observe(&self, labels: [&str; N], took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let Some(cell) = self.cells().get(self.head.index(labels)) else { return };
        let bucket = self.bounds.partition_point(|bound| *bound < micros);
        if let Some(count) = cell.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
            cell.sum_micros.fetch_add(micros, Relaxed);
        }
    }

    /// How many durations were taken.
    #[must_use]
    pub fn count(&self, labels: [&str; N]) -> u64 {
        self.counts(labels).iter().sum()
    }

    /// The number in each bucket of a row, not cumulative.
    pub(super) fn counts(&self, labels: [&str; N]) -> Vec<u64> {
        self.cells().get(self.head.index(labels)).map(Buckets::load).unwrap_or_default()
    }

    pub(super) const fn bounds(&self) -> &'static [u64] {
        self.bounds
    }

    fn cells(&self) -> &[Buckets] {
        let buckets = self.bounds.len() + 1;
        self.cells.get_or_init(|| (0..self.head.cells()).map(|_| Buckets::new(buckets)).collect())
    }
}

impl<const N: usize> Family for Histogram<N> {
    fn name(&self) -> &'static str {
        self.head.name
    }

    fn read(&self) -> Reading {
        let cells = self.cells().iter().enumerate();
        let rows = cells.map(|(index, cell)| (self.head.row(index), cell.read()));
        let shown = rows.filter(|(row, filled)| filled.count() > 0 || self.head.shows_zero(row));
        let rows = shown.map(|(row, filled)| self.head.sample(&row, filled)).collect();
        self.head.reading(Samples::Histogram { bounds: self.bounds, rows })
    }
}

// === impl Buckets ===

impl Buckets {
    fn new(buckets: usize) -> Self {
        let counts = (0..buckets).map(|_| AtomicU64::new(0)).collect();
        Self { counts, sum_micros: AtomicU64::new(0) }
    }

    fn load(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Relaxed)).collect()
    }
    fn read(&self) -> Filled {
        Filled { counts: self.load(), sum_micros: self.sum_micros.load(Relaxed) }
    }
}
