//! The public door: real nginx with TLS in front of the real services.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hyper_util::rt::TokioIo;
use nexy_testkit::{
    chat_server::Script,
    stack::{Stack, question},
};
use reqwest::{Client, Response, Version, tls};
use tokio::net::TcpStream;
use tonic::{
    Code,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::support::{
    Call, Fakes, SOON, assert_refused, assert_status, assert_whole, is_installed, png,
};

/// Nothing without nginx.
macro_rules! needs_nginx {
    () => {
        if !is_installed("nginx") {
            return Ok(());
        }
    };
}

fn client(stack: &Stack) -> anyhow::Result<reqwest::ClientBuilder> {
    nexy_testkit::install_tls_provider();
    let trusted = reqwest::Certificate::from_pem(stack.certificate()?.as_bytes())?;
    let builder = Client::builder().tls_certs_only([trusted]).no_proxy();
    Ok(builder.redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(10)))
}

async fn get(stack: &Stack, path: &str) -> anyhow::Result<Response> {
    let url = format!("https://localhost:{}{path}", stack.ports.tls);
    Ok(client(stack)?.build()?.get(url).send().await?)
}

fn all(answer: &Response, header: &str) -> Vec<String> {
    let values = answer.headers().get_all(header).iter();
    values.map(|value| value.to_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_question_is_answered_through_tls_and_nginx() -> anyhow::Result<()> {
    needs_nginx!();
    let stack = Stack::builder().with_ingress().start().await?;
    let mut client = stack.tls_client().await?;
    let call = Call::of(&mut client, question("device-1", "How are you?"), &[]).await?;
    let reply = call.rest().await?;
    assert_whole(&reply);
    assert_eq!(reply.text(), "I am ready. How can I help?");
    assert_eq!(reply.trailer("nexy-providers"), Some("llm=offline;tts=espeak"));

    // The largest screenshot passes, and one a little too large is refused by name.
    let mut shown = question("device-1", "What is on my screen?");
    shown.screenshot = Some(png(10_485_760));
    let call = Call::of(&mut client, shown.clone(), &[]).await?;
    assert_whole(&call.rest().await?);
    shown.screenshot = Some(png(10_485_761));
    let call = Call::of(&mut client, shown, &[]).await?;
    let text = assert_refused(&call.rest().await?, Code::InvalidArgument, "validation_failed");
    assert!(text.contains("10485760"), "{text}");
    stack.stop(&[]).await
}

#[tokio::test]
async fn frames_pass_the_door_one_by_one() -> anyhow::Result<()> {
    needs_nginx!();
    let pause = Duration::from_millis(400);
    let sentences = (1..=10).map(|number| format!("This is sentence number {number}. "));
    let fakes = Fakes::saying(Script::text(sentences).token_delay(pause)).await?;
    let stack = fakes.stack().with_ingress().start().await?;
    let began = Instant::now();
    let mut call =
        Call::of(&mut stack.tls_client().await?, question("device-1", "Tell me a story"), &[])
            .await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    let first = began.elapsed();
    let reply = call.rest().await?;
    assert_whole(&reply);
    println!("first audio after {first:?} of {:?}", began.elapsed());
    assert!(first < 5 * pause && began.elapsed() > 8 * pause, "{first:?} of {:?}", began.elapsed());
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_admin_routes_are_not_to_be_had_from_outside() -> anyhow::Result<()> {
    needs_nginx!();
    const TOKEN: &str = "a-token-of-the-tests";
    let stack = Stack::builder().with_ingress().env("NEXY_ADMIN_TOKEN", TOKEN).start().await?;
    let path = "/admin/flags/disable_module_coordinator";
    let inside = format!("http://127.0.0.1:{}{path}", stack.ports.gateway_http);
    let inside = client(&stack)?.build()?.get(inside).bearer_auth(TOKEN).send().await?;
    assert_eq!(inside.status(), 200);
    for path in [
        path.to_owned(),
        "/admin/flags".to_owned(),
        format!("/health/..{path}"),
        format!("/health/%2e%2e{path}"),
        format!("/{path}"),
        format!("/updates{path}"),
        format!("/updates/..{path}"),
    ] {
        let url = format!("https://localhost:{}{path}", stack.ports.tls);
        // The other one is passed on to the gRPC port, where there is no such service.
        for (kind, status) in [("application/json", 404), ("application/grpc", 200)] {
            let request = client(&stack)?.build()?.put(&url).bearer_auth(TOKEN).body("true");
            let answer = request.header("content-type", kind).send().await?;
            let found = answer.status().as_u16();
            let code = all(&answer, "grpc-status");
            let said = answer.text().await?;
            let is_refused = found == 404 || found == 405 || (found == status && code == ["12"]);
            assert!(is_refused, "{path} {kind}: {found} {code:?} {said}");
            assert!(!said.contains("is_set"), "{path} {kind}: {said}");
        }
    }
    let status = get(&stack, "/status").await?.json::<serde_json::Value>().await?;
    assert_eq!(status["kill_switches"]["disable_module_coordinator"], false);
    stack.stop(&[]).await
}

#[tokio::test]
async fn every_route_goes_where_it_should_with_one_cache_control() -> anyhow::Result<()> {
    needs_nginx!();
    let stack = Stack::builder().with_ingress().start().await?;
    let rows = [
        ("/health", 200, "public, max-age=30", "\"version\":\"1.2.3\""),
        ("/status", 200, "no-cache", "nexy-gateway"),
        ("/updates/health", 200, "public, max-age=30", "artifacts_available"),
        ("/updates/appcast-alpha.xml", 404, "", ""),
        ("/updates/api/versions", 200, "", ""),
        ("/updates/", 200, "", "<"),
        ("/updates/downloads/nothing.dmg", 404, "", ""),
        ("/updates/downloads/..%2f..%2fetc/passwd", 404, "", ""),
        ("/metrics", 404, "", ""),
        ("/updates/metrics", 404, "", ""),
        ("/updates/ready", 404, "", ""),
        ("/ready", 404, "", ""),
        ("/admin/flags/forward_assistant_actions", 404, "", ""),
        ("/healthy", 404, "", ""),
        ("/", 404, "", "gRPC"),
    ];
    for (path, status, cache, text) in rows {
        let answer = get(&stack, path).await?;
        let caching = all(&answer, "cache-control");
        if !cache.is_empty() {
            assert_eq!(caching, [cache], "{path}");
        }
        assert!(caching.len() <= 1, "{path}: {caching:?}");
        assert_eq!(answer.version(), Version::HTTP_2, "{path}");
        assert_eq!(all(&answer, "strict-transport-security").len(), 1, "{path}");
        assert_eq!(all(&answer, "x-content-type-options"), ["nosniff"], "{path}");
        let code = answer.status().as_u16();
        let body = answer.text().await?;
        assert_eq!(code, status, "{path}: {body}");
        assert!(body.contains(text), "{path}: {body}");
        assert!(!body.contains("nexy_build_info"), "{path} shows metrics");
    }
    let root = get(&stack, "/").await?.text().await?;
    assert!(root.len() < 200 && !root.contains('<'), "{root}");
    stack.stop(&[]).await
}

#[tokio::test]
async fn both_appcasts_are_the_same_feed() -> anyhow::Result<()> {
    needs_nginx!();
    let stack = Stack::builder().with_ingress().start().await?;
    let mut seen = Vec::new();
    for path in ["/appcast.xml", "/updates/appcast.xml"] {
        let answer = get(&stack, path).await?;
        assert!(all(&answer, "cache-control").len() <= 1);
        seen.push((answer.status(), answer.text().await?));
    }
    assert_eq!(seen[0], seen[1]);
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_plain_port_only_redirects() -> anyhow::Result<()> {
    needs_nginx!();
    let stack = Stack::builder().with_ingress().start().await?;
    let url = format!("http://localhost:{}/health?a=1", stack.ports.plain);
    let answer = client(&stack)?.build()?.get(url).send().await?;
    assert_eq!(answer.status(), 301);
    let expected = format!("https://localhost:{}/health?a=1", stack.ports.tls);
    assert_eq!(all(&answer, "location"), [expected]);
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_certificate_is_good_for_its_names_and_modern_tls() -> anyhow::Result<()> {
    needs_nginx!();
    let stack = Stack::builder().with_ingress().start().await?;
    let port = stack.ports.tls;
    for version in [tls::Version::TLS_1_2, tls::Version::TLS_1_3] {
        let client = client(&stack)?.tls_version_min(version).tls_version_max(version).build()?;
        for host in ["localhost", "127.0.0.1"] {
            let answer = client.get(format!("https://{host}:{port}/health")).send().await?;
            assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
        }
    }
    let old = client(&stack)?.http1_only().build()?;
    let answer = old.get(format!("https://localhost:{port}/health")).send().await?;
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11));
    // Another name, and a client that trusts nobody, are turned away.
    let pem = Certificate::from_pem(stack.certificate()?);
    let tls = ClientTlsConfig::new().ca_certificate(pem).domain_name("example.com");
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}"))?.tls_config(tls)?;
    assert!(endpoint.connect().await.is_err());
    let stranger = Client::builder().no_proxy().build()?;
    assert!(stranger.get(format!("https://localhost:{port}/health")).send().await.is_err());
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_dead_gateway_is_an_answer_of_the_protocol() -> anyhow::Result<()> {
    needs_nginx!();
    let mut stack = Stack::builder().with_ingress().start().await?;
    let mut client = stack.tls_client().await?;
    stack.gateway.take().context("a gateway")?.kill();
    let request = tokio_stream::once(question("device-1", "Bye"));
    let status = client.stream_audio(request).await.err().context("a refusal")?;
    assert_status(&status, Code::Unavailable, "unavailable");
    let health = get(&stack, "/health").await?;
    assert_eq!(health.status(), 503);
    assert!(health.text().await?.contains("unhealthy"));

    stack.start_gateway().await?;
    stack.wait_ready().await?;
    crate::support::eventually("the door finds the gateway again", async || {
        let request = tokio_stream::once(question("device-1", "Bye"));
        Ok(client.stream_audio(request).await.is_ok())
    })
    .await?;
    stack.stop(&["nginx", "dependency_log"]).await
}

#[tokio::test]
async fn a_gateway_that_dies_in_the_middle_of_a_reply_leaves_no_end_message() -> anyhow::Result<()>
{
    needs_nginx!();
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(20))).await?;
    let mut stack = fakes.stack().with_ingress().start().await?;
    let mut call =
        Call::of(&mut stack.tls_client().await?, question("device-1", "Talk"), &[]).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    stack.gateway.take().context("a gateway")?.kill();
    let reply = call.end().await?;
    assert!(reply.ends.is_empty() && reply.errors.is_empty());
    assert!(
        matches!(reply.code(), Code::Internal | Code::Unavailable | Code::Unknown),
        "{:?}",
        reply.status
    );
    assert!(fakes.chat.wait_disconnect(Duration::from_secs(2)).await.is_some());
    stack.stop(&["nginx", "dependency_log"]).await
}

#[tokio::test]
async fn a_client_that_vanishes_behind_the_door_is_noticed() -> anyhow::Result<()> {
    needs_nginx!();
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(20))).await?;
    let stack = fakes.stack().with_ingress().start().await?;
    let mut call =
        Call::of(&mut stack.tls_client().await?, question("device-1", "Talk"), &[]).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    drop(call);
    assert!(fakes.chat.wait_disconnect(Duration::from_secs(3)).await.is_some());
    stack.stop(&["nginx", "dependency_log"]).await
}

