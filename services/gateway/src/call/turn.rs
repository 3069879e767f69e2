//! One turn of a call: its stream from the worker, its guards, its log.

use std::{borrow::Cow, sync::Arc};

use nexy_config::ActionsTransport;
use nexy_interrupt_handling::RunningTurn;
use nexy_proto::{
    streaming::{StreamResponse, stream_response::Content},
    worker::{Action, AudioFormat, RespondEvent, RespondRequest, respond_event},
};
use nexy_session_management::Lease;
use nexy_types::{ErrorType, HardwareId, SessionId, TurnNumber, without_action_marks};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    End,
    frames::Audible,
    log::TurnLog,
    source::{Asking, Source},
};
use crate::{
    convert,
    coordinator::ModuleCoordinator,
    decisions::{ActionForged, ActionForwarded, UnknownEvent},
    refusal::Refusal,
    workers::Chosen,
};

/// What a running turn holds on to: its session, its place among the turns
/// that can be interrupted.
#[derive(Debug)]
pub(crate) struct Guards {
    pub(crate) number: TurnNumber,
    pub(crate) running: RunningTurn,
    pub(crate) lease: Lease,
}

/// A turn that runs. Dropping it cancels the worker's side.
pub(super) struct Turn {
    /// Counts from 1 on each call.
    pub(super) index: u32,
    /// Whether its frames may leave.
    pub(super) audible: Audible,
    pub(super) device: HardwareId,
    session: SessionId,
    guards: Guards,
    source: Source,
    /// How actions travel; `None` when they do not.
    transport: Option<ActionsTransport>,
    format: AudioFormat,
    /// Whether it was told that the worker says what nobody here knows.
    is_beyond_us: bool,
    /// Whether it was told that the reply holds what looks like an action.
    is_forged: bool,
    log: TurnLog,
}

/// What a turn begins with.
pub(super) struct Beginning {
    pub(super) modules: Arc<ModuleCoordinator>,
    pub(super) index: u32,
    pub(super) device: HardwareId,
    pub(super) session: SessionId,
    pub(super) guards: Guards,
    pub(super) worker: Chosen,
    pub(super) request: RespondRequest,
    /// When the client's own time is up.
    pub(super) deadline: Option<Instant>,
    pub(super) transport: Option<ActionsTransport>,
    pub(super) format: AudioFormat,
    pub(super) log: TurnLog,
}

/// What the worker's next event means for the call.
pub(super) enum Step {
    Nothing,
    Frame(Box<StreamResponse>),
    /// With the action that the reply asks the user to agree to.
    Completed(Option<Action>),
    Failed(Refusal),
}

/// Pends for ever without a turn.
pub(super) async fn stopped(stop: Option<CancellationToken>) {
    match stop {
        Some(stop) => stop.cancelled().await,
        None => std::future::pending().await,
    }
}

/// The next step of the turn that runs. Cancel-safe.
pub(super) async fn next(turn: Option<&mut Turn>) -> Step {
    match turn {
        Some(turn) => turn.next().await,
        None => std::future::pending().await,
    }
}

// === impl Turn ===

impl Turn {
    pub(super) fn begin(beginning: Beginning) -> Self {
        let Beginning {
            modules,
            index,
            device,
            session,
            guards,
            worker,
            request,
            deadline,
            transport,
            format,
            log,
        } = beginning;
        let source = Source::new(Asking {
            modules,
            worker,
            request,
            deadline,
            span: log.span().clone(),
            who: log.who().clone(),
        });
        let audible = Audible::new();
        Self {
            index,
            audible,
            device,
            session,
            guards,
            source,
            transport,
            format,
            is_beyond_us: false,
            is_forged: false,
            log,
        }
    }

    /// Cancelled when the user interrupts the turn.
    pub(super) fn stop(&self) -> CancellationToken {
        self.guards.running.stop().clone()
    }

    /// The worker's next event. Cancel-safe.
    pub(super) async fn next(&mut self) -> Step {
        match self.source.next().await {
            Err(refusal) => Step::Failed(refusal),
            Ok(RespondEvent { event: Some(event), .. }) => self.step(event),
            Ok(RespondEvent { event: None, .. }) => {
                self.skip_unknown();
                Step::Nothing
            }
        }
    }

    fn step(&mut self, event: respond_event::Event) -> Step {
        use respond_event::Event;
        match event {
            Event::AudioFormat(format) => {
                self.format = format;
                Step::Nothing
            }
            Event::Text(text) => self.text(text),
            Event::Audio(pcm) => {
                self.log.audio(pcm.len());
                let chunk = convert::audio_chunk(pcm, self.format);
                Step::frame(Content::AudioChunk(chunk))
            }
            Event::Bridge(pcm) => {
                let chunk = convert::audio_chunk(pcm, self.format);
                Step::frame(Content::AudioChunk(chunk))
            }
            Event::Action(action) => match self.transport {
                None => Step::Nothing,
                Some(transport) => {
                    self.log.report(&ActionForwarded {
                        who: self.log.who().clone(),
                        transport: convert::transport_name(transport),
                    });
                    Step::frame(convert::action(&action, &self.session, transport))
                }
            },
            Event::Completed(completed) => {
                self.log.served(completed.outcome);
                Step::Completed(completed.waiting)
            }
            Event::Failed(failed) => {
                self.log.served(failed.outcome);
                let error = ErrorType::from_wire(&failed.error_type).unwrap_or(ErrorType::Internal);
                Step::Failed(Refusal::new(error, failed.message))
            }
        }
    }

    /// The last line of defence: whatever a worker lets through, no words of a
    /// model look like an action.
    fn text(&mut self, text: String) -> Step {
        let text = match without_action_marks(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(cleaned) => {
                if !std::mem::replace(&mut self.is_forged, true) {
                    self.log.report(&ActionForged { who: self.log.who().clone() });
                }
                cleaned.trim().to_owned()
            }
        };
        if text.is_empty() {
            return Step::Nothing;
        }
        self.log.text();
        Step::frame(Content::TextChunk(text))
    }

    /// A newer worker has events that this version does not know: the reply is
    /// whole without them.
    fn skip_unknown(&mut self) {
        if !std::mem::replace(&mut self.is_beyond_us, true) {
            self.log.report(&UnknownEvent { who: self.log.who().clone() });
        }
    }

    /// The reply is whole: the session is free before the client can know it.
    pub(super) fn end_completed(self) -> TurnLog {
        let Self { guards, mut log, .. } = self;
        guards.running.complete();
        drop(guards.lease);
        log.complete();
        log
    }

    /// A new question took the place of this turn.
    pub(super) fn end_interrupted(self) {
        let mut log = self.log;
        log.interrupted();
    }

    /// The call ends in the middle of this turn.
    pub(super) fn end(self, end: &End) -> (TurnLog, RunningTurn) {
        let Self { guards, mut log, .. } = self;
        log.end_as(end);
        // The session is free at once; the lease is dropped here.
        (log, guards.running)
    }
}

// === impl Step ===

impl Step {
    fn frame(content: Content) -> Self {
        Self::Frame(Box::new(convert::response(content)))
    }
}
