//! The client for servers that speak OpenAI's chat completions.
//!
//! Source of the format: <https://platform.openai.com/docs/api-reference/chat>;
//! what local servers (llama.cpp, vLLM, Ollama) do otherwise is noted where it is
//! handled.

mod fault;
mod reply;
mod request;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nexy_outbound::ProviderConnections;
use nexy_types::{BoxFuture, ImageFormat};
use reqwest::{
    Client, Response, Url,
    header::{AUTHORIZATION, HeaderMap},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

use crate::{
    ChatRequest, DeltaStream, Error, LanguageModel, Wait, flow,
    http::{self, fault::Refused},
    span,
};

const NAME: &str = "openai";

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
    /// The kinds of image files that it reads, the one to convert to first.
    pub image_formats: Vec<ImageFormat>,
    /// How it is connected to.
    pub connections: ProviderConnections,
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
        let url = http::url(&settings.base_url, "/chat/completions")?;
        if settings.model.trim().is_empty() {
            return Err(Error::Settings("model is empty"));
        }
        let client = http::client(headers(settings.key.as_ref())?, settings.connections)?;
        let token_limit = request::TokenLimit::of_host(url.host_str());
        Ok(Self { endpoint: Arc::new(Endpoint { client, url, settings, token_limit }) })
    }
}

impl LanguageModel for OpenAiModel {
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
        let max_event_bytes = self.settings.max_event_bytes;
        Ok(flow::deltas(flow::Setup {
            answer,
            reply: reply::Reply::new(max_event_bytes),
            started,
            first_token_by,
            stall_timeout: self.settings.stall_timeout,
            max_event_bytes,
        }))
    }

    async fn body(&self, request: Arc<ChatRequest>) -> Result<Bytes, Error> {
        let template = request::Template {
            model: self.settings.model.clone(),
            temperature: self.settings.temperature,
            max_tokens: self.settings.max_tokens,
            token_limit: self.token_limit,
        };
        http::written(request, move |request| template.body(request)).await
    }

    async fn ask(&self, body: Bytes) -> Result<Response, Error> {
        let answer = http::post(&self.client, &self.url, HeaderMap::new(), body).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let refused = Refused::read(answer, self.settings.max_event_bytes).await;
        Err(fault::of_answer(&refused))
    }
}

fn headers(key: Option<&SecretString>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let bearer = format!("Bearer {}", key.expose_secret());
        headers.insert(AUTHORIZATION, http::secret(&bearer)?);
    }
    Ok(headers)
}

/// A reply without a request, whose events a property makes up.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn any_reply(max_call_bytes: usize) -> impl flow::Reply {
    reply::Reply::new(max_call_bytes)
}

#[cfg(test)]
mod tests;
