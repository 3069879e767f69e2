use std::process::ExitCode;

use serde_json::{Value, json};

use super::{
    figures::{Evidence, Figures},
    limits::Limits,
    rules::{Rule, Unit, Verdict},
};
use crate::{
    observe::sheet::percent,
    screen::{Look, Tone, clean, table},
};

/// The judgement, for people and for scripts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    outcome: Outcome,
    /// Why it cannot be told.
    reason: Option<String>,
    figures: Option<Figures>,
    source: Option<String>,
    notes: Vec<String>,
    rules: Vec<Rule>,
    ramp: Option<Ramp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Go,
    GoWithWarning,
    NoGo,
    CannotTell,
}

/// Where a roll-out is and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ramp {
    at: u8,
    /// `None`: it has arrived.
    next: Option<u8>,
}

const EXIT_NO_GO: u8 = 1;
const EXIT_CANNOT_TELL: u8 = 2;

/// How a process ends whose judgement could not be written.
pub(super) fn unshown() -> ExitCode {
    ExitCode::from(EXIT_CANNOT_TELL)
}

// === impl Report ===

impl Report {
    pub(super) fn new(
        evidence: Evidence,
        rules: Vec<Rule>,
        limits: &Limits,
        ramp: Option<u8>,
    ) -> Self {
        let (outcome, reason) = outcome(&evidence.figures, &rules, limits);
        let next = |at: u8| limits.ramp_percent.iter().copied().find(|step| *step > at);
        Self {
            outcome,
            reason,
            figures: Some(evidence.figures),
            source: Some(evidence.source),
            notes: evidence.notes,
            rules,
            ramp: ramp.map(|at| Ramp { at, next: next(at) }),
        }
    }

    /// Nothing could be judged.
    pub(super) fn cannot_tell(reason: String) -> Self {
        Self {
            outcome: Outcome::CannotTell,
            reason: Some(reason),
            figures: None,
            source: None,
            notes: Vec::new(),
            rules: Vec::new(),
            ramp: None,
        }
    }

    pub(super) fn exit(&self) -> ExitCode {
        ExitCode::from(self.outcome.code())
    }

    pub(super) fn json(&self) -> Value {
        let ramp = self.ramp.map(|ramp| {
            let next = ramp.next.filter(|_| self.outcome.is_go());
            json!({ "at": ramp.at, "next": next })
        });
        json!({
            "verdict": self.outcome.word(),
            "exit_code": self.outcome.code(),
            "reason": self.reason,
            "source": self.source,
            "figures": self.figures,
            "rules": self.rules,
            "notes": self.notes,
            "ramp": ramp,
        })
    }

    pub(super) fn text(&self, look: Look) -> Vec<String> {
        let mut lines = vec![self.headline(look)];
        if let (Some(figures), Some(source)) = (&self.figures, &self.source) {
            lines.push(format!("{}: {}.", clean(source), counts(figures)));
        }
        lines.extend(match look {
            Look::Plain => self.rules.iter().map(said).collect(),
            Look::Piped | Look::Terminal(_) => self.table(look),
        });
        lines.extend(self.notes.iter().map(|note| format!("Note: {}.", clean(note))));
        lines.extend(self.ramp.map(|ramp| self.step(ramp)));
        lines
    }

    fn headline(&self, look: Look) -> String {
        let reason = self.reason.as_deref().map(|reason| format!(": {}", clean(reason)));
        let reason = reason.unwrap_or_default();
        match self.outcome {
            Outcome::Go => look.paint(Tone::Good, "Go."),
            Outcome::GoWithWarning => {
                look.paint(Tone::Strong, &format!("Go, with a warning{reason}."))
            }
            Outcome::NoGo => look.paint(Tone::Bad, &format!("No go{reason}.")),
            Outcome::CannotTell => look.paint(Tone::Bad, &format!("Cannot tell{reason}.")),
        }
    }

