//! Traces: one for each turn, and no harm when nobody collects them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use nexy_testkit::stack::{Process, Stack, free_port, question};

use crate::support::{SOON, ask, ask_with, assert_whole, eventually, http};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn one_trace_shows_a_turn_through_gateway_and_worker() -> anyhow::Result<()> {
    let (grpc, pages) = (free_port()?, free_port()?);
    let (grpc, pages) = (format!("127.0.0.1:{grpc}"), format!("127.0.0.1:{pages}"));
    let sink = ["otlp-sink", "--listen", &grpc, "--http", &pages];
    let sink = Process::spawn("nexyctl", &sink, &[])?;
    sink.wait_for("decision=listening", SOON).await?;
    let builder = Stack::builder().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{grpc}"));
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
    for name in ["memory", "llm", "tts"] {
        assert!(text.contains(name), "no span names {name}: {text}");
    }
    assert!(!text.contains("How are you") && !text.contains("device-1"), "{text}");
    let ids: Vec<_> = spans.iter().map(|span| &span["span_id"]).collect();
    let orphans = spans.iter().filter(|span| !ids.contains(&&span["parent"])).count();
    assert_eq!(orphans, 1, "only the turn has a parent outside: {text}");
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_dead_costs_nothing() -> anyhow::Result<()> {
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    let builder = Stack::builder().env("OTEL_EXPORTER_OTLP_ENDPOINT", nobody);
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
    stack.stop(&["dependency_log", "telemetry_export_failed", "worker_state"]).await
}
