//! Flags that change while the product runs: by the overlay file, by a signal,
//! and over the admin routes.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nexy_testkit::{
    chat_server::Script,
    stack::{Line, Process, Stack, question},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::Code;

use crate::support::{
    Fakes, SOON, ask, assert_refused, assert_whole, eventually, gateway_json, http, run,
};

const TOKEN: &str = "a-token-of-the-tests";
const STOP: &str = "disable_module_coordinator";

/// An overlay file of all services.
struct Overlay {
    _folder: TempDir,
    path: PathBuf,
}

// === impl Overlay ===

impl Overlay {
    fn new(yaml: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("nexy.yaml");
        std::fs::write(&path, yaml)?;
        Ok(Self { _folder: folder, path })
    }

    fn write(&self, yaml: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(&self.path, yaml)?)
    }

    fn variable(&self) -> String {
        self.path.display().to_string()
    }
}

fn gateway(stack: &Stack) -> anyhow::Result<&Process> {
    stack.gateway.as_ref().context("a gateway")
}

fn lines(process: &Process, decision: &str) -> anyhow::Result<Vec<Line>> {
    let lines: Vec<Line> =
        process.lines().iter().map(|line| Line::parse(line)).collect::<anyhow::Result<_>>()?;
    Ok(lines.into_iter().filter(|line| line.decision == decision).collect())
}

/// Status and JSON of a request to an internal HTTP port.
async fn admin(
    port: u16,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> anyhow::Result<(StatusCode, Value)> {
    let request = http()?.request(method, format!("http://127.0.0.1:{port}{path}"));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let answer = request.body(body.to_owned()).send().await?;
    Ok((answer.status(), answer.json().await.unwrap_or_default()))
}

#[tokio::test]
async fn an_edit_of_the_overlay_file_holds_within_about_a_second() -> anyhow::Result<()> {
    let overlay = Overlay::new("features: {use_fallback_manager: true}")?;
    let stack = Stack::builder().env("NEXY_CONFIG", overlay.variable()).start().await?;
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);
    let processes = [gateway(&stack)?, stack.worker.as_ref().context("a worker")?];

    let began = Instant::now();
    overlay.write("kill_switches: {disable_module_coordinator: true}")?;
    for process in processes {
        process.wait_for("decision=flag_changed", SOON).await?;
        println!("after {:?}", began.elapsed());
    }
    // Two looks, each half a second after the other, on a machine that may be busy.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let refused = ask(&stack, question("device-1", "Bye")).await?;
    assert_refused(&refused, Code::Unavailable, "unavailable");
    assert_eq!(gateway_json(&stack, "/status").await?["kill_switches"][STOP], true);

    // One bad key, and nothing of the file holds.
    overlay.write("kill_switches: {disable_module_coordinator: false}\ngrpc: {prot: 1}")?;
    for process in processes {
        process.wait_for("\"accepted\":false", SOON).await?;
        let reloads = lines(process, "config_reloaded")?;
        let last = reloads.last().context("a reload")?;
        assert_eq!((last.level.as_str(), last.text("cause")), ("WARN", Some("file")));
        assert!(last.ctx["problems"].to_string().contains("grpc.prot"), "{last:?}");
    }
    let refused = ask(&stack, question("device-1", "Bye")).await?;
    assert_refused(&refused, Code::Unavailable, "unavailable");

    overlay.write("")?;
    eventually("answered again", async || {
        Ok(ask(&stack, question("device-1", "Bye")).await?.is_complete())
    })
    .await?;
    stack.stop(&["config_reloaded", "error"]).await
}

