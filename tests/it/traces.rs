//! Traces: one for each turn, and no harm when nobody collects them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use nexy_testkit::{
    chat_server::Script,
    stack::{Process, Stack, free_port, question},
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::{net::TcpListener, task::JoinSet};
use tonic::transport::server::TcpIncoming;

use crate::support::{Call, Fakes, SOON, ask, ask_with, assert_whole, eventually, http, interrupt};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A real receiver of OTLP.
struct Sink {
    grpc: String,
    pages: String,
    _process: Process,
}

impl Sink {
    async fn start() -> anyhow::Result<Self> {
        let (grpc, pages) = (free_port()?, free_port()?);
        let (grpc, pages) = (format!("127.0.0.1:{grpc}"), format!("127.0.0.1:{pages}"));
        let arguments = ["otlp-sink", "--listen", &grpc, "--http", &pages];
        let process = Process::spawn("nexyctl", &arguments, &[])?;
        process.wait_for("decision=listening", SOON).await?;
        Ok(Self { grpc, pages, _process: process })
    }
}

/// From the first to the last moment of the call to the worker, in nanoseconds.
fn lasted(spans: &[serde_json::Value], service: &str) -> Option<u64> {
    let of = |span: &&serde_json::Value| {
        span["service"] == service && span["name"] == "nexy.worker.v1.Worker/Respond"
    };
    let span = spans.iter().find(of)?;
    span["end_ns"].as_u64()?.checked_sub(span["start_ns"].as_u64()?)
}

