//! Figures, their targets, and whether they are met.

use std::fmt;

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// Less is better.
    Below(f64),
    /// More is better.
    Above(f64),
    /// Told, not judged.
    None,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    unit: &'static str,
    target: Target,
    /// `None` when it could not be measured here.
    measured: Option<f64>,
}

// === impl Report ===

impl Report {
    /// Adds a figure.
    pub fn add(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        target: Target,
        measured: impl Into<Option<f64>>,
    ) {
        self.rows.push(Row { what: what.into(), unit, target, measured: measured.into() });
    }

    /// Whether any figure misses its target.
    pub fn has_misses(&self) -> bool {
        self.rows.iter().any(|row| row.verdict() == "MISS")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<66} {:>12} {:>14}  ", "what", "target", "measured")?;
        for row in &self.rows {
            let target = match row.target {
                Target::Below(limit) => format!("< {limit} {}", row.unit),
                Target::Above(limit) => format!("> {limit} {}", row.unit),
                Target::None => "-".to_owned(),
            };
            let measured = match row.measured {
                Some(value) => format!("{value:.2} {}", row.unit),
                None => "not measured".to_owned(),
            };
            writeln!(f, "{:<66} {target:>12} {measured:>14}  {}", row.what, row.verdict())?;
        }
        Ok(())
    }
}

// === impl Row ===

impl Row {
    fn verdict(&self) -> &'static str {
        match (self.target, self.measured) {
            (Target::Below(limit), Some(measured)) if measured < limit => "ok",
            (Target::Above(limit), Some(measured)) if measured > limit => "ok",
            (Target::Below(_) | Target::Above(_), Some(_)) => "MISS",
            (Target::Below(_) | Target::Above(_), None) | (Target::None, _) => "",
        }
    }
}
