//! Expressions about turns, of which several rules are made.

use std::time::Duration;

/// Turns that ended in any way, over a window.
pub(super) fn turns(window: &str) -> String {
    turns_with("", window)
}

/// Turns that say something about quality: not the interrupted, and not the
/// refused ones.
pub(super) fn judged(window: &str) -> String {
    turns_with(r#",code!~"CANCELLED|RESOURCE_EXHAUSTED""#, window)
}

pub(super) fn failed(window: &str) -> String {
    turns_with(r#",code!~"OK|CANCELLED|RESOURCE_EXHAUSTED""#, window)
}

pub(super) fn ended_with(code: &str, window: &str) -> String {
    turns_with(&format!(r#",code="{code}""#), window)
}

/// How often a decision was taken, by all services together.
pub(super) fn decided(decision: &str, window: &str) -> String {
    format!(r#"sum(increase(nexy_decisions_total{{decision="{decision}"}}[{window}]))"#)
}

/// Calls of these providers: those that were not interrupted, and those that
/// went well.
pub(super) fn calls(providers: &str, outcome: &str, window: &str) -> String {
    format!(
        r#"sum(increase(nexy_provider_calls_total{{provider=~"{providers}",outcome{outcome}}}[{window}]))"#
    )
}

/// Of whole milliseconds, without the noise of binary fractions.
pub(super) fn seconds(time: Duration) -> f64 {
    f64::from(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)) / 1000.0
}

fn turns_with(more: &str, window: &str) -> String {
    format!(r#"sum(increase(nexy_rpc_requests_total{{rpc="StreamAudio"{more}}}[{window}]))"#)
}
