//! Language models and voices.

use std::time::Duration;

use nexy_types::ImageFormat;
use secrecy::SecretString;
use serde::Deserialize;

/// Language models.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llm {
    /// The configured providers in order of preference.
    pub providers: Vec<LlmProvider>,
    /// Gemini.
    pub gemini: Gemini,
    /// Any server that speaks the OpenAI chat API.
    pub openai: OpenAi,
    /// Screenshots, before a model gets them.
    pub image: Image,
    /// Sampling temperature, 0 to 2.
    pub temperature: f32,
    /// Longest reply, in tokens.
    pub max_tokens: u32,
    /// Longest reply that is read, in characters.
    pub max_reply_chars: usize,
    /// How long connecting to a provider may take.
    pub connect_timeout: Duration,
    /// How long a provider may take to its first token.
    pub first_token_timeout: Duration,
    /// How long a provider may pause between tokens.
    pub stall_timeout: Duration,
    /// Largest event, function call or error body read from a provider.
    pub max_event_bytes: usize,
    /// Time for all of a turn but its delivery.
    pub turn_budget: Duration,
    /// Failures in a row that open a provider's circuit breaker.
    pub circuit_breaker_threshold: u32,
    /// Share of failures that opens it too, 0.01 to 1.
    pub circuit_breaker_error_ratio: f64,
    /// Fewest requests for that share to mean something.
    pub circuit_breaker_min_requests: u32,
    /// How far back requests count for that share.
    pub circuit_breaker_window: Duration,
    /// How long a provider is left alone whose quota is spent.
    pub quota_pause: Duration,
    /// How long an open circuit breaker stays open.
    pub circuit_breaker_timeout: Duration,
}

/// Connections to the providers of models and voices.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// How long a connection may be quiet before it is tried; zero is for ever.
    pub ping_interval: Duration,
    /// How long the answer to that may take.
    pub ping_timeout: Duration,
    /// How long a connection is kept that nobody uses.
    pub idle_timeout: Duration,
    /// What a provider may send ahead on one HTTP/2 stream, in bytes.
    pub stream_window_bytes: u32,
}

/// Who writes the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LlmProvider {
    /// Gemini.
    Gemini,
    /// A server that speaks the OpenAI chat API.
    OpenAi,
    /// The built-in model that needs no network.
    Offline,
}

/// Gemini.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gemini {
    /// API key.
    #[serde(deserialize_with = "super::secret")]
    pub key: Option<SecretString>,
    /// API key tried when the first one is refused or out of quota.
    #[serde(deserialize_with = "super::secret")]
    pub fallback_key: Option<SecretString>,
    /// Model name.
    pub model: String,
    /// Base address, without a slash at the end.
    pub base_url: String,
    /// Whether the model may search the web; it then calls no functions.
    pub google_search: bool,
    /// The kinds of images that it reads, the one to convert to first.
    pub image_formats: Vec<ImageFormat>,
    /// What a million input tokens cost, in USD; zero: not known.
    pub usd_per_million_input_tokens: f64,
    /// What a million output tokens cost, in USD; zero: not known.
    pub usd_per_million_output_tokens: f64,
}

/// A server that speaks the OpenAI chat API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAi {
    /// Base address with `/v1`, without a slash at the end.
    pub base_url: Option<String>,
    /// API key, if the server asks for one.
    #[serde(deserialize_with = "super::secret")]
    pub key: Option<SecretString>,
    /// Model name.
    pub model: String,
    /// The kinds of images that it reads, the one to convert to first.
    pub image_formats: Vec<ImageFormat>,
    /// What a million input tokens cost, in USD; zero: not known.
    pub usd_per_million_input_tokens: f64,
    /// What a million output tokens cost, in USD; zero: not known.
    pub usd_per_million_output_tokens: f64,
}

/// Screenshots, before a model gets them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Longest edge, in pixels.
    pub max_long_edge: u32,
    /// Largest file that is passed on unchanged, or written without loss.
    pub max_bytes: usize,
    /// Most pixels that are decoded.
    pub max_pixels: u64,
    /// Quality of JPEG, 1 to 100.
    pub jpeg_quality: u8,
    /// Screenshots converted at the same time.
    pub max_concurrent: usize,
    /// How long one may take, waiting included.
    pub timeout: Duration,
}

/// Voices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tts {
    /// The configured providers in order of preference.
    pub providers: Vec<TtsProvider>,
    /// Azure Speech.
    pub azure: Azure,
    /// Any server that speaks the OpenAI speech API.
    pub openai: SpeechOpenAi,
    /// espeak-ng.
    pub espeak: Espeak,
    /// How long connecting to a provider may take.
    pub connect_timeout: Duration,
    /// How long a provider may take to its first byte of audio.
    pub first_byte_timeout: Duration,
    /// How long a provider may pause between bytes of audio.
    pub stall_timeout: Duration,
    /// How long a voice may be unused before it is given its connection ahead of
    /// an utterance; zero is never.
    pub warm_up_after: Duration,
}

/// Who speaks the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TtsProvider {
    /// Azure Speech.
    Azure,
    /// A server that speaks the OpenAI speech API.
    OpenAi,
    /// espeak-ng on this machine.
    Espeak,
}

/// Azure Speech.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// API key.
    #[serde(deserialize_with = "super::secret")]
    pub key: Option<SecretString>,
    /// Region of the resource.
    pub region: Option<String>,
    /// Voice name.
    pub voice: String,
    /// Base address, the region filled in, without a slash at the end.
    pub base_url: String,
    /// Who asks, as Azure wants to know.
    pub user_agent: String,
    /// What a million characters cost, in USD; zero: not known.
    pub usd_per_million_chars: f64,
}

/// A server that speaks the OpenAI speech API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechOpenAi {
    /// Base address with `/v1`, without a slash at the end.
    pub base_url: Option<String>,
    /// API key, if the server asks for one.
    #[serde(deserialize_with = "super::secret")]
    pub key: Option<SecretString>,
    /// Model name.
    pub model: String,
    /// Voice name.
    pub voice: String,
    /// Samples per second of the server's pcm format.
    pub sample_rate: u32,
    /// Whether the model heeds the speed that it is asked for.
    pub takes_speed: bool,
    /// What a million characters cost, in USD; zero: not known.
    pub usd_per_million_chars: f64,
}

/// espeak-ng, run as a program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Espeak {
    /// Program to run.
    pub program: String,
    /// Voice name; `auto` takes the one of the text's language.
    pub voice: String,
    /// Words per minute.
    pub rate: u32,
    /// Processes running at the same time.
    pub max_processes: usize,
    /// Processes started ahead for the ways of speaking that were used last.
    pub warm_processes: usize,
}

/// Welcome audio.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// Longest text of a greeting, in characters.
    pub max_chars: usize,
    /// What the recordings of greetings may take in memory, in bytes.
    pub cache_bytes: u64,
    /// How long a recording is kept.
    pub keep_for: Duration,
    /// How long one is kept that another voice than the first spoke.
    pub keep_stand_in_for: Duration,
    /// Greeting in English, for a request without text.
    pub greeting_en: String,
    /// Greeting in Russian, for a request without text.
    pub greeting_ru: String,
}