#[tokio::test]
async fn a_signal_reloads_where_files_are_not_watched() -> anyhow::Result<()> {
    let overlay = Overlay::new("")?;
    let stack = Stack::builder()
        .env("NEXY_CONFIG", overlay.variable())
        .env("CONFIG_WATCH_INTERVAL_MS", "0")
        .start()
        .await?;
    overlay.write("features: {forward_assistant_actions: {percent: 25}}")?;
    let gateway = gateway(&stack)?;
    gateway.signal("HUP")?;
    gateway.wait_for("decision=config_reloaded", SOON).await?;
    let changed = lines(gateway, "flag_changed")?;
    let expected = json!({
        "name": "features.forward_assistant_actions", "from": "false", "to": "25%", "cause": "signal",
    });
    assert_eq!(changed.iter().map(|line| &line.ctx).collect::<Vec<_>>(), [&expected]);
    let flags = gateway_json(&stack, "/status").await?["flags"].clone();
    assert_eq!(flags["forward_assistant_actions"], json!({ "percent": 25 }));
    // Nobody told the worker.
    let worker = stack.worker.as_ref().context("a worker")?;
    assert_eq!(lines(worker, "config_reloaded")?, []);
    stack.stop(&[]).await
}

#[tokio::test]
async fn admin_routes_are_there_for_those_with_the_token_only() -> anyhow::Result<()> {
    let path = format!("/admin/flags/{STOP}");
    let stack = Stack::builder().start().await?;
    let ports = [stack.ports.gateway_http, stack.ports.worker_http];
    for port in ports {
        for path in ["/admin/flags", &path] {
            let answer = admin(port, Method::GET, path, Some(TOKEN), "").await?;
            assert_eq!(answer, (StatusCode::NOT_FOUND, Value::Null), "{path}");
        }
    }
    stack.stop(&[]).await?;

    let stack = Stack::builder().env("NEXY_ADMIN_TOKEN", TOKEN).start().await?;
    let ports = [stack.ports.gateway_http, stack.ports.worker_http];
    for port in ports {
        for token in [None, Some("a-token-of-the-test"), Some("another-token-of-the-tests")] {
            let answer = admin(port, Method::PUT, &path, token, "true").await?;
            assert_eq!(answer.0, StatusCode::UNAUTHORIZED, "{token:?}");
            let answer = admin(port, Method::GET, "/admin/flags", token, "").await?;
            assert_eq!(answer.0, StatusCode::UNAUTHORIZED, "{token:?}");
        }
        let (status, list) = admin(port, Method::GET, "/admin/flags", Some(TOKEN), "").await?;
        assert_eq!((status, list["flags"].as_array().map(Vec::len)), (StatusCode::OK, Some(7)));
    }
    let update =
        admin(stack.ports.update_http, Method::GET, "/admin/flags", Some(TOKEN), "").await?;
    assert_eq!(update.0, StatusCode::NOT_FOUND, "it has no flags");
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);

    let port = stack.ports.gateway_http;
    let (status, row) = admin(port, Method::PUT, &path, Some(TOKEN), "true").await?;
    assert_eq!((status, &row["value"]), (StatusCode::OK, &json!(true)));
    let refused = ask(&stack, question("device-1", "Bye")).await?;
    assert_refused(&refused, Code::Unavailable, "unavailable");
    let (_, row) = admin(port, Method::DELETE, &path, Some(TOKEN), "").await?;
    assert_eq!((&row["value"], &row["is_set"]), (&json!(false), &json!(false)));
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);

    for process in [gateway(&stack)?, stack.worker.as_ref().context("a worker")?] {
        let text = process.lines().join("\n");
        assert!(!text.contains(TOKEN), "{text}");
        assert_eq!(lines(process, "admin_denied")?.len(), 1);
    }
    assert_eq!(lines(gateway(&stack)?, "flag_changed")?.len(), 2);
    stack.stop(&["admin_denied", "error"]).await
}