    fn table(&self, look: Look) -> Vec<String> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let head = ["rule", "limit", "measured", "verdict", "remark"].map(str::to_owned);
        let rows = self.rules.iter().map(cells);
        let lines = table(&std::iter::once(head.to_vec()).chain(rows).collect::<Vec<_>>());
        let tones = self.rules.iter().map(|rule| match rule.verdict {
            Verdict::Ok => None,
            Verdict::Warn => Some(Tone::Strong),
            Verdict::Page | Verdict::CannotTell => Some(Tone::Bad),
            Verdict::Skipped => Some(Tone::Faint),
        });
        let tones = std::iter::once(Some(Tone::Faint)).chain(tones);
        let painted = lines.into_iter().zip(tones);
        painted
            .map(|(line, tone)| match tone {
                Some(tone) => look.paint(tone, &line),
                None => line,
            })
            .collect()
    }

    fn step(&self, ramp: Ramp) -> String {
        match (self.outcome, ramp.next) {
            (Outcome::NoGo, _) => {
                format!("The roll-out stays at {} %, or goes back.", ramp.at)
            }
            (Outcome::CannotTell, _) => format!("The roll-out stays at {} %.", ramp.at),
            (Outcome::Go | Outcome::GoWithWarning, Some(next)) => {
                format!("The next step of the ramp is {next} %.")
            }
            (Outcome::Go | Outcome::GoWithWarning, None) => {
                format!("At {} % the ramp is at its end.", ramp.at)
            }
        }
    }
}

/// A rule that is broken outweighs one that cannot be judged.
fn outcome(figures: &Figures, rules: &[Rule], limits: &Limits) -> (Outcome, Option<String>) {
    if figures.turns < limits.min_turns {
        let least = limits.min_turns;
        let turns = figures.turns;
        return (Outcome::CannotTell, Some(format!("{turns} turns, and {least} are needed")));
    }
    let named = |verdict: Verdict| {
        let rules = rules.iter().filter(|rule| rule.verdict == verdict);
        rules.map(|rule| rule.rule).collect::<Vec<_>>().join(", ")
    };
    let by_weight = [
        (Verdict::Page, Outcome::NoGo),
        (Verdict::CannotTell, Outcome::CannotTell),
        (Verdict::Warn, Outcome::GoWithWarning),
    ];
    let met = by_weight.into_iter().map(|(verdict, outcome)| (outcome, named(verdict)));
    let worst = met.into_iter().find(|(_, names)| !names.is_empty());
    worst.map_or((Outcome::Go, None), |(outcome, names)| (outcome, Some(names)))
}

fn counts(figures: &Figures) -> String {
    let Figures { turns, good, errors, interrupted, refused, .. } = figures;
    format!(
        "{turns} turns, {good} good, {errors} failed, {interrupted} interrupted, {refused} refused"
    )
}

fn cells(rule: &Rule) -> Vec<String> {
    vec![
        rule.rule.replace('_', " "),
        limit(rule),
        rule.measured.map_or_else(|| "-".to_owned(), |value| rule.unit.text(value)),
        rule.verdict.word().to_owned(),
        clean(rule.remark.as_deref().unwrap_or_default()),
    ]
}

fn said(rule: &Rule) -> String {
    let name = rule.rule.replace('_', " ");
    let measured = rule.measured.map(|value| format!(", measured {}", rule.unit.text(value)));
    let limit = rule.page.map(|_| format!(", limit {}", limit(rule)));
    let remark = rule.remark.as_deref().map(|remark| format!(", {}", clean(remark)));
    let parts = [measured, limit, remark].into_iter().flatten().collect::<String>();
    format!("{name}: {}{parts}.", rule.verdict.word())
}

fn limit(rule: &Rule) -> String {
    let text = |value: f64| rule.unit.text(value);
    match (rule.warn, rule.page) {
        (Some(warn), Some(page)) => format!("{}, no go above {}", text(warn), text(page)),
        (Some(only), None) | (None, Some(only)) => text(only),
        (None, None) => "-".to_owned(),
    }
}

// === impl Outcome ===

impl Outcome {
    const fn is_go(self) -> bool {
        matches!(self, Self::Go | Self::GoWithWarning)
    }

    const fn code(self) -> u8 {
        match self {
            Self::Go | Self::GoWithWarning => 0,
            Self::NoGo => EXIT_NO_GO,
            Self::CannotTell => EXIT_CANNOT_TELL,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::GoWithWarning => "go_with_warning",
            Self::NoGo => "no_go",
            Self::CannotTell => "cannot_tell",
        }
    }
}

// === impl Verdict ===

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "WARNING",
            Self::Page => "NO GO",
            Self::CannotTell => "cannot tell",
            Self::Skipped => "skipped",
        }
    }
}

// === impl Unit ===

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::Ms => format!("{value:.0} ms"),
            Self::Ratio => percent(value),
        }
    }
}
