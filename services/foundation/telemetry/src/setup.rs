use std::{future::pending, io, panic::PanicHookInfo, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use serde::Serialize;
use tokio::{runtime::Handle, sync::oneshot};
use tonic::transport::Channel;
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
    level,
    metrics::{self, Exporter},
    otlp::{self, Otlp, Sampling},
    writer::Writer,
};

/// What a service says about itself and where it reports.
#[derive(Clone)]
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
    /// More about who reports, in traces and exported metrics: names and values
    /// of a resource's attributes. They win over what is known already.
    pub resource: Vec<(String, String)>,
    /// Where spans and metrics go; none: spans only give trace ids.
    pub otlp: Option<Otlp>,
    /// The key of device hashes; none: random, so hashes of two processes
    /// cannot be compared.
    pub id_hash_key: Option<Vec<u8>>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `Settings::level` is neither a level nor a list of directives.
    #[error("parse log level: expected error, warn, info, debug or trace")]
    Level,
    /// The collector's address cannot be used.
    #[error("use otlp endpoint: expected http://host:port or https://host:port")]
    Endpoint,
    /// The certificates of the collector's authorities cannot be used.
    #[error("set up tls to the otlp endpoint: the certificates cannot be used")]
    Tls,
    /// A header is no metadata of gRPC.
    #[error("use otlp headers: expected name=value pairs in ascii, separated by commas")]
    Headers,
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
pub struct Guard {
    provider: SdkTracerProvider,
    exporter: Option<Exporter>,
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
    let (provider, exporter) = exports(&settings)?;
    let writer = Writer::start(io::stdout()).map_err(Error::Writer)?;
    let sink = writer.clone();
    let subscriber = subscriber(filter, &provider, move |line| sink.write(line));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::AlreadyInstalled)?;
    std::panic::set_hook(Box::new(report_panic));
    if let Some(key) = &settings.id_hash_key {
        device::set_key(key);
    }
    metrics::set_build_info(settings.service, &settings.version);
    Ok(Guard { provider, exporter, writer })
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

/// What leaves this process, all of it over one connection.
fn exports(settings: &Settings) -> Result<(SdkTracerProvider, Option<Exporter>), Error> {
    let Some(otlp) = &settings.otlp else { return Ok((provider_without_export(), None)) };
    let (channel, resource) = (otlp.channel()?, otlp::resource(settings));
    let exporter = Exporter::new(otlp, channel.clone(), &resource)?;
    let provider = match otlp.traces {
        Some(sampling) => exporting_provider(otlp, channel, resource, sampling)?,
        None => provider_without_export(),
    };
    Ok((provider, exporter))
}

fn exporting_provider(
    otlp: &Otlp,
    channel: Channel,
    resource: Resource,
    sampling: Sampling,
) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .with_metadata(otlp.headers()?.into_metadata())
        .build()
        .map_err(|_| Error::Endpoint)?;
    let ratio = Sampler::TraceIdRatioBased(sampling.ratio);
    let sampler =
        if sampling.follows_caller { Sampler::ParentBased(Box::new(ratio)) } else { ratio };
    Ok(SdkTracerProvider::builder()
        .with_sampler(sampler)
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
    /// Sends the metrics to the collector at its interval. Never ends.
    pub async fn export_metrics(&self) {
        match &self.exporter {
            Some(exporter) => exporter.run().await,
            None => pending().await,
        }
    }

    /// Sends the metrics and the spans that have ended, and writes the lines
    /// reported so far, within the deadline. What is not out by then stays
    /// queued.
    pub async fn flush(&self, deadline: Duration) {
        let exported = async { tokio::join!(self.flush_metrics(), self.flush_spans()) };
        // Nobody is left to be told that the collector is dead: the exporters
        // have logged it.
        let _ = tokio::time::timeout(deadline, exported).await;
        let _ = tokio::time::timeout(deadline, self.writer.flush()).await;
    }

    async fn flush_metrics(&self) {
        if let Some(exporter) = &self.exporter {
            exporter.export().await;
        }
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
