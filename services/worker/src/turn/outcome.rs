use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nexy_assistant_response::Action;
use nexy_telemetry::metrics;
use nexy_text_processing::Usage;
use nexy_types::ErrorType;

use super::{
    speaker::Spoken,
    writer::{Held, Written},
};
use crate::decisions::{ActionDropped, ActionHeld};

/// How a turn was served, for trailers and metrics.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The model that answered, or empty.
    pub(crate) llm: &'static str,
    /// The voice that spoke, or empty.
    pub(crate) tts: &'static str,
    /// What was given up.
    pub(crate) degraded: Vec<&'static str>,
    pub(crate) usage: Usage,
    /// What of the time to first audio was spent waiting for providers.
    pub(crate) provider_wait: Option<Duration>,
}

/// Why a reply is not whole.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error_type: ErrorType,
    /// Names no user content.
    pub(crate) message: String,
}

/// A turn that came to its end.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) result: Result<(), Failure>,
    /// The text of the reply. User content.
    pub(crate) reply: String,
    /// What the user was asked to agree to.
    pub(crate) waiting: Option<Action>,
}

/// What the two halves of a turn learn about time, written once each.
pub(super) struct Timeline {
    began: Instant,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    /// From the request to the model until its first speakable segment, less
    /// our own work on it.
    model: Option<Duration>,
    /// From the request for the first segment's voice to its first byte.
    voice: Option<Duration>,
    first_audio: Option<Duration>,
}

// === impl Ended ===

impl Ended {
    /// The caller's time is up, in the middle of it.
    pub(crate) fn out_of_time() -> Self {
        let failure = Failure {
            error_type: ErrorType::Timeout,
            message: "the time of the call is up".to_owned(),
        };
        Self {
            outcome: Outcome::default(),
            result: Err(failure),
            reply: String::new(),
            waiting: None,
        }
    }

    pub(super) fn of(written: Written, spoken: Spoken, timeline: &Timeline) -> Self {
        let given_up = [(written.lost_screenshot, "screenshot"), (spoken.degraded, "tts")];
        let outcome = Outcome {
            llm: written.model,
            tts: spoken.voice,
            degraded: given_up.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect(),
            usage: written.usage,
            provider_wait: timeline.provider_wait(),
        };
        let was_asked = written.result.is_ok() && !spoken.degraded;
        let waiting = written.held.and_then(|held| settle(held, was_asked));
        Self { outcome, result: written.result, reply: written.reply, waiting }
    }
}

/// A question that did not sound to its end was not asked: the user cannot
/// know what a yes would do.
fn settle(held: Held, was_asked: bool) -> Option<Action> {
    let Held { action, reason } = held;
    if !was_asked {
        nexy_telemetry::emit(&ActionDropped { reason: "question_unspoken" });
        return None;
    }
    let (command, reason) = (action.command.clone(), reason.as_str());
    nexy_telemetry::emit(&ActionHeld { command, reason });
    Some(action)
}

// === impl Timeline ===

impl Timeline {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), waits: Mutex::default() }
    }

    /// The model's first segment is complete; `waited` was spent on the model.
    pub(super) fn first_segment(&self, waited: Duration) {
        self.edit(|waits| {
            waits.model.get_or_insert(waited);
        });
    }

    /// A voice can be heard; `waited` was spent on it.
    pub(super) fn first_audio(&self, waited: Duration) {
        let elapsed = self.began.elapsed();
        let first = self.edit(|waits| {
            waits.voice.get_or_insert(waited);
            let first = waits.first_audio.is_none();
            waits.first_audio.get_or_insert(elapsed);
            first
        });
        if first && let Some(wait) = self.provider_wait() {
            metrics::OWN_OVERHEAD.observe([], elapsed.saturating_sub(wait));
        }
    }

    fn provider_wait(&self) -> Option<Duration> {
        self.edit(|waits| Some(waits.model? + waits.voice?))
    }

    fn edit<T>(&self, change: impl FnOnce(&mut Waits) -> T) -> T {
        change(&mut self.waits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