#[tokio::test]
async fn one_trace_shows_a_turn_through_gateway_and_worker() -> anyhow::Result<()> {
    let Sink { grpc, pages, .. } = &Sink::start().await?;
    let fakes = Fakes::saying(Script::text(["I am well."])).await?;
    let builder = fakes.stack().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{grpc}"));
    let mut stack = builder.start().await?;

    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let asked = question("device-1", "How are you?");
    let reply = ask_with(&stack, asked, &[("traceparent", &parent)]).await?;
    assert_whole(&reply);
    assert_eq!(reply.trailer("nexy-trace-id"), Some(TRACE));
    let logged = stack.decisions()?;
    let turn = logged.iter().find(|line| line.decision == "complete").context("an end line")?;
    assert_eq!(turn.text("trace_id"), Some(TRACE));

    // Leaving flushes what has not been exported yet.
    for process in [&mut stack.gateway, &mut stack.worker] {
        let process = process.as_mut().context("a process")?;
        process.signal("TERM")?;
        assert!(process.wait_exit(SOON).await?.success());
    }
    let client = http()?;
    let url = format!("http://{pages}/traces/{TRACE}");
    let mut spans = Vec::new();
    eventually("the trace has spans of both services", async || {
        let answer = client.get(&url).send().await?;
        if !answer.status().is_success() {
            return Ok(false);
        }
        let trace: serde_json::Value = answer.json().await?;
        spans = trace["spans"].as_array().cloned().unwrap_or_default();
        let has = |service: &str| spans.iter().any(|span| span["service"] == service);
        Ok(has("nexy-gateway") && has("nexy-worker"))
    })
    .await?;
    let text = serde_json::to_string(&spans)?;
    let named = |name: &str| spans.iter().any(|span| span["name"] == name);
    for name in [
        "streaming.StreamingService/StreamAudio",
        "admission",
        "nexy.worker.v1.Worker/Respond",
        "memory",
        "llm",
        "tts",
        "delivery",
    ] {
        assert!(named(name), "no span is named {name}: {text}");
    }
    // The call lasts on the gateway's side for at least as long as on the worker's.
    assert!(lasted(&spans, "nexy-gateway") >= lasted(&spans, "nexy-worker"), "{text}");
    for event in ["first text", "first audio"] {
        assert!(text.contains(&format!("\"name\":\"{event}\"")), "no {event}: {text}");
    }
    for secret in ["How are you", "I am well", "device-1", "key-of-the-model"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // The same way, what they counted.
    let told = client.get(format!("http://{pages}/metrics.json")).send().await?;
    let told: serde_json::Value = told.json().await?;
    assert_eq!(told["nexy-gateway"]["nexy_time_to_first_audio_seconds"], 1.0, "{told}");
    assert_eq!(told["nexy-worker"]["nexy_own_overhead_seconds"], 1.0, "{told}");
    let ids: Vec<_> = spans.iter().map(|span| &span["span_id"]).collect();
    let orphans = spans.iter().filter(|span| !ids.contains(&&span["parent"])).count();
    assert_eq!(orphans, 1, "only the turn has a parent outside: {text}");
    Ok(())
}

#[tokio::test]
async fn an_interrupt_is_an_event_of_the_turn_that_it_stopped() -> anyhow::Result<()> {
    let Sink { grpc, pages, .. } = &Sink::start().await?;
    let endless = Script::endless("Word. ", Duration::from_millis(10));
    let fakes = Fakes::saying(endless).await?;
    let builder = fakes.stack().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{grpc}"));
    let mut stack = builder.start().await?;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let asked = question("device-1", "Go on");
    let mut client = stack.client().await?;
    let mut call = Call::of(&mut client, asked, &[("traceparent", &parent)]).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    assert!(interrupt(&stack, "device-1").await?.success);
    call.rest().await?;

    let gateway = stack.gateway.as_mut().context("a process")?;
    gateway.signal("TERM")?;
    assert!(gateway.wait_exit(SOON).await?.success());
    let url = format!("http://{pages}/traces/{TRACE}");
    eventually("the turn tells of the interrupt", async || {
        let answer = http()?.get(&url).send().await?;
        let trace: serde_json::Value = answer.json().await.unwrap_or_default();
        let spans = trace["spans"].as_array().cloned().unwrap_or_default();
        let turn = spans.iter().find(|span| span["attributes"]["rpc.method"] == "StreamAudio");
        Ok(turn.is_some_and(|turn| {
            turn["events"]
                .as_array()
                .is_some_and(|events| events.iter().any(|event| event["name"] == "interrupt"))
        }))
    })
    .await
}

/// Answers every export with an error.
struct Broken;

#[tonic::async_trait]
impl TraceService for Broken {
    async fn export(
        &self,
        _request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        Err(tonic::Status::resource_exhausted("no room"))
    }
}

#[tokio::test]
async fn a_collector_that_is_dead_costs_nothing() -> anyhow::Result<()> {
    costs_nothing(&format!("http://127.0.0.1:{}", free_port()?)).await
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_nothing() -> anyhow::Result<()> {
    // The kernel accepts the connection.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    costs_nothing(&format!("http://{}", silent.local_addr()?)).await
}

#[tokio::test]
async fn a_collector_that_refuses_everything_costs_nothing() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let serving = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Broken))
        .serve_with_incoming(TcpIncoming::from(listener));
    // Its task ends with the set.
    let mut tasks = JoinSet::new();
    tasks.spawn(serving);
    costs_nothing(&endpoint).await
}

async fn costs_nothing(endpoint: &str) -> anyhow::Result<()> {
    let builder = Stack::builder()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_METRIC_EXPORT_INTERVAL", "200");
    let mut stack = builder.start().await?;
    for _ in 0..5 {
        let began = Instant::now();
        let reply = ask(&stack, question("device-1", "Bye")).await?;
        assert_whole(&reply);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
    for process in [&mut stack.gateway, &mut stack.worker, &mut stack.update] {
        let process = process.as_mut().context("a process")?;
        let began = Instant::now();
        process.signal("TERM")?;
        assert!(process.wait_exit(SOON).await?.success());
        assert!(began.elapsed() < Duration::from_secs(3), "left after {:?}", began.elapsed());
    }
    stack.stop(&["dependency_log", "metrics_export_failed", "worker_state"]).await
}
