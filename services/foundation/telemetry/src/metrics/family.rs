use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{OTHER, render};

/// All samples of one name.
pub trait Family: Sync {
    /// The name, e.g. `nexy_rpc_requests_total`.
    fn name(&self) -> &'static str;

    /// Appends its HELP, TYPE and samples.
    fn render(&self, out: &mut String);
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

    fn pairs(&self, row: &[&'static str; N]) -> Vec<(&'static str, &'static str)> {
        self.labels.iter().zip(row).map(|(label, value)| (label.name, *value)).collect()
    }
}

fn everything<const N: usize>(_row: &[&'static str; N]) -> bool {
    true
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

    fn render(&self, out: &mut String) {
        render::head(out, self.head.name, "counter", self.head.help);
        for (row, value) in self.rows() {
            if value > 0 || self.head.shows_zero(&row) {
                render::sample(out, self.head.name, &self.head.pairs(&row), value);
            }
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

    fn render(&self, out: &mut String) {
        render::head(out, self.head.name, "gauge", self.head.help);
        for (index, cell) in self.cells().iter().enumerate() {
            let (row, value) = (self.head.row(index), cell.load(Relaxed));
            if value != 0 || self.head.shows_zero(&row) {
                render::sample(out, self.head.name, &self.head.pairs(&row), value);
            }
        }
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

    fn render_row(&self, out: &mut String, row: &[&'static str; N], cell: &Buckets) {
        let name = self.head.name;
        let labels = self.head.pairs(row);
        let mut below = 0;
        let ends = self.bounds.iter().map(|bound| render::seconds(*bound));
        for (count, end) in cell.load().into_iter().zip(ends.chain(["+Inf".to_owned()])) {
            below += count;
            let bucket: Vec<_> = labels.iter().copied().chain([("le", end.as_str())]).collect();
            render::sample(out, &format!("{name}_bucket"), &bucket, below);
        }
        let sum = render::seconds(cell.sum_micros.load(Relaxed));
        render::sample(out, &format!("{name}_sum"), &labels, sum);
        render::sample(out, &format!("{name}_count"), &labels, below);
    }
}

impl<const N: usize> Family for Histogram<N> {
    fn name(&self) -> &'static str {
        self.head.name
    }

    fn render(&self, out: &mut String) {
        render::head(out, self.head.name, "histogram", self.head.help);
        for (index, cell) in self.cells().iter().enumerate() {
            let row = self.head.row(index);
            if self.head.shows_zero(&row) || cell.load().iter().any(|count| *count > 0) {
                self.render_row(out, &row, cell);
            }
        }
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
}
