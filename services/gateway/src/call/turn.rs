//! One turn of a call: its stream from the worker, its guards, its log.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt as _, TryFutureExt as _};
use http::HeaderMap;
use nexy_config::ActionsTransport;
use nexy_interrupt_handling::RunningTurn;
use nexy_proto::{
    streaming::{StreamResponse, stream_response::Content},
    worker::{Action, AudioFormat, Outcome as Served, RespondEvent, RespondRequest, respond_event},
};
use nexy_runtime::grpc::Outcome;
use nexy_session_management::Lease;
use nexy_telemetry::{metrics, propagation};
use nexy_types::{ErrorType, HardwareId, SessionId, TurnNumber};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, metadata::MetadataMap};
use tracing::Span;

use super::{End, frames::Audible};
use crate::{
    convert,
    decisions::{ActionForwarded, TurnEnded, TurnStarted, Who},
    refusal::{Refusal, grpc_code},
    workers::Chosen,
};

type Events = Pin<Box<dyn Stream<Item = Result<RespondEvent, Status>> + Send>>;

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
    events: Events,
    /// How actions travel; `None` when they do not.
    transport: Option<ActionsTransport>,
    format: AudioFormat,
    log: TurnLog,
    _worker: Chosen,
}

/// What a turn begins with.
pub(super) struct Beginning {
    pub(super) index: u32,
    pub(super) device: HardwareId,
    pub(super) session: SessionId,
    pub(super) guards: Guards,
    pub(super) worker: Chosen,
    pub(super) request: RespondRequest,
    /// What is left of the client's deadline.
    pub(super) left: Option<Duration>,
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

/// The start line, the end line, the span and the trailers of one turn.
pub(super) struct TurnLog {
    who: Who,
    span: Span,
    began: Instant,
    first_text: Option<Duration>,
    first_audio: Option<Duration>,
    audio_bytes: u64,
    served: Served,
    total: Option<Duration>,
    state: LogState,
}

/// Who still owes the end line.
#[derive(PartialEq, Eq)]
enum LogState {
    Open,
    Ended,
    /// Another value carries on.
    HandedOver,
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
            index,
            device,
            session,
            guards,
            worker,
            request,
            left,
            transport,
            format,
            log,
        } = beginning;
        let mut request = Request::new(request);
        if let Some(left) = left {
            request.set_timeout(left);
        }
        log.span.in_scope(|| propagation::inject_current(request.metadata_mut().as_mut()));
        let mut client = worker.client();
        let events = async move { client.respond(request).await }
            .map_ok(tonic::Response::into_inner)
            .try_flatten_stream()
            .boxed();
        let audible = Audible::new();
        Self {
            index,
            audible,
            device,
            session,
            guards,
            events,
            transport,
            format,
            log,
            _worker: worker,
        }
    }

    /// Cancelled when the user interrupts the turn.
    pub(super) fn stop(&self) -> CancellationToken {
        self.guards.running.stop().clone()
    }

    async fn next(&mut self) -> Step {
        match self.events.next().await {
            None => Step::Failed(Refusal::unavailable("the worker broke off the reply")),
            Some(Err(status)) => Step::Failed(Refusal::of_peer(&status)),
            // A frame of another turn has no business here.
            Some(Ok(event)) if event.turn != self.guards.number.0 => Step::Nothing,
            Some(Ok(event)) => event.event.map_or(Step::Nothing, |event| self.step(event)),
        }
    }

    fn step(&mut self, event: respond_event::Event) -> Step {
        use respond_event::Event;
        match event {
            Event::AudioFormat(format) => {
                self.format = format;
                Step::Nothing
            }
            Event::Text(text) => {
                self.log.text();
                Step::frame(Content::TextChunk(text))
            }
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
                    nexy_telemetry::emit(&ActionForwarded {
                        who: self.log.who.clone(),
                        transport: convert::transport_name(transport),
                    });
                    Step::frame(convert::action(&action, &self.session, transport))
                }
            },
            Event::Completed(completed) => {
                self.log.served = completed.outcome.unwrap_or_default();
                Step::Completed(completed.waiting)
            }
            Event::Failed(failed) => {
                self.log.served = failed.outcome.unwrap_or_default();
                let error = ErrorType::from_wire(&failed.error_type).unwrap_or(ErrorType::Internal);
                Step::Failed(Refusal::new(error, failed.message))
            }
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
        log.end(Outcome::Abort, Code::Cancelled, Some(ErrorType::CancelledByUser));
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

// === impl TurnLog ===

