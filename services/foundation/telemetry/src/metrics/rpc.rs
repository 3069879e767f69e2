use std::time::Duration;

use super::{
    catalogue::{TIME_TO_FIRST_AUDIO, TIME_TO_FIRST_TEXT},
    family::{Counter, Histogram, Label},
};

const MS: u64 = 1_000;
const S: u64 = 1_000_000;

/// The RPCs of the public and internal contracts, by their short names.
pub(super) const RPCS: &[&str] = &[
    "StreamAudio",
    "InterruptSession",
    "GenerateWelcomeAudio",
    "ReportUsage",
    "Respond",
    "Welcome",
    "StoreUsage",
    "Status",
    "Latest",
];

/// gRPC status codes in the order of their numbers, as the gRPC specification
/// spells them.
const CODES: &[&str] = &[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// From a refusal to a long spoken reply.
const CALL: &[u64] = &[
    MS,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    S,
    1500 * MS,
    2500 * MS,
    5 * S,
    10 * S,
    30 * S,
    60 * S,
    120 * S,
];

/// Each bound a twentieth above the one before, from 1 ms to some minutes: a
/// percentile read from it is off by 5 % at most.
const LATENCY_BOUNDS: [u64; 256] = {
    let mut bounds = [MS; 256];
    let mut at = 1;
    while at < bounds.len() {
        bounds[at] = bounds[at - 1] + bounds[at - 1] / 20;
        at += 1;
    }
    bounds
};

pub(super) static DURATION: Histogram<1> = Histogram::new(
    "nexy_rpc_duration_seconds",
    "How long a call (of StreamAudio: a turn) lasted.",
    [Label::new("rpc", RPCS)],
    CALL,
);

pub(super) static REQUESTS: Counter<2> = Counter::new(
    "nexy_rpc_requests_total",
    "Calls (of StreamAudio: turns) by the code they ended with.",
    [Label::new("rpc", RPCS), Label::new("code", CODES)],
);

/// What the aggregate calls latency; not shown in `/metrics`.
pub(super) static LATENCY: Histogram<1> =
    Histogram::new("latency", "", [Label::new("rpc", RPCS)], &LATENCY_BOUNDS);

/// How a call ended; of `StreamAudio`, how a turn ended.
#[derive(Debug, Clone, Copy)]
pub struct RpcEnd<'a> {
    /// The short name (`StreamAudio`) or the full method.
    pub rpc: &'a str,
    /// E.g. `OK`; see [`code_name`].
    pub code: &'a str,
    /// From the request to the end.
    pub duration: Duration,
    /// From the request to the first text, if there was one.
    pub first_text: Option<Duration>,
    /// From the request to the first audio, if there was one.
    pub first_audio: Option<Duration>,
}

/// Counts a call that has ended. The only door to the families about requests
/// and to the aggregate.
///
/// Its latency is the time to its first audio, because a spoken reply lasts as
/// long as it speaks; without audio, and only when it succeeded, its duration.
/// A quick refusal must not make the service look quick.
pub fn rpc_ended(end: &RpcEnd<'_>) {
    let rpc = end.rpc.rsplit('/').next().unwrap_or(end.rpc);
    REQUESTS.increment([rpc, end.code]);
    DURATION.observe([rpc], end.duration);
    if let Some(first_text) = end.first_text {
        TIME_TO_FIRST_TEXT.observe([], first_text);
    }
    if let Some(first_audio) = end.first_audio {
        TIME_TO_FIRST_AUDIO.observe([], first_audio);
    }
    let spoken_or_whole = end.first_audio.or_else(|| (end.code == "OK").then_some(end.duration));
    if let Some(latency) = spoken_or_whole {
        LATENCY.observe([rpc], latency);
    }
}

/// The spelling of a gRPC status code, e.g. `RESOURCE_EXHAUSTED` of 8. A number
/// that is no code is `UNKNOWN`, as the gRPC specification asks.
#[must_use]
pub fn code_name(code: i32) -> &'static str {
    usize::try_from(code).ok().and_then(|code| CODES.get(code)).copied().unwrap_or("UNKNOWN")
}
