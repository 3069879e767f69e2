use std::time::Duration;

use nexy_runtime::grpc::Outcome;
use nexy_telemetry::{
    Decision, DeviceHash, Level,
    metrics::{self, RpcEnd},
};
use nexy_types::SessionId;
use serde::Serialize;

pub(crate) const STREAM_AUDIO: &str = "/streaming.StreamingService/StreamAudio";
const SCOPE: &str = "grpc";

/// Who a line is about, as far as the message said.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Who {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceHash>,
}

/// A message of a StreamAudio call was read.
#[derive(Debug, Serialize)]
pub(crate) struct TurnStarted {
    #[serde(flatten)]
    pub(crate) who: Who,
}

/// The one end of what [`TurnStarted`] began.
#[derive(Debug, Serialize)]
pub(crate) struct TurnEnded {
    #[serde(flatten)]
    pub(crate) who: Who,
    #[serde(skip)]
    pub(crate) outcome: Outcome,
    #[serde(skip)]
    pub(crate) elapsed: Duration,
    pub(crate) grpc_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_classified: Option<&'static str>,
    #[serde(skip)]
    pub(crate) first_text: Option<Duration>,
    #[serde(skip)]
    pub(crate) first_audio: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_text_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_audio_ms: Option<u64>,
    pub(crate) audio_bytes: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) providers: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) degraded: Vec<String>,
}

/// A stream took a permit, gave it back, or was refused one.
#[derive(Debug, Serialize)]
pub(crate) struct Admitted {
    #[serde(skip)]
    pub(crate) decision: &'static str,
    #[serde(skip)]
    pub(crate) method: &'static str,
    pub(crate) active_streams: usize,
    pub(crate) max_streams: usize,
}

/// A refusal or an end that has a name of its own.
#[derive(Debug, Serialize)]
pub(crate) struct Named {
    #[serde(skip)]
    pub(crate) decision: &'static str,
    #[serde(flatten)]
    pub(crate) who: Who,
}

/// An action left for the client, over this transport.
#[derive(Debug, Serialize)]
pub(crate) struct ActionForwarded {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) transport: &'static str,
}

/// A reply held what an app would take for an action, and lost it; told once
/// for each turn.
#[derive(Debug, Serialize)]
pub(crate) struct ActionForged {
    #[serde(flatten)]
    pub(crate) who: Who,
}

/// A device interrupted its turns.
#[derive(Debug, Serialize)]
pub(crate) struct Interrupted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceHash>,
    pub(crate) stopped: usize,
}

/// A worker came or went.
#[derive(Debug, Serialize)]
pub(crate) struct WorkerChanged {
    pub(crate) addr: String,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A worker that breaks its turns gets none for a while.
#[derive(Debug, Serialize)]
pub(crate) struct WorkerEjected {
    pub(crate) addr: String,
    #[serde(rename = "pause_ms", serialize_with = "millis")]
    pub(crate) pause: Duration,
}

/// A turn whose worker broke before it had said anything goes to another one.
#[derive(Debug, Serialize)]
pub(crate) struct TurnMoved {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) from: String,
    pub(crate) to: String,
    /// A word of a closed set.
    pub(crate) reason: &'static str,
}

/// A worker sent events of a kind that this version does not know; told once
/// for each turn.
#[derive(Debug, Serialize)]
pub(crate) struct UnknownEvent {
    #[serde(flatten)]
    pub(crate) who: Who,
}

fn millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

macro_rules! decision {
    ($type:ty, $name:expr, $level:expr, $method:expr) => {
        impl Decision for $type {
            fn scope(&self) -> &'static str {
                SCOPE
            }
            fn decision(&self) -> &'static str {
                let name: fn(&Self) -> &'static str = $name;
                name(self)
            }
            fn level(&self) -> Level {
                let level: fn(&Self) -> Level = $level;
                level(self)
            }
            fn method(&self) -> Option<&'static str> {
                let method: fn(&Self) -> Option<&'static str> = $method;
                method(self)
            }
        }
    };
}

decision!(TurnStarted, |_| "start", |_| Level::Info, |_| Some(STREAM_AUDIO));
decision!(Named, |this| this.decision, |_| Level::Warn, |_| Some(STREAM_AUDIO));
decision!(ActionForwarded, |_| "action_forwarded", |_| Level::Info, |_| Some(STREAM_AUDIO));
decision!(ActionForged, |_| "action_forged", |_| Level::Warn, |_| Some(STREAM_AUDIO));
decision!(Interrupted, |_| "interrupted", |_| Level::Info, |_| None);
decision!(WorkerEjected, |_| "worker_ejected", |_| Level::Warn, |_| None);
decision!(TurnMoved, |_| "turn_moved", |_| Level::Warn, |_| Some(STREAM_AUDIO));
decision!(UnknownEvent, |_| "unknown_event", |_| Level::Info, |_| Some(STREAM_AUDIO));
decision!(WorkerChanged, |_| "worker_state", WorkerChanged::loudness, |_| None);

impl Decision for Admitted {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        self.decision
    }
    fn method(&self) -> Option<&'static str> {
        Some(self.method)
    }
    fn level(&self) -> Level {
        if self.is_refusal() { Level::Warn } else { Level::Info }
    }
    fn count(&self) {
        metrics::ACTIVE_STREAMS.set([], i64::try_from(self.active_streams).unwrap_or(i64::MAX));
        if self.is_refusal() {
            metrics::BACKPRESSURE_REFUSALS.increment(["stream_limit_exceeded"]);
        }
    }
}

impl Decision for TurnEnded {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        self.outcome.as_str()
    }
    fn method(&self) -> Option<&'static str> {
        Some(STREAM_AUDIO)
    }
    fn duration(&self) -> Option<Duration> {
        Some(self.elapsed)
    }
    fn count(&self) {
        metrics::rpc_ended(&RpcEnd {
            rpc: STREAM_AUDIO,
            code: self.grpc_code,
            duration: self.elapsed,
            first_text: self.first_text,
            first_audio: self.first_audio,
        });
        // A full server is counted where it refuses, for every RPC.
        if let Some(reason @ ("rate_limit_exceeded" | "session_busy")) = self.error_type {
            metrics::BACKPRESSURE_REFUSALS.increment([reason]);
        }
    }
}

impl Admitted {
    fn is_refusal(&self) -> bool {
        self.decision == "stream_rejected"
    }
}

impl WorkerChanged {
    fn loudness(&self) -> Level {
        if self.state == "down" { Level::Warn } else { Level::Info }
    }
}
