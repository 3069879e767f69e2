//! Azure Speech's REST interface, `POST /cognitiveservices/v1` ("Text to speech
//! REST API", learn.microsoft.com).
//!
//! It is asked for headerless 16-bit mono PCM at 48 kHz, the rate of its best
//! models, and streams it as it is made. Every Azure voice speaks the language in
//! its name; which voice says an utterance is decided so that no text is read by
//! a voice of another language.

mod ssml;
mod voices;

use std::{sync::Arc, time::Duration};

use nexy_outbound::ProviderConnections;
use nexy_types::{BoxFuture, SampleRate, SpeechRate};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, PcmStream, Speech, SpeechSynthesizer, Utterance,
    http::{self, Endpoint, EndpointSettings},
    reply::{Opened, Patience, is_blank, spoken},
};

pub use voices::DEFAULT_VOICES;

const SUBSCRIPTION_KEY: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");
const OUTPUT_FORMAT: HeaderName = HeaderName::from_static("x-microsoft-outputformat");

/// Headerless PCM at [`SAMPLE_RATE`].
const RAW_PCM: HeaderValue = HeaderValue::from_static("raw-48khz-16bit-mono-pcm");
const SAMPLE_RATE: SampleRate = SampleRate::new(48_000).unwrap();

const SSML: HeaderValue = HeaderValue::from_static("application/ssml+xml");

/// `User-Agent` is required and must be shorter than this.
const USER_AGENT_LIMIT: usize = 255;

/// Azure ends audio here without a word, as if all had been said.
const LONGEST_AUDIO_SECONDS: f32 = 600.0;

/// The slowest of the languages, Chinese, at the normal rate.
const FEWEST_CHARS_PER_SECOND: f32 = 4.0;

/// What `rate` may be, times the voice's own ("Customize voice and sound with
/// SSML"); what goes beyond is not spoken any faster.
const SLOWEST: f32 = 0.5;
const FASTEST: f32 = 2.0;

/// What an [`AzureSynthesizer`] is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the resource is, e.g. `https://westeurope.tts.speech.microsoft.com`.
    pub base_url: String,
    /// The key of the resource.
    pub key: SecretString,
    /// The voice for texts in its language, e.g. `en-US-AriaNeural`. Texts in
    /// others get one of [`DEFAULT_VOICES`], unless this one is multilingual.
    pub voice: String,
    /// How it is connected to.
    pub connections: ProviderConnections,
    /// From the request to the first byte of audio, connecting included.
    pub first_byte_timeout: Duration,
    /// Between two chunks of audio.
    pub stall_timeout: Duration,
    /// Who asks; Azure wants to know. 1 to 254 characters.
    pub user_agent: String,
}

/// Speaks through Azure Speech.
#[derive(Debug, Clone)]
pub struct AzureSynthesizer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    settings: Settings,
}

// === impl AzureSynthesizer ===

impl AzureSynthesizer {
    /// The name in logs and settings.
    pub const NAME: &'static str = "azure";

    /// Makes the client. Connections are opened when they are needed and kept
    /// for the next utterance.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] when the base URL, the key, the voice or the
    /// user agent cannot be used. The process's rustls provider must be
    /// installed before.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if !voices::is_name(&settings.voice) {
            return Err(Error::InvalidSetting { setting: "voice" });
        }
        let endpoint = Endpoint::new(EndpointSettings {
            base_url: &settings.base_url,
            path: ["cognitiveservices", "v1"],
            headers: headers(&settings)?,
            connections: settings.connections,
        })?;
        Ok(Self { shared: Arc::new(Shared { endpoint, settings }) })
    }
}

impl SpeechSynthesizer for AzureSynthesizer {
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

    /// A HEAD without a key, which Azure refuses, and any answer will do. (The
    /// list of voices is free too, but large.) The connection is kept as long as
    /// Azure leaves it open.
    fn warm_up(&self) -> BoxFuture<'_, Result<(), Error>> {
        let patience = self.shared.settings.first_byte_timeout;
        Box::pin(self.shared.endpoint.warm_up(patience))
    }
}

// === impl Shared ===

impl Shared {
    /// Asks for the listener's voice, if it can say the text; if Azure refuses
    /// the request with it, once more for our own.
    async fn open(&self, utterance: &Utterance) -> Result<Opened, Error> {
        let text = ssml::escaped(&utterance.text);
        if is_blank(&text) {
            return Err(Error::Silent);
        }
        let rate = spoken_rate(utterance.rate);
        let (chars, limit) = (utterance.text.chars().count(), longest_text(rate));
        if chars > limit {
            return Err(Error::TextTooLong { chars, limit });
        }
        let own = voices::own(&self.settings.voice, &utterance.language);
        let asked = voices::asked(utterance).unwrap_or(own);
        let pcm = match self.ask(utterance, &text, asked).await {
            Err(Error::Rejected { status: 400, .. }) if asked != own => {
                self.ask(utterance, &text, own).await?
            }
            answer => answer?,
        };
        Ok(Opened { sample_rate: SAMPLE_RATE, rate_left: utterance.rate.after(rate), pcm })
    }

    async fn ask(
        &self,
        utterance: &Utterance,
        text: &str,
        voice: &str,
    ) -> Result<PcmStream, Error> {
        let locale = voices::locale_of(&utterance.language);
        let rate = spoken_rate(utterance.rate);
        let document = ssml::document(&ssml::Spoken { locale, voice, rate, text });
        http::speech(self.endpoint.post().body(document), is_pcm).await
    }
}

/// What every request carries beside its text.
fn headers(settings: &Settings) -> Result<HeaderMap, Error> {
    let key = settings.key.expose_secret().trim();
    if key.is_empty() {
        return Err(Error::InvalidSetting { setting: "key" });
    }
    let is_short = (1..USER_AGENT_LIMIT).contains(&settings.user_agent.chars().count());
    let user_agent = HeaderValue::try_from(&settings.user_agent).ok().filter(|_| is_short);
    let user_agent = user_agent.ok_or(Error::InvalidSetting { setting: "user_agent" })?;
    Ok(HeaderMap::from_iter([
        (SUBSCRIPTION_KEY, http::secret(key.to_owned())?),
        (CONTENT_TYPE, SSML),
        (OUTPUT_FORMAT, RAW_PCM),
        (USER_AGENT, user_agent),
    ]))
}

/// What Azure does of a rate.
fn spoken_rate(asked: SpeechRate) -> SpeechRate {
    SpeechRate::new(asked.factor().clamp(SLOWEST, FASTEST)).unwrap_or(asked)
}

/// Characters that fit into the longest audio in every language. Azure would cut
/// off a longer text, and it would pass for complete.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few thousand, above zero"
)]
fn longest_text(rate: SpeechRate) -> usize {
    (LONGEST_AUDIO_SECONDS * FEWEST_CHARS_PER_SECOND * rate.factor()) as usize
}

/// Azure's documentation leaves the media type of raw audio open.
fn is_pcm(kind: &str) -> bool {
    kind.starts_with("audio/") || matches!(kind, "application/octet-stream" | "binary/octet-stream")
}

#[cfg(test)]
mod tests;
