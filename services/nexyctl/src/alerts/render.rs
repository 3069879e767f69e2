//! Rules as Prometheus reads them: YAML, of which JSON's strings are a part.

use std::fmt::Write as _;

const HEAD: &str = "\
# Recording and alert rules of Nexy Server, made by `nexyctl alerts` of the
# settings guardrails.* and memory.write_queue. Do not edit: change the settings,
# then `nexyctl alerts --install DIR`. Docs/ALERTS.md says what to do about each.
groups:
";

/// Where it is written what to do about an alert: under a heading with its
/// name.
const RUNBOOK: &str = "Docs/ALERTS.md";

/// Rules that are looked at together, in this order.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) rules: Vec<Rule>,
}

pub(super) enum Rule {
    Record(Record),
    Alert(Alert),
}

/// A series that other rules and dashboards use.
pub(super) struct Record {
    pub(super) name: String,
    pub(super) label: Option<(&'static str, &'static str)>,
    pub(super) expression: String,
}

/// Something that somebody has to know.
pub(super) struct Alert {
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    pub(super) label: Option<(&'static str, &'static str)>,
    /// For how long it has to be so.
    pub(super) lasting: &'static str,
    pub(super) expression: String,
    /// One sentence; Prometheus fills in `{{ … }}`.
    pub(super) summary: &'static str,
}

/// Who is to know.
#[derive(Clone, Copy)]
pub(super) enum Severity {
    /// Looked at within the working day.
    Warn,
    /// Somebody is called.
    Page,
}

/// The whole file.
pub(super) fn groups(groups: &[Group]) -> String {
    let mut out = HEAD.to_owned();
    for group in groups {
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "  - name: {}\n    rules:\n", group.name);
        for rule in &group.rules {
            match rule {
                Rule::Record(record) => record.render(&mut out),
                Rule::Alert(alert) => alert.render(&mut out),
            }
        }
    }
    out
}

// === impl Record ===

impl Record {
    fn render(&self, out: &mut String) {
        let _ = writeln!(out, "      - record: {}", self.name);
        expression(out, &self.expression);
        if let Some((name, value)) = self.label {
            let _ = writeln!(out, "        labels:\n          {name}: {}", quoted(value));
        }
    }
}

// === impl Alert ===

impl Alert {
    fn render(&self, out: &mut String) {
        let _ = writeln!(out, "      - alert: {}", self.name);
        expression(out, &self.expression);
        let _ = writeln!(out, "        for: {}\n        labels:", self.lasting);
        let _ = writeln!(out, "          severity: {}", self.severity.as_str());
        if let Some((name, value)) = self.label {
            let _ = writeln!(out, "          {name}: {}", quoted(value));
        }
        let anchor = self.name.to_lowercase();
        let _ = writeln!(out, "        annotations:");
        let _ = writeln!(out, "          summary: {}", quoted(self.summary));
        let _ = writeln!(out, "          runbook: {RUNBOOK}#{anchor}");
    }
}

// === impl Severity ===

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Page => "page",
        }
    }
}

/// As a block, so that it reads as it was written.
fn expression(out: &mut String, expression: &str) {
    let _ = writeln!(out, "        expr: |-");
    for line in expression.lines() {
        let _ = writeln!(out, "          {}", line.trim_end());
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