impl TurnLog {
    /// Writes the start line of a message that was read.
    pub(super) fn start(
        (device, session_id): (Option<HardwareId>, Option<SessionId>),
        head: &HeaderMap,
    ) -> Self {
        let device = device.as_ref().map(nexy_telemetry::device_hash);
        let span = tracing::info_span!(
            "turn",
            otel.name = "streaming.StreamingService/StreamAudio",
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.grpc.status_code = tracing::field::Empty,
        );
        propagation::set_parent(&span, head);
        let log = Self {
            who: Who { session_id, device },
            span,
            began: Instant::now(),
            first_text: None,
            first_audio: None,
            audio_bytes: 0,
            served: Served::default(),
            total: None,
            state: LogState::Open,
        };
        let started = TurnStarted { who: log.who.clone() };
        log.span.in_scope(|| nexy_telemetry::emit(&started));
        log
    }

    /// A call that ended without a message still has its two lines.
    pub(super) fn of_empty_call(head: &HeaderMap, end: &End) -> Self {
        let mut log = Self::start((None, None), head);
        log.end_as(end);
        log
    }

    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    /// Moves the open log into the turn that was started for the message.
    pub(super) fn hand_over(&mut self) -> Self {
        self.state = LogState::HandedOver;
        Self {
            who: self.who.clone(),
            span: self.span.clone(),
            began: self.began,
            first_text: None,
            first_audio: None,
            audio_bytes: 0,
            served: Served::default(),
            total: None,
            state: LogState::Open,
        }
    }

    /// Whether a turn carries on with it.
    pub(super) fn is_handed_over(&self) -> bool {
        self.state == LogState::HandedOver
    }

    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.end_with(refusal);
    }

    pub(super) fn complete(&mut self) {
        self.end(Outcome::Complete, Code::Ok, None);
    }

    fn text(&mut self) {
        if self.first_text.is_none() {
            let elapsed = self.began.elapsed();
            self.first_text = Some(elapsed);
            self.span.in_scope(|| tracing::info!("first text"));
        }
    }

    fn audio(&mut self, bytes: usize) {
        self.audio_bytes += bytes as u64;
        metrics::AUDIO_BYTES.add([], bytes as u64);
        if self.first_audio.is_none() {
            let elapsed = self.began.elapsed();
            self.first_audio = Some(elapsed);
            self.span.in_scope(|| tracing::info!("first audio"));
        }
    }

    fn end_as(&mut self, end: &End) {
        match end {
            End::Done => self.complete(),
            End::Refused(refusal) => self.end_with(refusal),
            End::Vanished => {
                self.end(Outcome::Abort, Code::Cancelled, Some(ErrorType::CancelledByUser));
            }
        }
    }

    fn end_with(&mut self, refusal: &Refusal) {
        let code = grpc_code(refusal.error);
        self.end(Outcome::of(code), code, Some(refusal.error));
    }

    /// Writes the end line, once.
    fn end(&mut self, outcome: Outcome, code: Code, error: Option<ErrorType>) {
        if self.state != LogState::Open {
            return;
        }
        self.state = LogState::Ended;
        let elapsed = self.began.elapsed();
        self.total = Some(elapsed);
        self.span.record("rpc.grpc.status_code", code as i32);
        let ended = TurnEnded {
            who: self.who.clone(),
            outcome,
            elapsed,
            grpc_code: metrics::code_name(code as i32),
            error_type: error.map(ErrorType::as_str),
            error_classified: error.map(|error| error.class().as_str()),
            first_text: self.first_text,
            first_audio: self.first_audio,
            first_text_ms: self.first_text.map(whole_ms),
            first_audio_ms: self.first_audio.map(whole_ms),
            audio_bytes: self.audio_bytes,
            providers: providers(&self.served),
            degraded: self.served.degraded.clone(),
        };
        self.span.in_scope(|| nexy_telemetry::emit(&ended));
    }

    /// The trailers that describe this turn.
    pub(super) fn trailers(&self) -> MetadataMap {
        let mut trailers = MetadataMap::new();
        let mut put = |name: &'static str, value: Option<String>| {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                trailers.insert(name, value);
            }
        };
        let ms = |time: Option<Duration>| time.map(|time| whole_ms(time).to_string());
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        put("nexy-session-id", self.who.session_id.as_ref().map(ToString::to_string));
        put("nexy-first-text-ms", ms(self.first_text));
        put("nexy-first-audio-ms", ms(self.first_audio));
        put("nexy-total-ms", ms(self.total));
        put("nexy-providers", text(providers(&self.served)));
        put("nexy-degraded", text(self.served.degraded.join(",")));
        put("nexy-trace-id", self.span.in_scope(propagation::trace_id));
        trailers
    }
}

impl Drop for TurnLog {
    /// The call's task panicked: the start line gets its end all the same.
    fn drop(&mut self) {
        self.end(Outcome::Error, Code::Internal, Some(ErrorType::Internal));
    }
}

/// `llm=…;tts=…`, as far as anybody answered.
fn providers(served: &Served) -> String {
    let named = [("llm", &served.llm), ("tts", &served.tts)];
    let named = named.iter().filter(|(_, name)| !name.is_empty());
    named.map(|(stage, name)| format!("{stage}={name}")).collect::<Vec<_>>().join(";")
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
