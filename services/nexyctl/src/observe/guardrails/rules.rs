//! The rules, each held against what was measured.
//!
//! A rule with one limit holds a roll-out up when it is exceeded; of a rule with
//! two, the lower one only warns. A share is compared with `factor × what it is
//! usually`, but never held up below `guardrails.ratio_floor`: of a thing that
//! hardly ever happens, twice as much is nothing yet.

use serde::Serialize;

use super::{
    Baseline,
    figures::{Evidence, Figures},
    limits::Limits,
};
use crate::observe::sheet::percent;

/// One rule and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Rule {
    pub(super) rule: &'static str,
    pub(super) unit: Unit,
    /// Above it, a warning.
    pub(super) warn: Option<f64>,
    /// Above it, no go.
    pub(super) page: Option<f64>,
    pub(super) measured: Option<f64>,
    pub(super) verdict: Verdict,
    /// Why it was not judged, or what the limit comes from.
    pub(super) remark: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    Ms,
    Ratio,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Ok,
    Warn,
    Page,
    /// It has to be judged and could not be.
    CannotTell,
    /// There is nothing to compare with.
    Skipped,
}

/// A share and its name.
type Share = (&'static str, fn(&Figures) -> Option<f64>);

/// Compared with the baseline.
const WITH_BASELINE: [Share; 2] =
    [("retries_of_baseline", Figures::retry_ratio), ("aborts_of_baseline", Figures::abort_ratio)];
/// Compared with the median of the day before.
const WITH_DAY: [Share; 3] = [
    ("unavailable_of_day", Figures::unavailable_ratio),
    ("retries_of_day", Figures::retry_ratio),
    ("aborts_of_day", Figures::abort_ratio),
];
/// Differences that are due to binary fractions.
const ROUNDING: f64 = 1e-9;
const NO_WORKER: &str = "nothing of a worker was read";

/// Judges every rule.
pub(super) fn judge(evidence: &Evidence, baseline: &Baseline, limits: &Limits) -> Vec<Rule> {
    let figures = &evidence.figures;
    let mut rules = vec![
        first_audio(figures, limits),
        errors(figures, limits),
        Rule::new("refusals", Unit::Ratio)
            .limit(limits.refusal_ratio)
            .hold(figures.refusal_ratio()),
    ];
    for (name, share) in WITH_BASELINE {
        rules.push(match baseline {
            Err(why) => Rule::new(name, Unit::Ratio).skip(share(figures), why),
            Ok(baseline) => {
                let usual = share(baseline).ok_or("the baseline has nothing of a worker");
                compare(name, share(figures), usual, (limits.baseline_factor, "baseline"), limits)
            }
        });
    }
    for (name, share) in WITH_DAY {
        rules.push(match &evidence.day {
            Err(why) => Rule::new(name, Unit::Ratio).skip(None, why),
            Ok(day) => {
                let usual = median(day.hours.iter().filter_map(share).collect());
                let usual = usual.ok_or(NO_WORKER);
                compare(name, share(&day.present), usual, (limits.median_factor, "median"), limits)
            }
        });
    }
    if figures.turns < limits.min_turns {
        rules.iter_mut().for_each(Rule::withdraw);
    }
    rules
}

fn first_audio(figures: &Figures, limits: &Limits) -> Rule {
    let rule = Rule::new("first_audio_p95", Unit::Ms)
        .limit(limits.first_audio_p95_page_ms)
        .warn_above(limits.first_audio_p95_warn_ms);
    let measured = figures.first_audio_p95_ms;
    match few(figures.latencies, limits) {
        Some(least) => rule.unknown(
            measured,
            &format!("{} turns were heard, {least} are needed", figures.latencies),
        ),
        None => rule.hold(measured),
    }
}

fn errors(figures: &Figures, limits: &Limits) -> Rule {
    let rule = Rule::new("errors", Unit::Ratio)
        .limit(limits.error_ratio_page)
        .warn_above(limits.error_ratio_warn);
    match few(figures.judged(), limits) {
        Some(least) => rule.unknown(
            figures.error_ratio(),
            &format!("{} turns are good or bad, {least} are needed", figures.judged()),
        ),
        None => rule.hold(figures.error_ratio()),
    }
}

/// How many are needed, when there are fewer.
fn few(count: u64, limits: &Limits) -> Option<u64> {
    let least = limits.min_some();
    (count < least).then_some(least)
}

fn compare(
    name: &'static str,
    measured: Option<f64>,
    usual: Result<f64, &str>,
    (factor, what): (f64, &str),
    limits: &Limits,
) -> Rule {
    let rule = Rule::new(name, Unit::Ratio);
    match (measured, usual) {
        (None, _) => rule.skip(None, NO_WORKER),
        (_, Err(why)) => rule.skip(measured, why),
        (Some(_), Ok(usual)) => {
            let limit = (usual * factor).max(limits.ratio_floor);
            let remark = format!("the {what} is {}", percent(usual));
            Rule { remark: Some(remark), ..rule.limit(limit).hold(measured) }
        }
    }
}

/// Of an even number, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle)?;
    match middle.checked_sub(1).and_then(|place| values.get(place)) {
        Some(lower) if values.len().is_multiple_of(2) => Some(f64::midpoint(*lower, *upper)),
        _ => Some(*upper),
    }
}

// === impl Rule ===

impl Rule {
    const fn new(rule: &'static str, unit: Unit) -> Self {
        Self {
            rule,
            unit,
            warn: None,
            page: None,
            measured: None,
            verdict: Verdict::CannotTell,
            remark: None,
        }
    }

    fn limit(self, limit: f64) -> Self {
        Self { page: Some(limit), ..self }
    }

    fn warn_above(self, limit: f64) -> Self {
        Self { warn: Some(limit), ..self }
    }

    /// Holds what was measured against the limits.
    fn hold(self, measured: Option<f64>) -> Self {
        let Some(value) = measured.filter(|value| value.is_finite()) else {
            return self.unknown(None, "nothing was measured");
        };
        let above = |limit: Option<f64>| limit.is_some_and(|limit| value > limit + ROUNDING);
        let verdict = match (above(self.page), above(self.warn)) {
            (true, _) => Verdict::Page,
            (false, true) => Verdict::Warn,
            (false, false) => Verdict::Ok,
        };
        Self { measured, verdict, ..self }
    }

    fn unknown(self, measured: Option<f64>, why: &str) -> Self {
        Self { measured, verdict: Verdict::CannotTell, remark: Some(why.to_owned()), ..self }
    }

    fn skip(self, measured: Option<f64>, why: &str) -> Self {
        Self { measured, verdict: Verdict::Skipped, remark: Some(why.to_owned()), ..self }
    }

    /// There were too few turns for anything to be said.
    fn withdraw(&mut self) {
        if self.verdict != Verdict::Skipped {
            self.verdict = Verdict::CannotTell;
            self.remark.get_or_insert_with(|| "too few turns".to_owned());
        }
    }
}
