//! OpenAI's `POST /v1/audio/speech`, as OpenAI and the local servers that copy it
//! (Kokoro-FastAPI, Speaches) speak it.
//!
//! Asked for `pcm`, they stream headerless 16-bit little-endian mono. OpenAI's is
//! at 24 kHz, other servers' at the rate of their model, and the reply does not
//! say: the rate is a setting.

mod refusal;
mod retry_after;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use nexy_types::{BoxFuture, SampleRate};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, PcmStream, Speech, SpeechSynthesizer, Stage, Utterance,
    reply::{Opened, Patience, spoken},
};

/// Characters that `input` may have (OpenAI API reference, "Create speech").
const LONGEST_INPUT: usize = 4096;

/// What `speed` may be (the same).
const SPEEDS: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// Beginnings of files that some servers send whatever they were asked for.
/// Played as PCM they are loud noise.
const FILE_SIGNATURES: [&[u8]; 5] = [b"RIFF", b"ID3", b"OggS", b"fLaC", &[0x1A, 0x45, 0xDF, 0xA3]];

/// What an [`OpenAiSynthesizer`] is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the API is, with its `/v1`.
    pub base_url: String,
    /// The key, where the server wants one.
    pub key: Option<SecretString>,
    /// The model.
    pub model: String,
    /// The voice when the listener asks for none, or for one the server does
    /// not know.
    pub voice: String,
    /// The rate of the server's `pcm`.
    pub sample_rate: SampleRate,
    /// Until the connection stands.
    pub connect_timeout: Duration,
    /// From the request to the first byte of audio, connecting included.
    pub first_byte_timeout: Duration,
    /// Between two chunks of audio.
    pub stall_timeout: Duration,
}

/// Speaks through an OpenAI-compatible server.
#[derive(Debug, Clone)]
pub struct OpenAiSynthesizer {
    endpoint: Arc<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    client: Client,
    speech: Url,
    authorization: Option<HeaderValue>,
    settings: Settings,
}

/// The body of a request.
#[derive(serde::Serialize)]
struct SpeechRequest<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'static str,
    speed: f32,
}

// === impl OpenAiSynthesizer ===

impl OpenAiSynthesizer {
    /// The name in logs and settings.
    pub const NAME: &'static str = "openai";

    /// Makes the client. Connections are opened when they are needed and kept
    /// for the next utterance.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] when the base URL or the key cannot be used.
    /// The process's rustls provider must be installed before.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self { endpoint: Arc::new(Endpoint::new(settings)?) })
    }

    /// Opens a connection for the next utterance, so that it does not pay for
    /// the handshakes. Any answer will do; nothing is spoken.
    ///
    /// # Errors
    /// When the server cannot be reached within `first_byte_timeout`.
    pub async fn warm_up(&self) -> Result<(), Error> {
        let Endpoint { client, speech, settings, .. } = &*self.endpoint;
        // HEAD: an answer without a body leaves the connection free for reuse.
        let answer = client.head(speech.clone()).send();
        match tokio::time::timeout(settings.first_byte_timeout, answer).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(not_sent(&error)),
            Err(_) => Err(Error::Timeout { stage: Stage::FirstByte }),
        }
    }
}

impl SpeechSynthesizer for OpenAiSynthesizer {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn synthesize(&self, utterance: Utterance) -> BoxFuture<'static, Result<Speech, Error>> {
        let endpoint = Arc::clone(&self.endpoint);
        let patience = Patience {
            first_byte: endpoint.settings.first_byte_timeout,
            stall: endpoint.settings.stall_timeout,
        };
        let asked = utterance.clone();
        spoken(Self::NAME, &utterance, patience, async move { endpoint.open(&asked).await })
    }
}

// === impl Endpoint ===

impl Endpoint {
    fn new(settings: Settings) -> Result<Self, Error> {
        let speech =
            speech_url(&settings.base_url).ok_or(Error::InvalidSetting { setting: "base_url" })?;
        let authorization = settings.key.as_ref().map(bearer).transpose()?;
        // No proxy from the environment and no redirect: the text goes where the
        // configuration says and nowhere else.
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(settings.connect_timeout)
            .build()
            .map_err(|_| Error::Unavailable { reason: "the HTTP client cannot be made" })?;
        Ok(Self { client, speech, authorization, settings })
    }

    /// Asks for the listener's voice; if the server refuses the request with
    /// it, once more for the configured one.
    async fn open(&self, utterance: &Utterance) -> Result<Opened, Error> {
        let chars = utterance.text.chars().count();
        if chars > LONGEST_INPUT {
            return Err(Error::TextTooLong { chars, limit: LONGEST_INPUT });
        }
        let configured = self.settings.voice.as_str();
        let asked = utterance.voice.as_deref().unwrap_or(configured);
        let response = match self.ask(utterance, asked).await {
            Err(Error::Rejected { status: 400 | 404 | 422, .. }) if asked != configured => {
                self.ask(utterance, configured).await?
            }
            answer => answer?,
        };
        Ok(Opened { sample_rate: self.settings.sample_rate, pcm: pcm(response) })
    }

    async fn ask(&self, utterance: &Utterance, voice: &str) -> Result<Response, Error> {
        let body = SpeechRequest {
            model: &self.settings.model,
            input: &utterance.text,
            voice,
            response_format: "pcm",
            speed: utterance.rate.factor().clamp(*SPEEDS.start(), *SPEEDS.end()),
        };
        let request = self.client.post(self.speech.clone()).headers(self.headers()).json(&body);
        let response = request.send().await.map_err(|error| not_sent(&error))?;
        if response.status() != StatusCode::OK {
            return Err(refusal::read(response).await);
        }
        if is_pcm(response.headers()) { Ok(response) } else { Err(Error::NotAudio) }
    }

    /// The key, and the trace of the current span.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        nexy_telemetry::propagation::inject_current(&mut headers);
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        headers
    }
}

/// Where speech is asked for. `None` for a base that is no HTTP address.
fn speech_url(base: &str) -> Option<Url> {
    let mut url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["audio", "speech"]);
    Some(url)
}

fn bearer(key: &SecretString) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret().trim()))
        .map_err(|_| Error::InvalidSetting { setting: "key" })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The audio of a reply. Dropping it closes the connection, or resets the
/// stream of an HTTP/2 one.
fn pcm(response: Response) -> PcmStream {
    let mut at_start = true;
    Box::pin(response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|_| Error::BrokenStream)?;
        if at_start && is_file(&chunk) {
            return Err(Error::NotAudio);
        }
        at_start &= chunk.is_empty();
        Ok(chunk)
    }))
}

/// Whether a reply can be headerless PCM. Servers name it `audio/pcm`,
/// `audio/L16`, `application/octet-stream` or not at all.
fn is_pcm(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let kind = value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase();
    matches!(
        kind.as_str(),
        "audio/pcm"
            | "audio/x-pcm"
            | "audio/l16"
            | "audio/raw"
            | "audio/x-raw"
            | "audio/basic"
            | "application/octet-stream"
            | "binary/octet-stream"
    )
}

fn is_file(start: &Bytes) -> bool {
    FILE_SIGNATURES.iter().any(|signature| start.starts_with(signature))
}

fn not_sent(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        Error::Timeout { stage: Stage::Connect }
    } else if error.is_connect() {
        Error::Unavailable { reason: "no connection" }
    } else {
        Error::Unavailable { reason: "the connection broke before the answer" }
    }
}

#[cfg(test)]
mod tests;
