//! `nexyctl otlp-sink`: a small store of traces, for machines without a real one.
//!
//! Receives spans and metrics over OTLP/gRPC, keeps the newest of them in memory and
//! shows them as JSON and as text. What it holds is lost when it ends.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use nexy_runtime::signals::{Signal, Signals};
use nexy_telemetry::{Decision, emit};
use opentelemetry_proto::tonic::collector::{
    metrics::v1::metrics_service_server::MetricsServiceServer,
    trace::v1::trace_service_server::TraceServiceServer,
};
use serde::Serialize;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::TcpIncoming};

use self::{receiver::Receiver, store::Store};

mod numbers;
mod pages;
mod receiver;
mod span;
mod store;
#[cfg(test)]
mod tests;
mod tree;

/// Receive traces and metrics and show them
///
/// A stand-in for a trace store: takes OTLP over gRPC, keeps the newest spans and
/// metrics in memory, and answers `/traces`, `/traces/ID` (`?format=text` for people),
/// `/metrics.json` and `/health` over HTTP. `nexyctl traces` shows what it has.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to receive OTLP over gRPC.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    listen: SocketAddr,
    /// Where to show what was received.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    http: SocketAddr,
    /// How many spans to keep; older ones are forgotten.
    #[arg(long, value_name = "SPANS", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
}

/// How long running requests may take to end, and the log to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The start-up banner.
#[derive(Debug, Serialize)]
struct Listening {
    service: &'static str,
    grpc: SocketAddr,
    http: SocketAddr,
}

/// The way out.
#[derive(Debug, Serialize)]
struct Leaving {
    signal: &'static str,
}

/// # Errors
/// When a port cannot be bound or a server breaks.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let guard = nexy_telemetry::init(nexy_telemetry::Settings {
        service: "nexy-otlp-sink",
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: String::new(),
        level: "info".to_owned(),
        resource: Vec::new(),
        otlp: None,
        id_hash_key: None,
    })
    .context("start the decision log")?;
    let mut signals = Signals::install().context("take over the signals")?;
    let grpc = bind(args.listen).await?;
    let http = bind(args.http).await?;
    emit(&Listening {
        service: "nexy-otlp-sink",
        grpc: grpc.local_addr()?,
        http: http.local_addr()?,
    });
    let stop = CancellationToken::new();
    let keep = usize::try_from(args.keep).context("use the number of spans")?;
    let serving = serve(grpc, http, Arc::new(Store::new(keep)), stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        biased;
        // Asked to leave: nothing here is worth a long wait.
        signal = leaving(&mut signals) => {
            emit(&Leaving { signal: signal.as_str() });
            stop.cancel();
            let _in_time = timeout(LAST_WORDS, serving).await;
        }
        // Ends unasked only when a server breaks.
        result = &mut serving => result?,
    }
    guard.flush(LAST_WORDS).await;
    Ok(ExitCode::SUCCESS)
}

/// Both doors, until the token is cancelled.
async fn serve(
    grpc: TcpListener,
    http: TcpListener,
    store: Arc<Store>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut servers = JoinSet::new();
    let receiver = Receiver::new(Arc::clone(&store));
    let received = Server::builder()
        .add_service(TraceServiceServer::new(receiver.clone()))
        .add_service(MetricsServiceServer::new(receiver))
        .serve_with_incoming_shutdown(TcpIncoming::from(grpc), stop.clone().cancelled_owned());
    servers.spawn(async move { received.await.context("receive OTLP") });
    let pages = axum::serve(http, pages::router(store))
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    servers.spawn(async move { pages.await.context("serve HTTP") });
    while let Some(ended) = servers.join_next().await {
        ended.context("serve")??;
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))
}

async fn leaving(signals: &mut Signals) -> Signal {
    loop {
        match signals.recv().await {
            // There is nothing to read again.
            Signal::Hangup => {}
            signal @ (Signal::Terminate | Signal::Interrupt) => return signal,
        }
    }
}

// === impl Listening ===

impl Decision for Listening {
    fn scope(&self) -> &'static str {
        "otlp_sink"
    }
    fn decision(&self) -> &'static str {
        "listening"
    }
}

// === impl Leaving ===

impl Decision for Leaving {
    fn scope(&self) -> &'static str {
        "otlp_sink"
    }
    fn decision(&self) -> &'static str {
        "shutdown"
    }
}
