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
use nexy_testkit::chat_server::{ChatServer, Script};
use nexy_text_processing::{
    ChatRequest, Error, LanguageModel,
    openai::{OpenAiModel, Settings},
};
use nexy_types::Language;
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

async fn ask(server: &ChatServer, prompt: &str) -> Result<usize, Error> {
    let ample = Duration::from_secs(20);
    let model = OpenAiModel::new(Settings {
        base_url: server.base_url(),
        key: Some("sk-test".into()),
        model: "test-model".to_owned(),
        temperature: 0.4,
        max_tokens: 256,
        connect_timeout: ample,
        first_token_timeout: ample,
        stall_timeout: ample,
        max_event_bytes: 16 * 1024,
    })?;
    let request = ChatRequest {
        system: "SECRET".to_owned(),
        history: Vec::new(),
        prompt: prompt.to_owned(),
        image: None,
        commands: Vec::new(),
        language: Language::english(),
        now: jiff::Zoned::default(),
        outages: false,
    };
    Ok(model.reply(Arc::new(request)).await?.count().await)
}

#[tokio::test]
async fn a_request_leaves_names_and_numbers_and_passes_its_trace_on() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fields = Fields::default();
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let subscriber = Registry::default()
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .with(fields.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = ChatServer::start(Script::text(["the answer"])).await.unwrap();
    server.state().on_prompt("refuse", Script::status(401, "bad_key"));

    ask(&server, "the question").await.unwrap();
    for (name, expected) in [
        ("gen_ai.operation.name", "\"chat\""),
        ("gen_ai.provider.name", "\"openai\""),
        ("gen_ai.request.model", "test-model"),
        ("gen_ai.usage.input_tokens", "11"),
        ("gen_ai.usage.output_tokens", "7"),
        ("gen_ai.response.finish_reasons", "\"stop\""),
    ] {
        assert_eq!(fields.value(name).as_deref(), Some(expected), "{name}");
    }
    let first = fields.value("gen_ai.response.time_to_first_chunk").unwrap();
    assert!(first.parse::<f64>().unwrap() > 0.0);
    assert_eq!(fields.value("error.type"), None);

    ask(&server, "refuse the question").await.unwrap_err();
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
    }
}
