use serde::Serialize;
use serde_json::{Value, json};

use crate::screen::{Look, Screen, Tone, clean, table};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) verdict: Verdict,
    pub(super) detail: String,
}

/// How it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it has to be.
    Ok,
    /// Not as it has to be.
    Miss,
    /// It was not looked at; the detail says why not.
    Skipped,
}

// === impl Row ===

impl Row {
    pub(super) fn ok(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Ok, detail: detail.into() }
    }

    pub(super) fn miss(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Miss, detail: detail.into() }
    }

    pub(super) fn skipped(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Skipped, detail: detail.into() }
    }

    /// Good with these words, or missed for those.
    pub(super) fn of(what: &str, result: Result<String, String>) -> Self {
        match result {
            Ok(detail) => Self::ok(what, detail),
            Err(detail) => Self::miss(what, detail),
        }
    }
}

// === impl Verdict ===

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Miss => "MISS",
            Self::Skipped => "skipped",
        }
    }
}

/// Whether nothing is amiss.
pub(super) fn is_good(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.verdict != Verdict::Miss)
}

/// How much is amiss.
pub(super) fn misses(rows: &[Row]) -> u32 {
    let misses = rows.iter().filter(|row| row.verdict == Verdict::Miss).count();
    u32::try_from(misses).unwrap_or(u32::MAX)
}

/// Shows the rows to people.
///
/// # Errors
/// When the output is closed.
pub(super) fn show(rows: &[Row], screen: &mut Screen) -> std::io::Result<()> {
    let look = screen.look();
    let lines = match look {
        Look::Plain => rows
            .iter()
            .map(|row| format!("{}: {}, {}.", row.what, row.verdict.word(), clean(&row.detail)))
            .collect(),
        Look::Piped | Look::Terminal(_) => {
            let cell = |row: &Row| {
                let tone = match row.verdict {
                    Verdict::Ok => Tone::Good,
                    Verdict::Miss => Tone::Bad,
                    Verdict::Skipped => Tone::Faint,
                };
                let word = format!("{:7}", row.verdict.word());
                vec![row.what.clone(), look.paint(tone, &word), clean(&row.detail)]
            };
            table(&rows.iter().map(cell).collect::<Vec<_>>())
        }
    };
    lines.into_iter().try_for_each(|line| screen.line(&line))
}

/// The rows and a verdict for scripts.
pub(super) fn as_json(rows: &[Row], more: &[(&str, Value)]) -> String {
    let mut all = json!({ "ok": is_good(rows), "checks": rows });
    for (key, value) in more {
        if let Some(object) = all.as_object_mut() {
            object.insert((*key).to_owned(), value.clone());
        }
    }
    all.to_string()
}
