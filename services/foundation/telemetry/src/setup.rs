use std::{io, panic::PanicHookInfo, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use serde::Serialize;
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, Targets},
    layer::SubscriberExt,
};

use crate::{
    Decision, Level,
    decision::{TARGET, emit},
    device,
    layer::DecisionLog,
    level, metrics,
    writer::Writer,
};

/// What a service says about itself and where it reports.
#[derive(Debug, Clone)]
pub struct Settings {
    /// E.g. `nexy-gateway`.
    pub service: &'static str,
    /// The service's version.
    pub version: String,
    /// dev, stage or prod.
    pub environment: String,
    /// `error`, `warn`, `info`, `debug` or `trace` for decisions, and
    /// `target=level` for dependencies, separated by commas.
    pub level: String,
    /// Where spans go; none: they only give trace ids.
    pub otlp: Option<Otlp>,
    /// The key of device hashes; none: random, so hashes of two processes
    /// cannot be compared.
    pub id_hash_key: Option<Vec<u8>>,
}

/// The collector of spans, reached by OTLP over gRPC without TLS.
#[derive(Debug, Clone)]
pub struct Otlp {
    /// E.g. `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// For one export.
    pub timeout: Duration,
    /// The share of new traces that is recorded, 0 to 1. The caller's decision
    /// comes first.
    pub sample_ratio: f64,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `Settings::level` is neither a level nor a list of directives.
    #[error("parse log level: expected error, warn, info, debug or trace")]
    Level,
    /// The collector's address cannot be used.
    #[error("use otlp endpoint: expected http://host:port")]
    Endpoint,
    /// The exporter needs the runtime's reactor.
    #[error("set up telemetry outside a tokio runtime")]
    NoRuntime,
    /// There is one subscriber per process.
    #[error("install telemetry: a subscriber is installed already")]
    AlreadyInstalled,
    /// The writer of the log could not be started.
    #[error("start the log writer")]
    Writer(#[source] io::Error),
}

/// Keeps what has to be flushed before the process ends.
#[derive(Debug)]
pub struct Guard {
    provider: SdkTracerProvider,
    writer: Writer,
}

/// The process found a bug of ours. The payload of a panic may hold user
/// content, so only the place is named.
#[derive(Serialize)]
struct Panicked {
    location: String,
}

/// Installs the process's only subscriber and panic hook.
///
/// # Errors
/// When a setting makes no sense, or outside a tokio runtime, or when a
/// subscriber is there already. Nothing is installed then.
pub fn init(settings: Settings) -> Result<Guard, Error> {
    let filter = level::filter(&settings.level).map_err(|_| Error::Level)?;
    Handle::try_current().map_err(|_| Error::NoRuntime)?;
    let provider = match &settings.otlp {
        Some(otlp) => exporting_provider(&settings, otlp)?,
        None => provider_without_export(),
    };
    let writer = Writer::start(io::stdout()).map_err(Error::Writer)?;
    let sink = writer.clone();
    let subscriber = subscriber(filter, &provider, move |line| sink.write(line));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::AlreadyInstalled)?;
    std::panic::set_hook(Box::new(report_panic));
    if let Some(key) = &settings.id_hash_key {
        device::set_key(key);
    }
    metrics::set_build_info(settings.service, &settings.version);
    Ok(Guard { provider, writer })
}

/// The log and the traces, each with its own filter.
pub(crate) fn subscriber(
    filter: Targets,
    provider: &SdkTracerProvider,
    write: impl Fn(String) + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    // The log takes events only: a span of a dependency that became current
    // would hide ours and its trace id.
    let printed = FilterFn::new(move |metadata: &Metadata<'_>| {
        metadata.is_event() && filter.would_enable(metadata.target(), metadata.level())
    });
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("nexy"))
        .with_context_activation(false)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(FilterFn::new(traced));
    tracing_subscriber::registry().with(DecisionLog::new(write).with_filter(printed)).with(traces)
}

/// Decisions, and spans and events of ours. Dependencies are left out: their
/// fields are theirs, and the exporter would trace itself.
fn traced(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET
        || (metadata.target().starts_with("nexy") && *metadata.level() <= tracing::Level::INFO)
}

/// Trace ids without recording, unless a caller asks for it.
pub(crate) fn provider_without_export() -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
        .build()
}

fn exporting_provider(settings: &Settings, otlp: &Otlp) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(otlp.endpoint.as_str())
        .with_timeout(otlp.timeout)
        .build()
        .map_err(|_| Error::Endpoint)?;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", settings.service),
            KeyValue::new("service.version", settings.version.clone()),
            KeyValue::new("deployment.environment.name", settings.environment.clone()),
        ])
        .build();
    let ratio = Sampler::TraceIdRatioBased(otlp.sample_ratio);
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(ratio)))
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    emit(&Panicked { location });
}

// === impl Guard ===

impl Guard {
    /// Sends the spans that have ended and writes the lines reported so far,
    /// within the deadline. What is not out by then stays queued.
    pub async fn flush(&self, deadline: Duration) {
        let both = async { tokio::join!(self.flush_spans(), self.writer.flush()) };
        // Nobody is left to be told that the collector is dead: the exporter
        // has logged it.
        let _ = tokio::time::timeout(deadline, both).await;
    }

    /// The exporter's flush blocks for up to five seconds. It has a thread of
    /// its own, because a runtime that ends waits for its blocking pool but not
    /// for threads.
    async fn flush_spans(&self) {
        let (done, finished) = oneshot::channel();
        let provider = self.provider.clone();
        let flush = move || {
            let _ = provider.force_flush();
            let _ = done.send(());
        };
        if std::thread::Builder::new().name("span-flush".to_owned()).spawn(flush).is_ok() {
            let _ = finished.await;
        }
    }
}

// === impl Panicked ===

impl Decision for Panicked {
    fn scope(&self) -> &'static str {
        "process"
    }
    fn decision(&self) -> &'static str {
        "panic"
    }
    fn level(&self) -> Level {
        Level::Error
    }
}

#[cfg(test)]
mod tests;
