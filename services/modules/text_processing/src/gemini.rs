//! The client for Gemini's `generateContent`, streamed.
//!
//! Source of the format: <https://ai.google.dev/api/generate-content>. Thoughts
//! are neither asked for nor passed on, and how much a model thinks is left to
//! it; what it thinks counts as output.
//!
//! **Search and commands.** Most models refuse Google Search beside function
//! declarations, and those that allow it ask for a flag that the others refuse.
//! Where search is on and a request has commands, search is declared and the
//! commands are not: the system prompt describes them too, and tells a model
//! without functions to ask for one in JSON, which `assistant_response` reads
//! like a function call.
//!
//! **Two keys.** A key that is refused, or has nothing left, is followed by the
//! other one within the same call, once; the one that worked is the first to be
//! tried from then on. That is all that is retried here.

mod fault;
mod keys;
mod reply;
mod request;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nexy_outbound::ProviderConnections;
use nexy_types::{BoxFuture, ImageFormat};
use reqwest::{
    Client, Response, Url,
    header::{HeaderMap, HeaderName},
};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use crate::{
    ChatRequest, DeltaStream, Error, LanguageModel, Wait, flow,
    http::{self, fault::Refused},
    span,
};
use keys::{Key, KeySwitched, Keys};

const NAME: &str = "gemini";
const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// How to reach Gemini, and what to ask of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Without a version, e.g. `https://generativelanguage.googleapis.com`.
    pub base_url: String,
    /// The API key. Sent as a header, never in the URL.
    pub key: SecretString,
    /// A second key, for when the first one is refused or used up.
    pub fallback_key: Option<SecretString>,
    /// E.g. `gemini-flash-lite-latest`, with or without `models/` before it.
    pub model: String,
    /// 0 to 2.
    pub temperature: f32,
    /// The longest reply, thoughts included, in tokens.
    pub max_tokens: u32,
    /// Lets the model search the web. Commands are then asked for in JSON.
    pub google_search: bool,
    /// The kinds of image files that it reads, the one to convert to first.
    pub image_formats: Vec<ImageFormat>,
    /// How it is connected to.
    pub connections: ProviderConnections,
    /// From sending the request until the first words, or a function call, with
    /// the second key included. A model's silent reasoning counts as waiting.
    pub first_token_timeout: Duration,
    /// Between two events after that.
    pub stall_timeout: Duration,
    /// The largest event or error body that is read, in bytes. What a search
    /// found comes in one event.
    pub max_event_bytes: usize,
}

/// Gemini.
pub struct GeminiModel {
    endpoint: Arc<Endpoint>,
}

/// What all requests of one model share.
struct Endpoint {
    client: Client,
    url: Url,
    keys: Keys,
    settings: Settings,
}

// === impl GeminiModel ===

impl GeminiModel {
    /// Prepares the client; contacts nobody.
    ///
    /// # Errors
    /// [`Error::Settings`] when the base URL, a key or the model cannot be sent,
    /// or when TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let url = stream_url(&settings.base_url, &settings.model)?;
        let keys = Keys::new(&settings.key, settings.fallback_key.as_ref())?;
        let client = http::client(HeaderMap::new(), settings.connections)?;
        Ok(Self { endpoint: Arc::new(Endpoint { client, url, keys, settings }) })
    }
}

impl LanguageModel for GeminiModel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn image_formats(&self) -> &[ImageFormat] {
        &self.endpoint.settings.image_formats
    }

    fn reply(&self, request: Arc<ChatRequest>) -> BoxFuture<'static, Result<DeltaStream, Error>> {
        let endpoint = Arc::clone(&self.endpoint);
        let span = span::begin(NAME, &endpoint.settings.model, endpoint.settings.max_tokens);
        span::open(span, async move { endpoint.open(request, Instant::now()).await })
    }

    fn warm_up(&self) -> BoxFuture<'_, Result<(), Error>> {
        let Endpoint { client, url, settings, .. } = self.endpoint.as_ref();
        Box::pin(http::warm_up(client, url, settings.first_token_timeout))
    }
}

// === impl Endpoint ===

impl Endpoint {
    async fn open(
        &self,
        request: Arc<ChatRequest>,
        started: Instant,
    ) -> Result<DeltaStream, Error> {
        let first_token_by = started + self.settings.first_token_timeout;
        let body = self.body(request).await?;
        let answer = timeout_at(first_token_by, self.ask(body))
            .await
            .map_err(|_| Error::Timeout(Wait::FirstToken))??;
        http::check_content_type(&answer)?;
        Ok(flow::deltas(flow::Setup {
            answer,
            reply: reply::Reply::default(),
            started,
            first_token_by,
            stall_timeout: self.settings.stall_timeout,
            max_event_bytes: self.settings.max_event_bytes,
        }))
    }

    async fn body(&self, request: Arc<ChatRequest>) -> Result<Bytes, Error> {
        let template = request::Template {
            temperature: self.settings.temperature,
            max_tokens: self.settings.max_tokens,
            google_search: self.settings.google_search,
        };
        http::written(request, move |request| template.body(request)).await
    }

    /// With the key that worked last, then with the other one.
    async fn ask(&self, body: Bytes) -> Result<Response, Error> {
        let key = self.keys.preferred();
        let error = match self.ask_with(key, body.clone()).await {
            Err(error) if is_about_the_key(&error) => error,
            result => return result,
        };
        let Some(other) = self.keys.other_than(key) else { return Err(error) };
        match self.ask_with(other, body).await {
            Ok(answer) => {
                self.keys.prefer(other);
                let reason = error.as_str();
                nexy_telemetry::emit(&KeySwitched { provider: NAME, to: other, reason });
                Ok(answer)
            }
            Err(later) => Err(more_hopeful(error, later)),
        }
    }

    async fn ask_with(&self, key: Key, body: Bytes) -> Result<Response, Error> {
        let headers = HeaderMap::from_iter([(KEY, self.keys.value(key))]);
        let answer = http::post(&self.client, &self.url, headers, body).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let refused = Refused::read(answer, self.settings.max_event_bytes).await;
        Err(fault::of_answer(&refused))
    }
}

fn stream_url(base_url: &str, model: &str) -> Result<Url, Error> {
    let model = model.trim();
    let model = model.strip_prefix("models/").unwrap_or(model);
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if model.is_empty() {
        return Err(Error::Settings("model is empty"));
    }
    if !model.bytes().all(is_name) {
        return Err(Error::Settings("model is not a name of letters, digits, '-', '.' and '_'"));
    }
    let mut url = http::url(base_url, &format!("/v1beta/models/{model}:streamGenerateContent"))?;
    // Without it the reply is one JSON array.
    url.set_query(Some("alt=sse"));
    Ok(url)
}

/// Of the errors of two keys the one that is over first. A key that is no good
/// says less than one that has to wait, and a spent day less than a minute.
fn more_hopeful(first: Error, second: Error) -> Error {
    let patience = |error: &Error| match error {
        Error::Unauthorized(_) => (2, Duration::ZERO),
        Error::RateLimited(_) if !error.is_retryable() => (1, Duration::ZERO),
        other => (0, other.retry_after().unwrap_or_default()),
    };
    let is_about_keys = is_about_the_key(&second);
    if is_about_keys && patience(&first) <= patience(&second) { first } else { second }
}

const fn is_about_the_key(error: &Error) -> bool {
    matches!(error, Error::Unauthorized(_) | Error::RateLimited(_))
}

/// A reply without a request, whose events a property makes up.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn any_reply() -> impl flow::Reply {
    reply::Reply::default()
}

#[cfg(test)]
mod tests;
