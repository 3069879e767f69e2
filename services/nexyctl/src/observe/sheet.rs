use serde_json::{Map, Value, json};

use crate::screen::{Look, Tone, clean, table};

/// A table that people read, or scripts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    /// Its name in JSON.
    pub(crate) key: &'static str,
    pub(crate) title: String,
    /// What the columns are called, in JSON too.
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// One value of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Count(u64),
    /// Milliseconds.
    Millis(u64),
    /// Per second.
    Rate(f64),
    /// US dollars.
    Usd(f64),
    /// There is no such value.
    Nothing,
}

// === impl Sheet ===

impl Sheet {
    pub(crate) fn new(key: &'static str, title: &str, columns: &[&'static str]) -> Self {
        Self { key, title: title.to_owned(), columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// A table with a title; for screen readers a sentence for each row.
    pub(crate) fn text(&self, look: Look) -> Vec<String> {
        if self.rows.is_empty() {
            return vec![format!("{}: none.", self.title)];
        }
        if look == Look::Plain {
            let title = format!("{}:", self.title);
            return std::iter::once(title)
                .chain(self.rows.iter().map(|row| self.said(row)))
                .collect();
        }
        let head = self.columns.iter().map(|name| heading(name)).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::text).collect());
        let mut lines = table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
        if let Some(head) = lines.first_mut() {
            *head = look.paint(Tone::Faint, head);
        }
        lines.insert(0, look.paint(Tone::Strong, &self.title));
        lines
    }

    /// An array of objects with the columns' names.
    pub(crate) fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let cells = self.columns.iter().zip(row);
            let cells = cells.map(|(name, cell)| ((*name).to_owned(), cell.json()));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// The first cell says whom a row is about.
    fn said(&self, row: &[Cell]) -> String {
        let mut cells = self.columns.iter().zip(row);
        let subject = cells.next().map(|(_, cell)| cell.text()).unwrap_or_default();
        let rest = cells.filter(|(_, cell)| **cell != Cell::Nothing);
        let rest = rest.map(|(name, cell)| format!("{} {}", heading(name), cell.text()));
        let rest = rest.collect::<Vec<_>>().join(", ");
        if rest.is_empty() { format!("{subject}.") } else { format!("{subject}: {rest}.") }
    }
}

// === impl Cell ===

impl Cell {
    pub(crate) fn of(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_owned()))
    }

    pub(crate) fn millis(value: Option<u64>) -> Self {
        value.map_or(Self::Nothing, Self::Millis)
    }

    pub(crate) fn usd(value: Option<f64>) -> Self {
        value.map_or(Self::Nothing, Self::Usd)
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => clean(text).replace('\n', " "),
            Self::Count(count) => count.to_string(),
            Self::Millis(millis) => format!("{millis} ms"),
            Self::Rate(rate) => format!("{rate:.1}/s"),
            // A question costs fractions of a cent.
            Self::Usd(amount) => format!("{amount:.4} USD"),
            Self::Nothing => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(number) | Self::Millis(number) => json!(number),
            Self::Rate(number) | Self::Usd(number) => json!(number),
            Self::Nothing => Value::Null,
        }
    }
}

/// A column as people read it; the unit stands with the value.
fn heading(name: &str) -> String {
    name.strip_suffix("_ms").or_else(|| name.strip_prefix("usd_")).unwrap_or(name).replace('_', " ")
}

/// A share in percent: `2.5 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests;
