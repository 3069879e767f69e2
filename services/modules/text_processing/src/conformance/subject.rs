//! The models behind a wire, each with the fake of its provider.

use std::{sync::Arc, time::Duration};

use nexy_outbound::ProviderConnections;
use nexy_testkit::{
    chat_server::OpenAi,
    gemini_server::{Gemini, GoogleError},
    model_server::{Format, ModelServer, Script},
};
use nexy_types::ImageFormat;

use crate::{
    DeltaStream, Error, LanguageModel,
    gemini::{self, GeminiModel},
    openai::{self, OpenAiModel},
    testing::{self, AMPLE, Told, ask, request},
};

/// Of every model here.
pub(super) const MAX_EVENT_BYTES: usize = 16 * 1024;

/// What a model waits for, and how long.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    pub(super) first_token: Duration,
    pub(super) stall: Duration,
    pub(super) connections: ProviderConnections,
}

/// A model and the wire format that it speaks.
pub(super) trait Subject: Format {
    fn model(base_url: String, waits: Waits) -> Arc<dyn LanguageModel>;

    /// A refusal whose message quotes the prompt and says SECRET.
    fn refusal(status: u16) -> Script<Self>;

    fn error_inside(script: Script<Self>) -> Script<Self>;

    fn thinking_aloud(script: Script<Self>) -> Script<Self>;

    /// The name of a token limit as the end of a reply.
    const LENGTH: &'static str;
}

impl Subject for OpenAi {
    const LENGTH: &'static str = "length";

    fn model(base_url: String, waits: Waits) -> Arc<dyn LanguageModel> {
        let settings = openai::Settings {
            base_url,
            key: Some("test-key".into()),
            model: "test-model".to_owned(),
            temperature: 0.4,
            max_tokens: 256,
            image_formats: vec![ImageFormat::WebP],
            connections: waits.connections,
            first_token_timeout: waits.first_token,
            stall_timeout: waits.stall,
            max_event_bytes: MAX_EVENT_BYTES,
        };
        Arc::new(OpenAiModel::new(settings).unwrap())
    }

    fn refusal(status: u16) -> Script<Self> {
        Script::<Self>::status(status, "some_code")
    }

    fn error_inside(script: Script<Self>) -> Script<Self> {
        script.error("server_error", 503)
    }

    fn thinking_aloud(script: Script<Self>) -> Script<Self> {
        script.reasoning("SECRET")
    }
}

impl Subject for Gemini {
    const LENGTH: &'static str = "MAX_TOKENS";

    fn model(base_url: String, waits: Waits) -> Arc<dyn LanguageModel> {
        let settings = gemini::Settings {
            base_url,
            key: "test-key".into(),
            fallback_key: None,
            model: "test-model".to_owned(),
            temperature: 0.4,
            max_tokens: 256,
            image_formats: vec![ImageFormat::WebP],
            google_search: false,
            connections: waits.connections,
            first_token_timeout: waits.first_token,
            stall_timeout: waits.stall,
            max_event_bytes: MAX_EVENT_BYTES,
        };
        Arc::new(GeminiModel::new(settings).unwrap())
    }

    fn refusal(status: u16) -> Script<Self> {
        Script::<Self>::status(status, "SOME_STATUS")
    }

    fn error_inside(script: Script<Self>) -> Script<Self> {
        script.error(&GoogleError::new(503, "UNAVAILABLE"))
    }

    fn thinking_aloud(script: Script<Self>) -> Script<Self> {
        script.thought("SECRET")
    }
}

// === impl Waits ===

impl Waits {
    /// Nothing is waited for too briefly.
    pub(super) const AMPLE: Self =
        Self { first_token: AMPLE, stall: AMPLE, connections: testing::connections() };
}

/// A model with a server of its own.
pub(super) struct Bench<S> {
    pub(super) server: ModelServer<S>,
    pub(super) model: Arc<dyn LanguageModel>,
}

impl<S: Subject> Bench<S> {
    pub(super) async fn patient(script: Script<S>) -> Self {
        Self::with(script, AMPLE, AMPLE).await
    }

    pub(super) async fn with(script: Script<S>, first_token: Duration, stall: Duration) -> Self {
        testing::install_tls_provider();
        let server = ModelServer::start(script).await.unwrap();
        let connections = testing::connections();
        let model = S::model(server.base_url(), Waits { first_token, stall, connections });
        Self { server, model }
    }

    pub(super) async fn ask(&self, prompt: &str) -> Result<Told, Error> {
        ask(self.model.as_ref(), request(prompt)).await
    }

    pub(super) async fn open(&self) -> DeltaStream {
        self.model.reply(Arc::new(request("hello"))).await.unwrap()
    }
}
