use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use super::{
    question::Asker,
    turn::{Turn, Verdict},
};
use crate::{
    action::Action,
    failure::{Failure, millis},
    reply::Trailers,
};

/// A turn for scripts: one JSON object on one line.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    /// `end_message` and status OK came.
    complete: bool,
    interrupted: bool,
    text: String,
    audio_seconds: f64,
    first_text_ms: Option<u64>,
    first_audio_ms: Option<u64>,
    total_ms: Option<u64>,
    actions: &'a [Action],
    trailers: &'a Trailers,
    error: Option<&'a Failure>,
    notes: &'a [String],
    saved: Option<&'a PathBuf>,
    session_id: &'a str,
}

// === impl Report ===

impl<'a> Report<'a> {
    pub(crate) fn new(turn: &'a Turn, asker: &'a Asker, saved: Option<&'a PathBuf>) -> Self {
        let summary = turn.summary();
        Self {
            complete: turn.is_complete(),
            interrupted: summary.verdict == Verdict::Interrupted,
            text: turn.text(),
            audio_seconds: milli_seconds(summary.audio),
            first_text_ms: summary.first_text.map(millis),
            first_audio_ms: summary.first_audio.map(millis),
            total_ms: summary.total.map(millis),
            actions: turn.actions(),
            trailers: turn.trailers(),
            error: turn.failure(),
            notes: turn.notes(),
            saved,
            session_id: asker.session_id.as_str(),
        }
    }
}

/// Seconds with three decimals.
fn milli_seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
