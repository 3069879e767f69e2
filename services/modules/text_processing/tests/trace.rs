//! What a request to a model leaves in traces.
//!
//! Its own program with one test, because whether a span is recorded is decided
//! per process: a parallel test without a subscriber can switch it off.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use nexy_outbound::ProviderConnections;
use nexy_testkit::{chat_server, gemini_server, model_server::Format, model_server::ModelServer};
use nexy_text_processing::{
    ChatRequest, Error, LanguageModel, Screen,
    gemini::{self, GeminiModel},
    openai::{self, OpenAiModel},
};
use nexy_types::{ImageFormat, Language};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Registry},
};

/// Writes down every field of the span `llm`.
#[derive(Clone, Default)]
struct Fields(Arc<Mutex<Vec<(String, String)>>>);

impl Visit for &Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.all().push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Fields {
    fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        if span.metadata().name() == "llm" {
            span.record(&mut &*self);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, spans: Context<'_, S>) {
        if spans.metadata(id).is_some_and(|span| span.name() == "llm") {
            values.record(&mut &*self);
        }
    }
}

impl Fields {
    fn all(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self, name: &str) -> Option<String> {
        self.all().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

/// Longer than anything here takes.
const AMPLE: Duration = Duration::from_secs(20);

const CONNECTIONS: ProviderConnections = ProviderConnections {
    connect_timeout: AMPLE,
    ping_interval: AMPLE,
    ping_timeout: AMPLE,
    idle_timeout: AMPLE,
    stream_window_bytes: 262_144,
};

/// How long the fakes think before the first word.
const THINKING: Duration = Duration::from_millis(120);

fn openai(base_url: String) -> Result<OpenAiModel, Error> {
    OpenAiModel::new(openai::Settings {
        base_url,
        key: Some("sk-test".into()),
        model: "test-model".to_owned(),
        temperature: 0.4,
        max_tokens: 256,
        image_formats: vec![ImageFormat::WebP],
        connections: CONNECTIONS,
        first_token_timeout: AMPLE,
        stall_timeout: AMPLE,
        max_event_bytes: 16 * 1024,
    })
}

fn gemini(base_url: String) -> Result<GeminiModel, Error> {
    GeminiModel::new(gemini::Settings {
        base_url,
        key: "sk-test".into(),
        fallback_key: None,
        model: "test-model".to_owned(),
        temperature: 0.4,
        max_tokens: 256,
        image_formats: vec![ImageFormat::WebP],
        google_search: false,
        connections: CONNECTIONS,
        first_token_timeout: AMPLE,
        stall_timeout: AMPLE,
        max_event_bytes: 16 * 1024,
    })
}

async fn ask(model: &dyn LanguageModel, prompt: &str) -> Result<usize, Error> {
    let request = ChatRequest {
        system: "SECRET".to_owned(),
        history: Vec::new(),
        prompt: prompt.to_owned(),
        screen: Screen::NotSent,
        commands: Vec::new(),
        language: Language::english(),
        now: jiff::Zoned::default(),
        outages: false,
    };
    Ok(model.reply(Arc::new(request)).await?.count().await)
}

/// Asks twice: the server answers, and refuses what it is told to. The seconds to
/// the first words, as the span has them.
async fn check<F: Format>(
    model: &dyn LanguageModel,
    server: &ModelServer<F>,
    fields: &Fields,
) -> Result<f64, Error> {
    fields.all().clear();
    ask(model, "the question").await?;
    let provider = format!("{:?}", model.name());
    for (name, expected) in [
        ("gen_ai.operation.name", "\"chat\""),
        ("gen_ai.provider.name", &provider),
        ("gen_ai.request.model", "test-model"),
        ("gen_ai.usage.input_tokens", "11"),
        ("gen_ai.usage.output_tokens", "7"),
        ("gen_ai.response.finish_reasons", "\"stop\""),
    ] {
        assert_eq!(fields.value(name).as_deref(), Some(expected), "{name}");
    }
    let first = fields.value("gen_ai.response.time_to_first_chunk");
    assert_eq!(fields.value("error.type"), None);

    assert!(ask(model, "refuse the question").await.is_err());
    assert_eq!(fields.value("error.type").as_deref(), Some("\"unauthorized\""));

    let all = format!("{:?}", fields.all());
    for words in ["answer", "question", "SECRET", "sk-test"] {
        assert!(!all.contains(words), "{all}");
    }
    for request in server.requests() {
        // W3C Trace Context: version, trace id, span id, flags.
        let header = request.header("traceparent");
        let lengths: Vec<usize> = header.split('-').map(str::len).collect();
        assert_eq!(lengths, [2, 32, 16, 2], "{header:?}");
        assert!(!request.uri.to_string().contains("sk-test"));
    }
    Ok(first.and_then(|first| first.parse().ok()).unwrap_or_default())
}

#[tokio::test]
async fn a_request_leaves_names_and_numbers_and_passes_its_trace_on() {
    nexy_testkit::install_tls_provider();
    let fields = Fields::default();
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let subscriber = Registry::default()
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .with(fields.clone());
    let _guard = tracing::subscriber::set_default(subscriber);

    let answer = chat_server::Script::text(["the answer"]).first_delay(THINKING);
    let server = ModelServer::start(answer).await.unwrap();
    server.state().on_prompt("refuse", chat_server::Script::status(401, "bad_key"));
    let openai = check(&openai(server.base_url()).unwrap(), &server, &fields).await.unwrap();

    let answer = gemini_server::Script::text(["the answer"]).first_delay(THINKING);
    let server = ModelServer::start(answer).await.unwrap();
    server.state().on_prompt("refuse", gemini_server::Script::invalid_key());
    let gemini = check(&gemini(server.base_url()).unwrap(), &server, &fields).await.unwrap();

    println!("first words after {openai:.3} s and {gemini:.3} s");
    for seconds in [openai, gemini] {
        assert!(seconds >= THINKING.as_secs_f64() && seconds < AMPLE.as_secs_f64());
    }
}
