use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Instant,
};

use super::{Family, Head, Label, Reading, Samples};

/// A number that becomes another one by itself when its time is over. It seldom
/// changes: each row has a lock.
#[derive(Debug)]
pub struct Lapsing<const N: usize> {
    head: Head<N>,
    cells: OnceLock<Box<[Mutex<Cell>]>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    value: i64,
    /// When it becomes what.
    lapse: Option<(Instant, i64)>,
}

// === impl Lapsing ===

impl<const N: usize> Lapsing<N> {
    /// At 0.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str, labels: [Label; N]) -> Self {
        Self { head: Head::new(name, help, labels), cells: OnceLock::new() }
    }

    /// Replaces the number.
    pub fn set(&self, labels: [&str; N], value: i64) {
        self.replace(labels, Cell { value, lapse: None });
    }

    /// Replaces the number until a time, and from then on by another one.
    pub fn set_until(&self, labels: [&str; N], value: i64, until: Instant, then: i64) {
        self.replace(labels, Cell { value, lapse: Some((until, then)) });
    }

    /// The number at a time.
    #[must_use]
    pub fn get(&self, labels: [&str; N], now: Instant) -> i64 {
        self.cells().get(self.head.index(labels)).map_or(0, |cell| read(cell).at(now))
    }

    fn replace(&self, labels: [&str; N], new: Cell) {
        if let Some(cell) = self.cells().get(self.head.index(labels)) {
            *cell.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }

    fn cells(&self) -> &[Mutex<Cell>] {
        self.cells.get_or_init(|| (0..self.head.cells()).map(|_| Mutex::default()).collect())
    }
}

impl<const N: usize> Family for Lapsing<N> {
    fn name(&self) -> &'static str {
        self.head.name
    }

    fn read(&self) -> Reading {
        let now = Instant::now();
        let cells = self.cells().iter().enumerate();
        let rows = cells.map(|(index, cell)| (self.head.row(index), read(cell).at(now)));
        let shown = rows.filter(|(row, value)| *value != 0 || self.head.shows_zero(row));
        let samples = shown.map(|(row, value)| self.head.sample(&row, value)).collect();
        self.head.reading(Samples::Gauge(samples))
    }
}

fn read(cell: &Mutex<Cell>) -> Cell {
    *cell.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Cell ===

impl Cell {
    fn at(self, now: Instant) -> i64 {
        match self.lapse {
            Some((until, then)) if now >= until => then,
            _ => self.value,
        }
    }
}
