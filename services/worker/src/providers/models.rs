use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::join_all};
use nexy_config::Settings;
use nexy_telemetry::metrics;
use nexy_text_processing::{
    ChatRequest, Delta, DeltaStream, Error, LanguageModel, Usage,
    gemini::GeminiModel,
    offline::{self, OfflineAssistant},
    openai::OpenAiModel,
};
use nexy_types::{Module, ModuleState, ModuleStatus};

use super::{Breaker, BreakerSettings, Fault, Prices, connections};

/// The language models in order of preference.
pub(crate) struct Models {
    models: Vec<GuardedModel>,
    settings: ModelsSettings,
}

/// A model and the breaker that knows whether to ask it.
pub(crate) struct GuardedModel {
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) breaker: Arc<Breaker>,
}

/// When a model is left alone, and what it costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModelsSettings {
    pub(crate) breaker: BreakerSettings,
    /// How long a model is left alone whose quota is spent.
    pub(crate) quota_pause: Duration,
    pub(crate) prices: Prices,
}

// === impl Models ===

impl Models {
    /// Builds what the configuration lists.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        use nexy_config::LlmProvider;
        let mut models: Vec<Arc<dyn LanguageModel>> = Vec::new();
        for provider in &settings.llm.providers {
            match provider {
                LlmProvider::Gemini => models.push(Arc::new(gemini(settings)?)),
                LlmProvider::OpenAi => models.push(Arc::new(openai(settings)?)),
                LlmProvider::Offline => {
                    models.push(Arc::new(OfflineAssistant::new(offline::Settings::default())));
                }
            }
        }
        Ok(Self::of(
            models,
            ModelsSettings {
                breaker: BreakerSettings::from(settings),
                quota_pause: settings.llm.quota_pause,
                prices: Prices::from(settings),
            },
        ))
    }

    pub(crate) fn of(models: Vec<Arc<dyn LanguageModel>>, settings: ModelsSettings) -> Self {
        let guard = |model: Arc<dyn LanguageModel>| {
            let breaker = Arc::new(Breaker::new(model.name(), settings.breaker));
            GuardedModel { model, breaker }
        };
        Self { models: models.into_iter().map(guard).collect(), settings }
    }

    /// The models to ask, best first; only the first without fail-over.
    pub(crate) fn to_ask(&self, fail_over: bool) -> &[GuardedModel] {
        if fail_over { &self.models } else { self.models.get(..1).unwrap_or_default() }
    }

    /// The model that will most likely be asked first.
    pub(crate) fn likely(&self, fail_over: bool) -> Option<&dyn LanguageModel> {
        let (models, now) = (self.to_ask(fail_over), Instant::now());
        let is_asked = |guarded: &&GuardedModel| !guarded.breaker.is_open(now);
        models.iter().find(is_asked).or_else(|| models.last()).map(|guarded| guarded.model.as_ref())
    }

    /// What an error says about the health of its model; `None` when it says
    /// something about the request only.
    pub(crate) fn fault(&self, error: &Error) -> Option<Fault> {
        if error.is_about_the_request() {
            return None;
        }
        let quota_is_spent = matches!(error, Error::RateLimited(_)) && !error.is_retryable();
        let pause = quota_is_spent.then_some(self.settings.quota_pause);
        Some(Fault { leave_alone: pause.max(error.retry_after()) })
    }

    /// Asks one model and waits until it has something to say, as long as the
    /// model itself allows.
    ///
    /// # Errors
    /// When it refuses, breaks, or stays silent too long. A reply that ends
    /// without a word is not an error here.
    pub(crate) async fn open(
        &self,
        model: &dyn LanguageModel,
        request: Arc<ChatRequest>,
    ) -> Result<(Vec<Delta>, DeltaStream), Error> {
        // Asked once more than it has to say, when it had nothing to say.
        let mut stream = model.reply(request).await?.fuse();
        let mut first = Vec::new();
        while let Some(delta) = stream.next().await {
            first.push(delta?);
            if first.last().is_some_and(is_content) {
                break;
            }
        }
        Ok((first, Box::pin(stream)))
    }

    /// Has all models open their connections, at the start of the process.
    pub(crate) async fn warm_up(&self) {
        // One that cannot be reached is found out by the next question.
        join_all(self.models.iter().map(|guarded| guarded.model.warm_up())).await;
    }

    /// Counts what a whole reply used.
    pub(crate) fn count(&self, model: &'static str, usage: Usage) {
        metrics::TOKENS.add([model, "input"], u64::from(usage.input_tokens));
        metrics::TOKENS.add([model, "output"], u64::from(usage.output_tokens));
        self.settings.prices.reply(model, usage.input_tokens, usage.output_tokens);
    }
}

// === impl Module for Models ===

impl Module for Models {
    fn name(&self) -> &'static str {
        "text_processing"
    }

    fn status(&self) -> ModuleStatus {
        match self.models.as_slice() {
            [] => ModuleStatus::with_reason(self.name(), ModuleState::Down, "no language model"),
            [only] if only.model.name() == "offline" => ModuleStatus {
                reason: Some("offline assistant only: no language model is configured".to_owned()),
                ..ModuleStatus::ready(self.name())
            },
            models => {
                let now = Instant::now();
                let open = models.iter().find(|guarded| guarded.breaker.is_open(now));
                open.map_or_else(
                    || ModuleStatus::ready(self.name()),
                    |guarded| {
                        let reason = format!("{} fails and is left alone", guarded.model.name());
                        ModuleStatus::with_reason(self.name(), ModuleState::Degraded, reason)
                    },
                )
            }
        }
    }
}

fn is_content(delta: &Delta) -> bool {
    matches!(delta, Delta::Text(_) | Delta::ToolCall(_))
}

fn gemini(settings: &Settings) -> anyhow::Result<GeminiModel> {
    let gemini = &settings.llm.gemini;
    Ok(GeminiModel::new(nexy_text_processing::gemini::Settings {
        base_url: gemini.base_url.clone(),
        key: gemini.key.clone().unwrap_or_default(),
        fallback_key: gemini.fallback_key.clone(),
        model: gemini.model.clone(),
        temperature: settings.llm.temperature,
        max_tokens: settings.llm.max_tokens,
        google_search: gemini.google_search,
        image_formats: gemini.image_formats.clone(),
        connections: connections(settings, settings.llm.connect_timeout),
        first_token_timeout: settings.llm.first_token_timeout,
        stall_timeout: settings.llm.stall_timeout,
        max_event_bytes: settings.llm.max_event_bytes,
    })?)
}

fn openai(settings: &Settings) -> anyhow::Result<OpenAiModel> {
    let openai = &settings.llm.openai;
    Ok(OpenAiModel::new(nexy_text_processing::openai::Settings {
        base_url: openai.base_url.clone().unwrap_or_default(),
        key: openai.key.clone(),
        model: openai.model.clone(),
        temperature: settings.llm.temperature,
        max_tokens: settings.llm.max_tokens,
        image_formats: openai.image_formats.clone(),
        connections: connections(settings, settings.llm.connect_timeout),
        first_token_timeout: settings.llm.first_token_timeout,
        stall_timeout: settings.llm.stall_timeout,
        max_event_bytes: settings.llm.max_event_bytes,
    })?)
}
