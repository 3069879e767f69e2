use std::time::Duration;

use crate::{Level, line, metrics, propagation};

/// The target of the events that carry decisions through `tracing`. No crate
/// has this name, so nothing else can be mistaken for a decision.
pub(crate) const TARGET: &str = "nexy::decision";

/// Something a service decided, as a struct whose fields are the `ctx` of its
/// log line.
///
/// Fields hold no user content: no prompts, replies, audio, images, keys or
/// device ids (see [`crate::device_hash`]). None is named `trace_id`, which
/// [`emit`] adds.
pub trait Decision: serde::Serialize {
    /// The module that decided, without spaces.
    fn scope(&self) -> &'static str;

    /// What was decided: `[a-z_]+`.
    fn decision(&self) -> &'static str;

    /// How much it matters.
    fn level(&self) -> Level {
        Level::Info
    }

    /// The full RPC method, e.g. `/streaming.StreamingService/StreamAudio`.
    fn method(&self) -> Option<&'static str> {
        None
    }

    /// How long it took.
    fn duration(&self) -> Option<Duration> {
        None
    }

    /// Its own counters; `nexy_decisions_total` is counted by [`emit`].
    fn count(&self) {}
}

/// Reports a decision: its counters, an event on the current span and a line
/// of the decision log. A decision below the configured level is counted and
/// traced, not printed.
pub fn emit(decision: &impl Decision) {
    metrics::DECISIONS.increment(decision.decision());
    decision.count();
    let mut ctx = line::one_line_json(decision);
    if let Some(trace_id) = propagation::trace_id() {
        line::append_member(&mut ctx, "trace_id", &trace_id);
    }
    let dur_ms =
        decision.duration().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    record(decision, &ctx, dur_ms);
}

fn record(decision: &impl Decision, ctx: &str, dur_ms: Option<u64>) {
    let (scope, method, name) = (decision.scope(), decision.method(), decision.decision());
    // The level of a `tracing` callsite is fixed where it is compiled.
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                scope,
                method,
                ctx,
                dur_ms,
                "{name}"
            )
        };
    }
    match decision.level() {
        Level::Error => event!(ERROR),
        Level::Warn => event!(WARN),
        Level::Info => event!(INFO),
        Level::Debug => event!(DEBUG),
        Level::Trace => event!(TRACE),
    }
}

#[cfg(test)]
mod tests;
