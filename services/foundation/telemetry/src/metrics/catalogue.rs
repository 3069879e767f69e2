use super::{
    family::{Amount, Counter, Family, Gauge, Histogram, Label, Lapsing},
    rpc,
};

const MS: u64 = 1_000;
const S: u64 = 1_000_000;

/// How a first word or sound is judged: fine around the guardrails at 1 s and
/// 1.5 s.
const FIRST_OUTPUT: &[u64] = &[
    50 * MS,
    100 * MS,
    150 * MS,
    200 * MS,
    250 * MS,
    300 * MS,
    400 * MS,
    500 * MS,
    600 * MS,
    800 * MS,
    S,
    1250 * MS,
    1500 * MS,
    2 * S,
    3 * S,
    5 * S,
    10 * S,
    20 * S,
];

/// One stage of a turn, from a look-up to a whole reply.
const STAGE: &[u64] = &[
    MS,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    350 * MS,
    500 * MS,
    750 * MS,
    S,
    2 * S,
    4 * S,
    10 * S,
    30 * S,
    60 * S,
];

/// What the stack adds to its providers: milliseconds.
const OVERHEAD: &[u64] = &[
    500,
    MS,
    2 * MS,
    5 * MS,
    10 * MS,
    20 * MS,
    30 * MS,
    50 * MS,
    75 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
];

/// The stages of a turn.
const STAGES: &[&str] =
    &["memory", "screenshot", "llm_first_token", "llm_total", "tts_first_byte", "tts_total"];

const LLM_PROVIDERS: &[&str] = &["gemini", "openai", "offline"];
const TTS_PROVIDERS: &[&str] = &["azure", "openai", "espeak"];

/// `none` is for stages without a provider.
const STAGE_PROVIDERS: &[&str] = &["gemini", "openai", "offline", "azure", "espeak", "none"];

/// Where no stage tells a voice from a model, the voice that shares its name
/// with one is `tts_openai`: two breakers must not write one sample.
const PROVIDERS: &[&str] = &["gemini", "openai", "offline", "azure", "tts_openai", "espeak"];

/// How a call to a provider ended.
const OUTCOMES: &[&str] = &["ok", "error", "timeout", "rate_limited", "cancelled", "breaker_open"];

/// Why admission refused.
const REFUSALS: &[&str] = &["stream_limit_exceeded", "rate_limit_exceeded", "session_busy"];

/// Which side of a model call.
const TOKEN_KINDS: &[&str] = &["input", "output"];

/// Why a connection was closed before its first call.
const CONNECTION_REFUSALS: &[&str] = &[
    "too_many",
    "too_slow",
    "not_tls",
    "no_certificate",
    "unknown_issuer",
    "expired",
    "wrong_name",
    "refused_by_peer",
    "broken",
    "accept_failed",
];

/// Queues that can fill up.
const QUEUES: &[&str] = &["memory_writes"];

/// Whom a certificate is shown to.
const CERTIFICATES: &[&str] = &["public", "internal"];

/// `nexy_rpc_duration_seconds{rpc}`, fed by [`super::rpc_ended`].
pub static RPC_DURATION: &(dyn Family + Send + Sync) = &rpc::DURATION;

/// `nexy_rpc_requests_total{rpc,code}`, fed by [`super::rpc_ended`].
pub static RPC_REQUESTS: &(dyn Family + Send + Sync) = &rpc::REQUESTS;

/// From the request to its first text, fed by [`super::rpc_ended`].
pub static TIME_TO_FIRST_TEXT: Histogram<0> = Histogram::new(
    "nexy_time_to_first_text_seconds",
    "From a turn's request to its first text.",
    [],
    FIRST_OUTPUT,
);

/// From the request to its first audio, fed by [`super::rpc_ended`].
pub static TIME_TO_FIRST_AUDIO: Histogram<0> = Histogram::new(
    "nexy_time_to_first_audio_seconds",
    "From a turn's request to its first audio.",
    [],
    FIRST_OUTPUT,
);

/// `{stage,provider}`. Stages: memory and screenshot (provider `none`),
/// `llm_first_token`, `llm_total`, `tts_first_byte`, `tts_total`. Providers by their own names.
pub static STAGE_DURATION: Histogram<2> = Histogram::new(
    "nexy_stage_duration_seconds",
    "How long a stage of a turn took.",
    [Label::new("stage", STAGES), Label::new("provider", STAGE_PROVIDERS)],
    STAGE,
)
.expecting(stage_has_provider);

