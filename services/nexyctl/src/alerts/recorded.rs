//! The series that are recorded. None has a label of an instance: they are
//! about the installation as a whole.
//!
//! A share or a percentile is recorded over two windows, and then once more
//! without a window in its name: over five minutes where these hold
//! `guardrails.min_turns`, else over the last hour where that does, else not at
//! all. Absent means "cannot tell": no alert, and a gap in the dashboard.

use nexy_config::Guardrails;

use super::{
    expressions::{decided, ended_with, failed, judged, seconds, turns},
    render::{Record, Rule},
};

/// What is looked at first.
const SHORT: &str = "5m";
/// What is looked at where the first has too few turns.
const LONG: &str = "1h";

/// In the order in which they depend on one another.
pub(super) fn rules(guardrails: &Guardrails) -> Vec<Rule> {
    let mut rules = windowed(SHORT);
    rules.extend(windowed(LONG));
    rules.extend(chosen(guardrails));
    rules.extend(usual());
    rules.extend(limits(guardrails));
    rules
}

fn record(name: impl Into<String>, expression: impl Into<String>) -> Rule {
    Rule::Record(Record { name: name.into(), label: None, expression: expression.into() })
}

fn record_with(
    name: impl Into<String>,
    label: (&'static str, &'static str),
    expression: String,
) -> Rule {
    Rule::Record(Record { name: name.into(), label: Some(label), expression })
}

fn windowed(window: &str) -> Vec<Rule> {
    let all = format!("(nexy:turns:ended_{window} > 0)");
    let mut rules = vec![
        record(format!("nexy:turns:ended_{window}"), turns(window)),
        record(format!("nexy:turns:judged_{window}"), judged(window)),
        record(
            format!("nexy:first_audio_seconds:p95_{window}"),
            format!(
                "histogram_quantile(0.95, \
                 sum by (le) (rate(nexy_time_to_first_audio_seconds_bucket[{window}])))"
            ),
        ),
        record(
            format!("nexy:turns:error_ratio_{window}"),
            format!("{}\n  / (nexy:turns:judged_{window} > 0)", failed(window)),
        ),
        record(
            format!("nexy:turns:refusal_ratio_{window}"),
            format!("{}\n  / {all}", ended_with("RESOURCE_EXHAUSTED", window)),
        ),
    ];
    let events = [
        ("abort", ended_with("CANCELLED", window)),
        ("degrade", decided("degrade", window)),
        ("retry", decided("retry", window)),
        ("unavailable", ended_with("UNAVAILABLE", window)),
    ];
    let ratio = format!("nexy:turns:event_ratio_{window}");
    rules.extend(events.map(|(event, count)| {
        record_with(&ratio, ("event", event), format!("{count}\n  / {all}"))
    }));
    if window == SHORT {
        rules.push(record(
            format!("nexy:decisions:rate_{window}"),
            format!("sum by (decision) (rate(nexy_decisions_total[{window}]))"),
        ));
    }
    rules
}

/// Each share over the window that has enough turns.
fn chosen(guardrails: &Guardrails) -> Vec<Rule> {
    let least = guardrails.min_turns;
    let choose = |series: &str, turns: &str| {
        let enough = |window: &str| {
            format!("({series}_{window} and on () nexy:turns:{turns}_{window} >= {least})")
        };
        format!("{}\nor\n{}", enough(SHORT), enough(LONG))
    };
    [
        ("nexy:first_audio_seconds:p95", "judged"),
        ("nexy:turns:error_ratio", "judged"),
        ("nexy:turns:refusal_ratio", "ended"),
        ("nexy:turns:event_ratio", "ended"),
    ]
    .map(|(series, turns)| record(series, choose(series, turns)))
    .into()
}

/// What is usual: the same hour of yesterday, and the median of a day. Neither
/// is there before half a day (or a day) has been recorded.
fn usual() -> Vec<Rule> {
    vec![
        record(
            "nexy:turns:retry_or_abort_ratio",
            r#"sum(nexy:turns:event_ratio{event=~"retry|abort"})"#,
        ),
        record(
            "nexy:turns:retry_or_abort_ratio:yesterday",
            "avg_over_time(nexy:turns:retry_or_abort_ratio[1h] offset 23h30m)",
        ),
        record(
            "nexy:turns:event_ratio:median_1d",
            "quantile_over_time(0.5, nexy:turns:event_ratio[1d])\n  \
             and present_over_time(nexy:turns:event_ratio[12h] offset 12h)",
        ),
    ]
}

/// The limits themselves, so that dashboards draw those that alerts go by.
fn limits(guardrails: &Guardrails) -> Vec<Rule> {
    [
        ("first_audio_p95_warn_seconds", seconds(guardrails.first_audio_p95_warn)),
        ("first_audio_p95_page_seconds", seconds(guardrails.first_audio_p95_page)),
        ("error_ratio_warn", guardrails.error_ratio_warn),
        ("error_ratio_page", guardrails.error_ratio_page),
        ("refusal_ratio", guardrails.refusal_ratio),
    ]
    .map(|(limit, value)| {
        record_with("nexy:guardrail", ("limit", limit), format!("vector({value})"))
    })
    .into()
}
