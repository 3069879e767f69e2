//! What is told of one turn: its lines in the decision log, its span, its
//! trailers.

use std::time::{Duration, Instant};

use http::HeaderMap;
use nexy_proto::worker::Outcome as Served;
use nexy_runtime::grpc::{Outcome, server_ended, server_span};
use nexy_telemetry::{Decision, metrics, propagation};
use nexy_types::{ErrorType, HardwareId, SessionId};
use tonic::{Code, metadata::MetadataMap};
use tracing::{Span, field::Empty};

use super::End;
use crate::{
    decisions::{STREAM_AUDIO, TurnEnded, TurnStarted, Who},
    refusal::{Refusal, grpc_code},
};

/// The start line, the end line, the span and the trailers of one turn.
pub(super) struct TurnLog {
    who: Who,
    span: Span,
    /// From the first frame of the reply to its end.
    delivery: Option<Span>,
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

// === impl TurnLog ===

impl TurnLog {
    /// Writes the start line of a message that was read.
    pub(super) fn start(
        (device, session_id): (Option<HardwareId>, Option<SessionId>),
        head: &HeaderMap,
    ) -> Self {
        let device = device.as_ref().map(nexy_telemetry::device_hash);
        let span = server_span(STREAM_AUDIO);
        propagation::set_parent(&span, head);
        let log = Self::open(Who { session_id, device }, span, Instant::now());
        let started = TurnStarted { who: log.who.clone() };
        log.report(&started);
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
        Self::open(self.who.clone(), self.span.clone(), self.began)
    }

    fn open(who: Who, span: Span, began: Instant) -> Self {
        Self {
            who,
            span,
            delivery: None,
            began,
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

    pub(super) fn complete(&mut self) {
        self.end(Outcome::Complete, Code::Ok, None);
    }

    /// The span of the turn.
    pub(super) const fn span(&self) -> &Span {
        &self.span
    }

    /// How the worker served it.
    pub(super) fn served(&mut self, served: Option<Served>) {
        self.served = served.unwrap_or_default();
    }

    /// A new question took the place of the turn.
    pub(super) fn interrupted(&mut self) {
        self.stopped();
        self.cancelled();
    }

    /// A text is on its way to the client.
    pub(super) fn text(&mut self) {
        if self.first_text.is_none() {
            let elapsed = self.began.elapsed();
            self.first_text = Some(elapsed);
            self.delivering();
            self.span.in_scope(|| tracing::info!("first text"));
        }
    }

    /// So much of the reply's audio is on its way to the client.
    pub(super) fn audio(&mut self, bytes: usize) {
        self.audio_bytes += bytes as u64;
        metrics::AUDIO_BYTES.add([], bytes as u64);
        if self.first_audio.is_none() {
            let elapsed = self.began.elapsed();
            self.first_audio = Some(elapsed);
            self.delivering();
            self.span.in_scope(|| tracing::info!("first audio"));
        }
    }

    fn delivering(&mut self) {
        let span = &self.span;
        self.delivery.get_or_insert_with(
            || tracing::info_span!(parent: span, "delivery", audio_bytes = Empty),
        );
    }

    /// Reports something that was decided about the turn.
    pub(super) fn report(&self, decision: &impl Decision) {
        self.span.in_scope(|| nexy_telemetry::emit(decision));
    }

    /// The call ended in the middle of it, like this.
    pub(super) fn end_as(&mut self, end: &End) {
        match end {
            End::Done => self.complete(),
            End::Refused(refusal) | End::Failed(refusal) => {
                if refusal.error == ErrorType::CancelledByUser {
                    self.stopped();
                }
                self.end_with(refusal);
            }
            End::Vanished => self.cancelled(),
        }
    }

    /// Somebody said stop, which is not the same as hanging up.
    fn stopped(&self) {
        self.span.in_scope(|| tracing::info!("interrupt"));
    }

    fn cancelled(&mut self) {
        self.end(Outcome::Abort, Code::Cancelled, Some(ErrorType::CancelledByUser));
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
        if let Some(delivery) = self.delivery.take() {
            delivery.record("audio_bytes", self.audio_bytes);
        }
        server_ended(&self.span, code);
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
        self.report(&ended);
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