/// Time to first audio less the time spent waiting for providers.
pub static OWN_OVERHEAD: Histogram<0> = Histogram::new(
    "nexy_own_overhead_seconds",
    "Time to first audio less the time spent waiting for providers.",
    [],
    OVERHEAD,
);

/// `{reason}`: `stream_limit_exceeded`, `rate_limit_exceeded`, `session_busy`.
pub static BACKPRESSURE_REFUSALS: Counter<1> = Counter::new(
    "nexy_backpressure_refusals_total",
    "Requests refused at admission.",
    [Label::new("reason", REFUSALS)],
);

/// `{provider,outcome}`. Providers: gemini, openai, offline, azure,
/// `tts_openai` (the voice), espeak. Outcomes: ok, error, timeout, `rate_limited`,
/// cancelled, `breaker_open` (not called).
pub static PROVIDER_CALLS: Counter<2> = Counter::new(
    "nexy_provider_calls_total",
    "Calls to providers by how they ended.",
    [Label::new("provider", PROVIDERS), Label::new("outcome", OUTCOMES)],
);

/// Bytes of PCM sent to clients.
pub static AUDIO_BYTES: Counter<0> =
    Counter::new("nexy_audio_bytes_total", "Bytes of PCM sent to clients.", []);

/// `{provider,kind}`. Kinds: input, output.
pub static TOKENS: Counter<2> = Counter::new(
    "nexy_tokens_total",
    "Tokens spent on models.",
    [Label::new("provider", LLM_PROVIDERS), Label::new("kind", TOKEN_KINDS)],
);

/// `{provider}`, as in [`PROVIDER_CALLS`]: tokens and characters times the
/// configured prices, in billionths of a USD.
pub static COST: Amount<1> = Amount::new(
    "nexy_cost_usd_total",
    "Estimated cost of providers in USD, by the configured prices.",
    [Label::new("provider", PROVIDERS)],
);

/// Streams that hold an admission permit.
pub static ACTIVE_STREAMS: Gauge<0> =
    Gauge::new("nexy_active_streams", "Streams that are open now.", []);

/// Connections to the gRPC port.
pub static CONNECTIONS: Gauge<0> =
    Gauge::new("nexy_connections", "Connections to the gRPC port that are open now.", []);

/// `{reason}`: `too_many`, `too_slow` (to its first HTTP/2 bytes), `accept_failed`, and
/// what became of a TLS handshake: `not_tls`, `no_certificate`, `unknown_issuer`, `expired`,
/// `wrong_name`, `refused_by_peer`, `broken`.
pub static CONNECTIONS_REFUSED: Counter<1> = Counter::new(
    "nexy_connections_refused_total",
    "Connections to the gRPC port that were closed before their first call.",
    [Label::new("reason", CONNECTION_REFUSALS)],
);

/// `{queue}`: `memory_writes`.
pub static QUEUE_DEPTH: Gauge<1> = Gauge::new(
    "nexy_queue_depth",
    "Entries waiting in a bounded queue.",
    [Label::new("queue", QUEUES)],
);

/// `{provider}`, as in [`PROVIDER_CALLS`]: 0 closed, 1 half open, 2 open.
pub static BREAKER_STATE: Lapsing<1> = Lapsing::new(
    "nexy_breaker_state",
    "State of a provider's circuit breaker: 0 closed, 1 half open, 2 open.",
    [Label::new("provider", PROVIDERS)],
);

/// `{certificate}`: public (the gateway's own port), internal (between the
/// services). Only of those that are in use.
pub static CERTIFICATE_NOT_AFTER: Gauge<1> = Gauge::new(
    "nexy_certificate_not_after_seconds",
    "When the certificate in use expires, in Unix time: of its chain, what ends first.",
    [Label::new("certificate", CERTIFICATES)],
)
.without_zeros();

fn stage_has_provider([stage, provider]: &[&'static str; 2]) -> bool {
    match stage.split_once('_') {
        Some(("llm", _)) => LLM_PROVIDERS.contains(provider),
        Some(("tts", _)) => TTS_PROVIDERS.contains(provider),
        _ => *provider == "none",
    }
}
