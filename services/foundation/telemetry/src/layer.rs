use std::{collections::HashMap, fmt, sync::Mutex, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::{
    Level,
    decision::TARGET,
    line::{Line, one_line_json},
    metrics,
};

/// How often one target may say something at one level. A dead collector or
/// database repeats itself; once a second is enough to see it.
const DEPENDENCY_INTERVAL: Duration = Duration::from_secs(1);

/// Longer messages of dependencies are cut.
const MESSAGE_MAX_CHARS: usize = 300;

/// Targets are names in the program's text; this only bounds the map by more
/// than hope.
const TARGETS_MAX: usize = 512;

/// Turns events into lines of the decision log. Filtering is done before it.
pub(crate) struct DecisionLog<F> {
    write: F,
    limiter: Limiter,
}

/// Remembers when a dependency last spoke.
#[derive(Default)]
struct Limiter(Mutex<HashMap<(&'static str, tracing::Level), Spoken>>);

struct Spoken {
    at: Instant,
    suppressed: u64,
}

#[derive(Serialize)]
struct DependencyLog<'a> {
    target: &'a str,
    message: String,
    /// Lines of the same target and level left out since the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<u64>,
}

#[derive(Default)]
struct Fields {
    scope: String,
    method: Option<String>,
    ctx: String,
    dur_ms: Option<u64>,
    message: String,
}

// === impl DecisionLog ===

impl<F: Fn(String)> DecisionLog<F> {
    pub(crate) fn new(write: F) -> Self {
        Self { write, limiter: Limiter::default() }
    }

    fn decision(&self, level: Level, fields: &Fields) {
        let line = Line {
            at: Timestamp::now(),
            level,
            scope: &fields.scope,
            method: fields.method.as_deref(),
            decision: &fields.message,
            ctx: &fields.ctx,
            dur_ms: fields.dur_ms,
        };
        (self.write)(line.to_string());
    }

    /// Of a dependency only the message is taken: its other fields may hold
    /// URLs with keys, or a user's words.
    fn dependency(&self, event: &Event<'_>, fields: Fields) {
        let metadata = event.metadata();
        let Some(suppressed) = self.limiter.pass(metadata.target(), *metadata.level()) else {
            return;
        };
        let message =
            if fields.message.is_empty() { metadata.name().to_owned() } else { fields.message };
        let ctx = DependencyLog {
            target: metadata.target(),
            message: capped(message),
            suppressed: Some(suppressed).filter(|count| *count > 0),
        };
        let decision = "dependency_log";
        metrics::DECISIONS.increment(decision);
        let line = Line {
            at: Timestamp::now(),
            level: Level::of(*metadata.level()),
            scope: "dependency",
            method: None,
            decision,
            ctx: &one_line_json(&ctx),
            dur_ms: None,
        };
        (self.write)(line.to_string());
    }
}

impl<S: Subscriber, F: Fn(String) + 'static> Layer<S> for DecisionLog<F> {
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if event.metadata().target() == TARGET {
            self.decision(Level::of(*event.metadata().level()), &fields);
        } else {
            self.dependency(event, fields);
        }
    }
}

fn capped(message: String) -> String {
    match message.char_indices().nth(MESSAGE_MAX_CHARS) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}

// === impl Limiter ===

impl Limiter {
    /// `Some` with the number of lines left out before, when this one may be
    /// printed.
    fn pass(&self, target: &'static str, level: tracing::Level) -> Option<u64> {
        let Ok(mut spoken) = self.0.lock() else { return None };
        let now = Instant::now();
        if let Some(last) = spoken.get_mut(&(target, level)) {
            if now.duration_since(last.at) < DEPENDENCY_INTERVAL {
                last.suppressed += 1;
                return None;
            }
            last.at = now;
            return Some(std::mem::take(&mut last.suppressed));
        }
        if spoken.len() >= TARGETS_MAX {
            return None;
        }
        spoken.insert((target, level), Spoken { at: now, suppressed: 0 });
        Some(0)
    }
}

// === impl Fields ===

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "scope" => self.scope = value.to_owned(),
            "method" => self.method = Some(value.to_owned()),
            "ctx" => self.ctx = value.to_owned(),
            "message" => self.message = value.to_owned(),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "dur_ms" {
            self.dur_ms = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