#[tokio::test]
async fn operators_set_flags_of_all_services_by_one_command() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Yes."])).await?;
    let overlay = Overlay::new("")?;
    let stack = fakes
        .stack()
        .env("NEXY_ADMIN_TOKEN", TOKEN)
        .env("NEXY_CONFIG", overlay.variable())
        .start()
        .await?;
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let (gateway_url, worker_url) = (url(stack.ports.gateway_http), url(stack.ports.worker_http));
    let everywhere = ["--gateway", &gateway_url, "--worker", &worker_url, "--plain"];
    let nexyctl = async |arguments: &[&str], token: &str| {
        let arguments: Vec<&str> =
            ["flags"].iter().chain(arguments).chain(&everywhere).copied().collect();
        let token = [("NEXY_ADMIN_TOKEN".to_owned(), token.to_owned())];
        run("nexyctl", &arguments, &token).await.map(|(code, lines)| (code, lines.join("\n")))
    };

    // Memory and actions, which the worker decides.
    let set = ["set", "use_workflow_integrations", "25%", "--by", "Нина", "--reason", "ramp"];
    let (code, text) = nexyctl(&set, TOKEN).await?;
    let is_now = "features.use_workflow_integrations is 25%. Configured: on.";
    assert_eq!((code, text), (0, format!("{gateway_url}: {is_now}\n{worker_url}: {is_now}")));
    for process in [gateway(&stack)?, stack.worker.as_ref().context("a worker")?] {
        let expected = json!({
            "name": "features.use_workflow_integrations", "from": "true", "to": "25%",
            "cause": "set", "by": "Нина", "reason": "ramp",
        });
        let changed = lines(process, "flag_changed")?;
        assert_eq!(changed.iter().map(|line| &line.ctx).collect::<Vec<_>>(), [&expected]);
        // What was set outlives what the file says.
        overlay.write("features: {use_workflow_integrations: false}")?;
        process.wait_for("decision=config_reloaded", SOON).await?;
    }
    let (code, json) = nexyctl(&["list", "--json"], TOKEN).await?;
    let json: Value = serde_json::from_str(&json)?;
    let of = |service: usize| json["services"][service]["flags"][1].clone();
    let row = json!({
        "name": "features.use_workflow_integrations",
        "value": { "percent": 25 }, "configured": false, "is_set": true,
    });
    assert_eq!((code, of(0), of(1)), (0, row.clone(), row), "{json}");
    let (code, text) = nexyctl(&["reset", "use_workflow_integrations"], TOKEN).await?;
    let is_now = "features.use_workflow_integrations is off, as configured.";
    assert_eq!((code, text), (0, format!("{gateway_url}: {is_now}\n{worker_url}: {is_now}")));

    let (code, text) = nexyctl(&["set", "use_nothing", "on"], TOKEN).await?;
    assert_eq!((code, text.matches("there is no such flag").count()), (1, 2), "{text}");
    let (code, text) = nexyctl(&["list"], "a-token-that-is-wrong").await?;
    assert_eq!((code, text.matches("the admin token is missing or wrong").count()), (1, 2));
    assert!(!text.contains("a-token-that-is-wrong"), "{text}");
    let (code, text) = nexyctl(&["list"], "").await?;
    assert_eq!((code, text.contains("NEXY_ADMIN_TOKEN_FILE")), (2, true), "{text}");
    assert_whole(&ask(&stack, question("device-1", "Hello")).await?);
    stack.stop(&["admin_denied"]).await
}

#[tokio::test]
async fn the_worker_obeys_a_flag_from_the_next_turn_on() -> anyhow::Result<()> {
    // The first model is broken, so that whether another is asked can be told.
    let fakes = Fakes::saying(Script::status(500, "server_error")).await?;
    let stack = fakes
        .stack()
        .env("NEXY_ADMIN_TOKEN", TOKEN)
        .env("LLM_PROVIDERS", "openai,offline")
        .env("CIRCUIT_BREAKER_THRESHOLD", "100")
        .start()
        .await?;
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);
    let path = "/admin/flags/features.use_fallback_manager";
    let port = stack.ports.worker_http;
    assert_eq!(admin(port, Method::PUT, path, Some(TOKEN), "false").await?.0, StatusCode::OK);
    let reply = ask(&stack, question("device-1", "Bye")).await?;
    assert!(reply.status.is_some() && !reply.is_complete(), "{:?}", reply.outline);
    assert_eq!(admin(port, Method::DELETE, path, Some(TOKEN), "").await?.0, StatusCode::OK);
    assert_whole(&ask(&stack, question("device-1", "Bye")).await?);
    stack.stop(&["retry", "error"]).await
}
