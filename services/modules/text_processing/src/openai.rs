//! The client for servers that speak OpenAI's chat completions.
//!
//! Source of the format: <https://platform.openai.com/docs/api-reference/chat>;
//! what local servers (llama.cpp, vLLM, Ollama) do otherwise is noted where it is
//! handled. Redirects are not followed, proxies from the environment are not
//! used, and nothing is retried: the worker shares one budget among all models.

mod fault;
mod flow;
mod reply;
mod request;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nexy_types::BoxFuture;
use reqwest::{
    Client, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, field::Empty};

use crate::{ChatRequest, DeltaStream, Error, LanguageModel, Refusal, Wait};

const NAME: &str = "openai";
const EVENT_STREAM: &str = "text/event-stream";
const JSON: &str = "application/json";

/// How to reach one server, and what to ask of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// With its version, e.g. `https://api.openai.com/v1`.
    pub base_url: String,
    /// Sent as a bearer token. Local servers need none.
    pub key: Option<SecretString>,
    /// The model's name on that server.
    pub model: String,
    /// 0 to 2.
    pub temperature: f32,
    /// The longest reply, in tokens.
    pub max_tokens: u32,
    /// For the connection, TLS included.
    pub connect_timeout: Duration,
    /// From sending the request until the first words, or the first part of a
    /// function call. A model's silent reasoning counts as waiting.
    pub first_token_timeout: Duration,
    /// Between two events after that.
    pub stall_timeout: Duration,
    /// The largest event, function call or error body that is read, in bytes.
    pub max_event_bytes: usize,
}

/// A server that speaks OpenAI's chat completions.
pub struct OpenAiModel {
    endpoint: Arc<Endpoint>,
}

/// What all requests of one model share.
struct Endpoint {
    client: Client,
    url: Url,
    settings: Settings,
    token_limit: request::TokenLimit,
}

// === impl OpenAiModel ===

impl OpenAiModel {
    /// Prepares the client; contacts nobody.
    ///
    /// # Errors
    /// [`Error::Settings`] when the base URL, the key or the model cannot be sent,
    /// or when TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let url = completions_url(&settings.base_url)?;
        if settings.model.trim().is_empty() {
            return Err(Error::Settings("model is empty"));
        }
        let client = Client::builder()
            .default_headers(headers(settings.key.as_ref())?)
            .user_agent(concat!("nexy/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|_| Error::Settings("TLS cannot be set up"))?;
        let token_limit = request::TokenLimit::of_host(url.host_str());
        Ok(Self { endpoint: Arc::new(Endpoint { client, url, settings, token_limit }) })
    }
}

impl LanguageModel for OpenAiModel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reply(&self, request: Arc<ChatRequest>) -> BoxFuture<'static, Result<DeltaStream, Error>> {
        let endpoint = Arc::clone(&self.endpoint);
        let span = endpoint.span();
        let opened = async move {
            let opened = endpoint.open(request, Instant::now()).await;
            if let Err(error) = &opened {
                Span::current().record("error.type", error.as_str());
            }
            opened
        };
        Box::pin(opened.instrument(span))
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// Names: OpenTelemetry semantic conventions for generative AI spans.
    fn span(&self) -> Span {
        tracing::info_span!(
            "llm",
            otel.kind = "client",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = NAME,
            gen_ai.request.model = %self.settings.model,
            gen_ai.request.max_tokens = self.settings.max_tokens,
            gen_ai.response.time_to_first_chunk = Empty,
            gen_ai.response.finish_reasons = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            error.type = Empty,
        )
    }

    async fn open(
        &self,
        request: Arc<ChatRequest>,
        started: Instant,
    ) -> Result<DeltaStream, Error> {
        let first_token_by = started + self.settings.first_token_timeout;
        let body = self.body(request).await?;
        let answer = timeout_at(first_token_by, self.send(body))
            .await
            .map_err(|_| Error::Timeout(Wait::FirstToken))??;
        let limit = self.settings.max_event_bytes;
        if !answer.status().is_success() {
            return match timeout_at(first_token_by, fault::of_answer(answer, limit)).await {
                Ok(error) => Err(error),
                Err(_) => Err(Error::Timeout(Wait::FirstToken)),
            };
        }
        check_content_type(&answer)?;
        Ok(flow::deltas(flow::Setup {
            answer,
            started,
            first_token_by,
            stall_timeout: self.settings.stall_timeout,
            max_event_bytes: limit,
        }))
    }

    /// An image is megabytes of base64 to write, so that happens on the blocking
    /// pool.
    async fn body(&self, request: Arc<ChatRequest>) -> Result<Bytes, Error> {
        let template = request::Template {
            model: self.settings.model.clone(),
            temperature: self.settings.temperature,
            max_tokens: self.settings.max_tokens,
            token_limit: self.token_limit,
        };
        if request.image.is_none() {
            return template.body(&request);
        }
        tokio::task::spawn_blocking(move || template.body(&request))
            .await
            .unwrap_or(Err(Error::Malformed("request cannot be written")))
    }

    async fn send(&self, body: Bytes) -> Result<reqwest::Response, Error> {
        let mut headers = HeaderMap::new();
        nexy_telemetry::propagation::inject_current(&mut headers);
        let sent = self.client.post(self.url.clone()).headers(headers).body(body).send().await;
        sent.map_err(|error| {
            if error.is_timeout() {
                Error::Timeout(Wait::Connect)
            } else {
                Error::Unavailable(Refusal::default())
            }
        })
    }
}

fn completions_url(base_url: &str) -> Result<Url, Error> {
    let path = format!("{}/chat/completions", base_url.trim_end_matches('/'));
    let url = Url::parse(&path).map_err(|_| Error::Settings("base_url is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Settings("base_url is neither http nor https"));
    }
    let has_extras = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if has_extras {
        return Err(Error::Settings("base_url holds more than host and path"));
    }
    Ok(url)
}

fn headers(key: Option<&SecretString>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    if let Some(key) = key {
        let bearer = format!("Bearer {}", key.expose_secret());
        let mut bearer = HeaderValue::try_from(bearer)
            .map_err(|_| Error::Settings("key holds characters that a header cannot"))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

/// Servers that ignore `stream` answer with one JSON document, which is read as
/// a reply of one event.
fn check_content_type(answer: &reqwest::Response) -> Result<(), Error> {
    let media_type = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match media_type {
        Some(kind) if kind.eq_ignore_ascii_case(EVENT_STREAM) => Ok(()),
        Some(kind) if kind.eq_ignore_ascii_case(JSON) => Ok(()),
        _ => Err(Error::Malformed("answer is neither an event stream nor JSON")),
    }
}

#[cfg(test)]
mod tests;
