//! The processes themselves: starting, being wrong, losing each other, leaving.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nexy_testkit::{
    chat_server::Script,
    stack::{Line, Process, Stack, question},
};
use serde_json::json;
use tonic::Code;

use crate::support::{
    AT_ONCE, Call, Fakes, SOON, ask, assert_refused, assert_whole, eventually, gateway_json, http,
    interrupt, run,
};

const SERVICES: [&str; 3] = ["nexy-gateway", "nexy-worker", "nexy-update"];

fn variables(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn ten_mistakes_are_reported_at_once() -> anyhow::Result<()> {
    let mistakes = [
        ("NEXY_ENV", "production", "env"),
        ("GRPC_PORT", "70000", "grpc.port"),
        ("BACKPRESSURE_MAX_STREAMS", "0", "backpressure.max_concurrent_streams"),
        ("BACKPRESSURE_IDLE_TIMEOUT", "soon", "backpressure.idle_timeout_seconds"),
        ("STREAMING_CHUNK_SIZE", "4095", "audio.streaming_chunk_size"),
        ("TTS_PROVIDERS", "espeak,festival", "tts.providers"),
        ("LLM_PROVIDERS", "openai", "llm.providers"),
        ("SERVER_TIMEZONE", "Mars/Olympus", "server.timezone"),
        ("ACTIONS_TRANSPORT", "pigeon", "actions.transport"),
        ("NEXY_ADMIN_TOKN", "hunter2", "NEXY_ADMIN_TOKN"),
    ];
    let rows = mistakes.map(|(name, value, _)| (name, value));
    for service in SERVICES {
        let (code, lines) = run(service, &["--check-config"], &variables(&rows)).await?;
        assert_eq!(code, 64, "{service}: {lines:#?}");
        for (_, _, key) in mistakes {
            let prefix = format!("{key}: ");
            assert!(lines.iter().any(|line| line.starts_with(&prefix)), "{key} in {lines:#?}");
        }
        assert_eq!(lines.len(), mistakes.len(), "{service}: {lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("hunter2")), "it may be a secret");
        let (code, lines) = run(service, &["--check-config"], &[]).await?;
        assert_eq!((code, lines.len()), (0, 0), "{service}: {lines:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_in_the_overlay_keeps_a_service_from_starting() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let overlay = folder.path().join("nexy.yaml");
    std::fs::write(&overlay, "grpc: {prot: 1}\nhttp: {port: maybe}\n")?;
    let overlay = overlay.display().to_string();
    for service in SERVICES {
        let (code, lines) = run(service, &[], &variables(&[("NEXY_CONFIG", &overlay)])).await?;
        assert_eq!(code, 64, "{service}: {lines:#?}");
        let lines: Vec<Line> =
            lines.iter().map(|line| Line::parse(line)).collect::<Result<_, _>>()?;
        assert!(lines.iter().all(|line| line.decision == "config_invalid"), "{lines:#?}");
        let told =
            lines.iter().filter_map(|line| line.text("problem")).collect::<Vec<_>>().join("\n");
        assert!(told.contains("nexy.yaml: grpc.prot") && told.contains("http.port"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let rows = [
        ("nexy-gateway", "GRPC_PORT", "grpc.port"),
        ("nexy-gateway", "HTTP_PORT", "http.port"),
        ("nexy-worker", "WORKER_PORT", "worker.port"),
        ("nexy-worker", "WORKER_HTTP_PORT", "worker.http_port"),
        ("nexy-update", "UPDATE_PORT", "update.port"),
        ("nexy-update", "UPDATE_GRPC_PORT", "update.grpc_port"),
    ];
    let stack = Stack::builder().without_worker().start().await?;
    let mut environment = stack.environment().to_vec();
    drop(stack);
    for (service, variable, key) in rows {
        environment.push((variable.to_owned(), port.clone()));
        let (code, lines) = run(service, &[], &environment).await?;
        environment.pop();
        assert_eq!(code, 69, "{service}: {lines:#?}");
        let last = Line::parse(lines.last().context("a line")?)?;
        let reason = last.text("reason").context("a reason")?;
        assert_eq!((last.level.as_str(), last.decision.as_str()), ("ERROR", "start_failed"));
        assert!(reason.contains(key) && reason.contains(&port), "{reason}");
        assert!(reason.contains("in use"), "{reason}");
    }
    Ok(())
}

#[tokio::test]
async fn a_service_that_cannot_report_as_told_says_why_and_does_not_start() -> anyhow::Result<()> {
    let stack = Stack::builder().without_worker().start().await?;
    let mut environment = stack.environment().to_vec();
    drop(stack);
    let nowhere = "/nowhere/authorities.pem";
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", nowhere),
    ] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    let (code, lines) = run("nexy-gateway", &[], &environment).await?;
    assert_eq!(code, 69, "{lines:#?}");
    let last = Line::parse(lines.last().context("a line")?)?;
    assert_eq!((last.level.as_str(), last.decision.as_str()), ("ERROR", "start_failed"));
    let reason = last.text("reason").context("a reason")?;
    assert!(reason.contains("telemetry.otlp_certificate"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn every_process_is_soon_healthy_and_says_so() -> anyhow::Result<()> {
    let mut stack = Stack::builder().start().await?;
    let environment = stack.environment().to_vec();
    let ports = stack.ports;
    let parts = [
        ("nexy-update", ports.update_http, stack.update.take()),
        ("nexy-worker", ports.worker_http, stack.worker.take()),
        ("nexy-gateway", ports.gateway_http, stack.gateway.take()),
    ];
    let mut running = Vec::new();
    for (service, port, before) in parts {
        before.context("it runs")?.kill();
        assert_eq!(run(service, &["--healthcheck"], &environment).await?.0, 1, "{service}");
        let began = Instant::now();
        running.push(Process::spawn(service, &[], &environment)?);
        let url = format!("http://127.0.0.1:{port}/health");
        eventually("healthy", async || {
            Ok(http()?.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()))
        })
        .await?;
        println!("{service} is healthy after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(5), "{service}: {:?}", began.elapsed());
        let (code, lines) = run(service, &["--healthcheck"], &environment).await?;
        assert_eq!((code, lines.len()), (0, 0), "{service}: {lines:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_gateway_without_a_worker_says_so_at_once_and_recovers() -> anyhow::Result<()> {
    let mut stack = Stack::builder().without_worker().start().await?;
    let began = Instant::now();
    let reply = ask(&stack, question("device-1", "Bye")).await?;
    assert_refused(&reply, Code::Unavailable, "unavailable");
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    let ready = format!("http://127.0.0.1:{}/ready", stack.ports.gateway_http);
    assert_eq!(http()?.get(&ready).send().await?.status(), 503);
    // Gone for a moment is not sick.
    assert_eq!(gateway_json(&stack, "/health").await?["status"], "OK");

    stack.start_worker().await?;
    stack.wait_ready().await?;
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_worker_that_dies_takes_only_its_turns_with_it() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(20))).await?;
    let mut stack = fakes.stack().env("WORKER_UNREADY_GRACE_SECONDS", "1").start().await?;
    let mut call = Call::ask(&stack, question("device-1", "Talk")).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    stack.worker.take().context("a worker")?.kill();
    let reply = call.end().await?;
    assert_refused(&reply, Code::Unavailable, "unavailable");
    assert_eq!(gateway_json(&stack, "/health").await?["status"], "OK");
    assert!(!interrupt(&stack, "device-1").await?.success);

    eventually("health tells of it after the grace", async || {
        Ok(gateway_json(&stack, "/health").await?["status"] == "unhealthy")
    })
    .await?;
    stack.start_worker().await?;
    stack.wait_ready().await?;
    fakes.chat.state().set_default(Script::text(["Back again."]));
    assert_whole(&ask(&stack, question("device-1", "Are you back?")).await?);
    assert_eq!(gateway_json(&stack, "/health").await?["status"], "OK");
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn answers_go_on_without_the_update_server() -> anyhow::Result<()> {
    let builder = Stack::builder().env("UPDATE_LATEST_CACHE_TTL_SECONDS", "1");
    let mut stack = builder.start().await?;
    assert_eq!(gateway_json(&stack, "/health").await?["latest_version"], json!(null));
    let manifests = stack.data_dir().join("updates/manifests");
    std::fs::create_dir_all(&manifests)?;
    let manifest = json!({
        "version": "2.0.0.32", "build": "2.0.0.32",
        "artifact": {
            "type": "dmg", "url": "https://example.com/Nexy-2.0.0.32.dmg", "size": 1_000_000,
            "sha256": "ab".repeat(32), "arch": "universal2", "min_os": "11.0",
        },
        "critical": false, "auto_install": true,
        "notes_url": "https://example.com/notes",
        "release_date": "2026-02-26T19:57:35+00:00",
    });
    std::fs::write(manifests.join("manifest.json"), manifest.to_string())?;
    eventually("the release is known", async || {
        Ok(gateway_json(&stack, "/health").await?["latest_version"] == "2.0.0.32")
    })
    .await?;
    let health = gateway_json(&stack, "/health").await?;
    let expected = json!({
        "status": "OK", "version": "1.2.3", "build": "test",
        "latest_version": "2.0.0.32", "latest_build": "2.0.0.32",
    });
    assert_eq!(health, expected);

    stack.update.take().context("an update server")?.kill();
    eventually("nothing is invented", async || {
        Ok(gateway_json(&stack, "/health").await?["latest_version"] == json!(null))
    })
    .await?;
    assert_eq!(gateway_json(&stack, "/health").await?["status"], "OK");
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);
    stack.stop(&[]).await
}

/// The phases of the way out.
fn phases(process: &Process) -> anyhow::Result<Vec<String>> {
    let lines = process.lines();
    let lines = lines.iter().map(|line| Line::parse(line)).collect::<anyhow::Result<Vec<_>>>()?;
    let snapshot = lines.iter().rposition(|line| line.decision == "metrics_snapshot");
    let closed = lines.iter().rposition(|line| line.text("phase") == Some("closed"));
    assert!(snapshot.is_some() && snapshot < closed, "no final aggregate: {lines:#?}");
    let phases = lines.iter().filter(|line| line.decision == "shutdown");
    Ok(phases.filter_map(|line| line.text("phase").map(str::to_owned)).collect())
}

/// Speaks for about a second.
fn story() -> Script {
    let sentences = (1..=20).map(|number| format!("This is sentence number {number}. "));
    Script::text(sentences).token_delay(Duration::from_millis(50))
}

#[tokio::test]
async fn a_process_that_is_told_to_leave_finishes_its_turn() -> anyhow::Result<()> {
    for part in ["nexy-gateway", "nexy-worker"] {
        let fakes = Fakes::saying(story()).await?;
        let mut stack = fakes.stack().start().await?;
        let mut call = Call::ask(&stack, question("device-1", "Tell me a story")).await?;
        call.until(|reply| !reply.chunks.is_empty()).await?;
        let leaving = if part == "nexy-gateway" { &mut stack.gateway } else { &mut stack.worker };
        let mut leaving = leaving.take().context("a process")?;
        leaving.signal("TERM")?;
        let reply = call.rest().await?;
        assert_whole(&reply);
        assert!(reply.text().ends_with("sentence number 20."), "{part}: {}", reply.text());
        let began = Instant::now();
        assert_eq!(leaving.wait_exit(SOON).await?.code(), Some(0), "{part}");
        assert!(began.elapsed() < Duration::from_secs(2), "{part}: {:?}", began.elapsed());
        assert_eq!(phases(&leaving)?, ["drain", "drained", "closed"], "{part}");
        stack.stop(&["worker_state"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_leaving_gateway_takes_no_new_turn_and_is_not_healthy() -> anyhow::Result<()> {
    let fakes = Fakes::saying(story()).await?;
    let stack = fakes.stack().start().await?;
    let mut waiting = Call::open(&stack).await?;
    let mut call = Call::ask(&stack, question("device-1", "Tell me a story")).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    let gateway = stack.gateway.as_ref().context("a gateway")?;
    gateway.signal("TERM")?;
    gateway.wait_for("\"phase\":\"drain\"", SOON).await?;
    waiting.half_close();
    let idle = waiting.end().await?;
    let health = format!("http://127.0.0.1:{}/health", stack.ports.gateway_http);
    let answer = http()?.get(&health).send().await?;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.text().await?.contains("shutting down"));
    assert!(matches!(idle.code(), Code::Ok | Code::Unavailable), "{:?}", idle.status);
    assert_whole(&call.rest().await?);
    stack.stop(&[]).await
}

#[tokio::test]
async fn what_still_runs_after_the_drain_is_cut_and_the_exit_is_a_success() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(20))).await?;
    for (drain, signals) in [("1", 1), ("30", 2)] {
        let mut stack = fakes.stack().env("SERVER_DRAIN_SECONDS", drain).start().await?;
        let mut call = Call::ask(&stack, question("device-1", "Talk")).await?;
        call.until(|reply| !reply.chunks.is_empty()).await?;
        let gateway = stack.gateway.as_mut().context("a gateway")?;
        let began = Instant::now();
        gateway.signal("TERM")?;
        if signals == 2 {
            gateway.wait_for("\"phase\":\"drain\"", SOON).await?;
            gateway.signal("TERM")?;
        }
        let reply = call.end().await?;
        assert_refused(&reply, Code::Unavailable, "unavailable");
        assert_eq!(gateway.wait_exit(SOON).await?.code(), Some(0));
        let elapsed = began.elapsed().as_secs_f64();
        let expected = if signals == 1 { 0.9..2.5 } else { 0.0..1.5 };
        assert!(expected.contains(&elapsed), "{signals} signals: {elapsed} s");
        assert_eq!(phases(gateway)?, ["drain", "force", "cut", "closed"]);
        stack.stop(&[]).await?;
    }
    Ok(())
}