/// A client of the door, and how many connections it has made.
async fn counted(
    stack: &Stack,
) -> anyhow::Result<(HealthClient<tonic::transport::Channel>, Arc<AtomicUsize>)> {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(stack.certificate()?))
        .domain_name("localhost");
    let at = format!("127.0.0.1:{}", stack.ports.tls);
    let endpoint = Endpoint::from_shared(format!("https://{at}"))?.tls_config(tls)?;
    let connect = move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        let at = at.clone();
        async move { TcpStream::connect(at).await.map(TokioIo::new) }
    };
    let channel = endpoint.connect_with_connector(tower::service_fn(connect)).await?;
    Ok((HealthClient::new(channel), connections))
}

#[tokio::test]
async fn more_than_a_thousand_calls_pass_over_one_connection() -> anyhow::Result<()> {
    needs_nginx!();
    // Behind the door the gateway's connections get old meanwhile.
    let stack =
        Stack::builder().with_ingress().env("GRPC_MAX_CONNECTION_AGE_SECONDS", "1").start().await?;
    let (mut client, connections) = counted(&stack).await?;
    let began = Instant::now();
    let mut calls = 0;
    while calls < 1100 || began.elapsed() < Duration::from_secs(3) {
        client.check(HealthCheckRequest::default()).await.with_context(|| format!("{calls}"))?;
        calls += 1;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1, "after {calls} calls");
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_reload_leaves_a_running_reply_alone() -> anyhow::Result<()> {
    needs_nginx!();
    let sentences = (1..=10).map(|number| format!("This is sentence number {number}. "));
    let script = Script::text(sentences).token_delay(Duration::from_millis(200));
    let fakes = Fakes::saying(script).await?;
    let stack = fakes.stack().with_ingress().start().await?;
    let mut client = stack.tls_client().await?;
    let mut call = Call::of(&mut client, question("device-1", "Tell me a story"), &[]).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    let ingress = stack.ingress.as_ref().context("nginx")?;
    ingress.signal("HUP")?;
    ingress.wait_for("decision=ingress_reloaded", SOON).await?;
    let mut fresh = stack.tls_client().await?;
    let other = Call::of(&mut fresh, question("device-2", "Tell me one, too"), &[]).await?;
    assert_whole(&call.rest().await?);
    assert_whole(&other.rest().await?);
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_time_out_of_the_door_is_that_of_the_settings() -> anyhow::Result<()> {
    needs_nginx!();
    let sentences = (1..=10).map(|number| format!("This is sentence number {number}. "));
    let script = Script::text(sentences).token_delay(Duration::from_millis(400));
    let fakes = Fakes::saying(script).await?;
    let stack =
        fakes.stack().with_ingress().env("INGRESS_GRPC_TIMEOUT_SECONDS", "2").start().await?;
    let mut client = stack.tls_client().await?;
    // A reply may last longer than that, as long as something moves.
    let mut call = Call::of(&mut client, question("device-1", "Tell me a story"), &[]).await?;
    call.half_close();
    let began = Instant::now();
    assert_whole(&call.rest().await?);
    assert!(began.elapsed() > Duration::from_secs(2), "{:?}", began.elapsed());
    // A call on which nothing moves is ended, long before the gateway would.
    let began = Instant::now();
    let (_quiet, nothing) = tokio::sync::mpsc::channel(1);
    let ended = client.stream_audio(tokio_stream::wrappers::ReceiverStream::new(nothing)).await;
    let ended = match ended {
        Ok(answer) => answer.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    assert!(ended.is_err(), "{ended:?}");
    let took = began.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(20), "{took:?}");
    stack.stop(&["nginx", "dependency_log"]).await
}

#[tokio::test]
async fn a_call_that_was_quiet_for_longer_than_a_minute_is_still_there() -> anyhow::Result<()> {
    needs_nginx!();
    let stack =
        Stack::builder().with_ingress().env("BACKPRESSURE_IDLE_TIMEOUT", "600").start().await?;
    let mut client = stack.tls_client().await?;
    let mut call = Call::of(&mut client, question("device-1", "How are you?"), &[]).await?;
    call.until(|reply| reply.ends.len() == 1).await?;
    // 60 s is what nginx has for each of its time-outs by itself.
    tokio::time::sleep(Duration::from_secs(65)).await;
    call.say(question("device-1", "And now?")).await?;
    call.until(|reply| reply.ends.len() == 2).await?;
    call.half_close();
    stack.stop(&[]).await
}
