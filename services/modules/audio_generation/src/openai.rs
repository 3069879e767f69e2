//! OpenAI's `POST /v1/audio/speech`, as OpenAI and the local servers that copy it
//! (Kokoro-FastAPI, Speaches) speak it.
//!
//! Asked for `pcm`, they stream headerless 16-bit little-endian mono. OpenAI's is
//! at 24 kHz, other servers' at the rate of their model, and the reply does not
//! say: the rate is a setting.

use std::{sync::Arc, time::Duration};

use nexy_outbound::ProviderConnections;
use nexy_types::{BoxFuture, SampleRate, SpeechRate};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, PcmStream, Speech, SpeechSynthesizer, Utterance,
    http::{self, Endpoint, EndpointSettings},
    reply::{Opened, Patience, spoken},
};

/// Characters that `input` may have (OpenAI API reference, "Create speech").
const LONGEST_INPUT: usize = 4096;

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
    /// Whether the model heeds `speed`, which may be 0.25 to 4.0 and so any rate
    /// that a listener can ask for. OpenAI's newer models take it and do not.
    pub takes_speed: bool,
    /// How it is connected to.
    pub connections: ProviderConnections,
    /// From the request to the first byte of audio, connecting included.
    pub first_byte_timeout: Duration,
    /// Between two chunks of audio.
    pub stall_timeout: Duration,
}

/// Speaks through an OpenAI-compatible server.
#[derive(Debug, Clone)]
pub struct OpenAiSynthesizer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    settings: Settings,
}

/// The body of a request.
#[derive(serde::Serialize)]
struct SpeechRequest<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f32>,
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
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.key {
            let bearer = format!("Bearer {}", key.expose_secret().trim());
            headers.insert(AUTHORIZATION, http::secret(bearer)?);
        }
        let endpoint = Endpoint::new(EndpointSettings {
            base_url: &settings.base_url,
            path: ["audio", "speech"],
            headers,
            connections: settings.connections,
        })?;
        Ok(Self { shared: Arc::new(Shared { endpoint, settings }) })
    }
}

impl SpeechSynthesizer for OpenAiSynthesizer {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn synthesize(&self, utterance: Utterance) -> BoxFuture<'static, Result<Speech, Error>> {
        let shared = Arc::clone(&self.shared);
        let patience = Patience {
            first_byte: shared.settings.first_byte_timeout,
            stall: shared.settings.stall_timeout,
        };
        let asked = utterance.clone();
        spoken(Self::NAME, &utterance, patience, async move { shared.open(&asked).await })
    }

    fn warm_up(&self) -> BoxFuture<'_, Result<(), Error>> {
        let patience = self.shared.settings.first_byte_timeout;
        Box::pin(self.shared.endpoint.warm_up(patience))
    }
}

// === impl Shared ===

impl Shared {
    /// Asks for the listener's voice; if the server refuses the request with
    /// it, once more for the configured one.
    async fn open(&self, utterance: &Utterance) -> Result<Opened, Error> {
        let chars = utterance.text.chars().count();
        if chars > LONGEST_INPUT {
            return Err(Error::TextTooLong { chars, limit: LONGEST_INPUT });
        }
        let configured = self.settings.voice.as_str();
        let asked = utterance.voice.as_deref().unwrap_or(configured);
        let pcm = match self.ask(utterance, asked).await {
            Err(Error::Rejected { status: 400 | 404 | 422, .. }) if asked != configured => {
                self.ask(utterance, configured).await?
            }
            answer => answer?,
        };
        let rate_left = if self.settings.takes_speed { SpeechRate::NORMAL } else { utterance.rate };
        Ok(Opened { sample_rate: self.settings.sample_rate, rate_left, pcm })
    }

    async fn ask(&self, utterance: &Utterance, voice: &str) -> Result<PcmStream, Error> {
        let body = SpeechRequest {
            model: &self.settings.model,
            input: &utterance.text,
            voice,
            response_format: "pcm",
            speed: self.settings.takes_speed.then(|| utterance.rate.factor()),
        };
        http::speech(self.endpoint.post().json(&body), is_pcm).await
    }
}

/// Whether a reply of this media type can be headerless PCM. Servers that name
/// it say one of these.
fn is_pcm(kind: &str) -> bool {
    matches!(
        kind,
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

#[cfg(test)]
mod tests;
