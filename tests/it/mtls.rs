//! The services prove to one another who they are.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use nexy_proto::streaming::streaming_service_client::StreamingServiceClient;
use nexy_testkit::{
    chat_server::Script,
    stack::{Process, Stack, internal_tls, make_certificates, question},
};
use serde_json::Value;
use tonic::{
    Code,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};

use crate::support::{Call, Fakes, SOON, assert_whole, eventually, http};

async fn status(stack: &Stack) -> anyhow::Result<Value> {
    let url = format!("http://127.0.0.1:{}/status", stack.ports.gateway_http);
    Ok(reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.json().await?)
}

/// How the gateway sees the worker of a port.
async fn state(stack: &Stack, port: u16) -> anyhow::Result<String> {
    let status = status(stack).await?;
    let workers = status["workers"].as_array().context("find the workers")?;
    let of_port = |worker: &&Value| {
        worker["addr"].as_str().is_some_and(|addr| addr.ends_with(&format!(":{port}")))
    };
    let worker = workers.iter().find(of_port).context("find the worker")?;
    Ok(worker["state"].as_str().unwrap_or_default().to_owned())
}

/// Another worker, with the certificates of a folder.
async fn another_worker(stack: &Stack, ports: [u16; 2], own: PathBuf) -> anyhow::Result<Process> {
    let mut environment = stack.environment().to_vec();
    environment.extend(internal_tls(&own));
    environment.push(("WORKER_PORT".to_owned(), ports[0].to_string()));
    environment.push(("WORKER_HTTP_PORT".to_owned(), ports[1].to_string()));
    let worker = Process::spawn("nexy-worker", &[], &environment)?;
    worker.wait_for("decision=listening", SOON).await?;
    Ok(worker)
}

#[tokio::test]
async fn questions_and_releases_pass_between_services_that_know_one_another() -> anyhow::Result<()>
{
    let stack = Stack::builder().with_internal_tls().start().await?;
    let reply = stack.ask("How are you?").await?;
    assert_whole(&reply);
    // Somebody without a certificate is not served.
    assert!(stack.worker_client().await.is_err() || is_refused(&stack).await?);
    let said = |line: &nexy_testkit::stack::Line| line.decision == "connection_refused";
    eventually("the worker says who was turned away", async || {
        Ok(stack.decisions()?.iter().any(said))
    })
    .await?;
    stack.stop(&["connection_refused"]).await
}

async fn is_refused(stack: &Stack) -> anyhow::Result<bool> {
    let request = nexy_proto::worker::StatusRequest {};
    Ok(stack.worker_client().await?.status(request).await.is_err())
}

#[tokio::test]
async fn a_worker_with_certificates_of_somebody_else_is_never_used() -> anyhow::Result<()> {
    let ports = [nexy_testkit::stack::free_port()?, nexy_testkit::stack::free_port()?];
    let good = nexy_testkit::stack::free_port()?;
    let stack = Stack::builder()
        .with_internal_tls()
        .env("WORKER_PORT", good.to_string())
        .env("WORKER_ADDRS", format!("127.0.0.1:{},127.0.0.1:{good}", ports[0]))
        .start()
        .await?;
    let foreign = tempfile::tempdir()?;
    make_certificates(foreign.path()).await?;
    let stranger = another_worker(&stack, ports, foreign.path().join("worker")).await?;
    stranger.wait_for("connection_refused", SOON).await?;
    assert_eq!(state(&stack, ports[0]).await?, "down");
    for _ in 0..5 {
        assert_whole(&stack.ask("How are you?").await?);
    }
    assert_eq!(state(&stack, ports[0]).await?, "down");
    assert!(!stranger.lines().iter().any(|line| line.contains("Respond")));
    // With certificates of ours it is one of us.
    drop(stranger);
    let own = stack.certificates().join("worker");
    let _friend = another_worker(&stack, ports, own).await?;
    eventually("the worker is ready", async || {
        Ok(matches!(state(&stack, ports[0]).await?.as_str(), "ready" | "degraded"))
    })
    .await?;
    stack.stop(&["worker_state"]).await
}

/// What the metrics of a service say of a certificate.
async fn expiry(port: u16, certificate: &str) -> anyhow::Result<Option<u64>> {
    let page = http()?.get(format!("http://127.0.0.1:{port}/metrics")).send().await?.text().await?;
    let name = format!("nexy_certificate_not_after_seconds{{certificate=\"{certificate}\"}} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&name));
    Ok(value.map(str::parse).transpose()?)
}

#[tokio::test]
async fn the_public_port_of_the_gateway_can_have_tls_of_its_own() -> anyhow::Result<()> {
    // Any certificate of a server will do; the client is told its name.
    let folder = tempfile::tempdir()?;
    make_certificates(folder.path()).await?;
    let own = folder.path().join("worker");
    let path = |file: &str| own.join(file).display().to_string();
    let stack = Stack::builder()
        .env("GRPC_TLS_CERTIFICATE", path("certificate.pem"))
        .env("GRPC_TLS_KEY", path("key.pem"))
        .start()
        .await?;
    let ca = Certificate::from_pem(std::fs::read_to_string(path("ca.pem"))?);
    let tls = ClientTlsConfig::new().ca_certificate(ca).domain_name("nexy-worker");
    let at = format!("https://127.0.0.1:{}", stack.ports.gateway_grpc);
    let channel = Endpoint::from_shared(at)?.tls_config(tls)?.connect().await?;
    let mut client = StreamingServiceClient::new(channel);
    let call = Call::of(&mut client, question("device-1", "How are you?"), &[]).await?;
    assert_whole(&call.rest().await?);
    // Plaintext is turned away, and soon.
    let began = Instant::now();
    if let Ok(reply) = stack.ask("How are you?").await {
        assert!(reply.ends.is_empty() && reply.code() != Code::Ok, "{:?}", reply.status);
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // When it expires is known: in 820 days, of which this one is begun.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let until = expiry(stack.ports.gateway_http, "public").await?.context("an expiry")?;
    assert!((818..=820).contains(&((until - now) / 86_400)), "{until}");
    assert_eq!(expiry(stack.ports.gateway_http, "internal").await?, None);
    assert_eq!(expiry(stack.ports.worker_http, "internal").await?, None);
    stack.stop(&["connection_refused"]).await
}

#[tokio::test]
async fn new_certificates_are_used_without_a_restart_and_without_a_break() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(20))).await?;
    let mut stack = fakes
        .stack()
        .with_internal_tls()
        .env("GRPC_TLS_RELOAD_INTERVAL_SECONDS", "0")
        .start()
        .await?;
    let mut call = Call::ask(&stack, question("device-1", "Talk")).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;

    // All of them are made anew, because one does not fit.
    std::fs::remove_file(stack.certificates().join("update/key.pem"))?;
    make_certificates(&stack.certificates()).await?;
    let before = call.reply.chunks.len();
    call.until(|reply| reply.chunks.len() > before + 10).await?;
    let worker = stack.ports.worker_grpc;
    // A new connection is made with the new ones only.
    stack.worker.take().context("a worker")?.kill();
    stack.start_worker().await?;
    eventually("the new worker is ready", async || {
        Ok(matches!(state(&stack, worker).await?.as_str(), "ready" | "degraded"))
    })
    .await?;
    stack.gateway.as_ref().context("a gateway")?.wait_for("certificate_reloaded", SOON).await?;
    drop(call);
    stack.stop(&["worker_state"]).await
}
