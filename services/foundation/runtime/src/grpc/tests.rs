//! Real sockets, and where it matters clients that break the rules.

use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, routing::post};
use bytes::Bytes;
use futures_util::stream;
use nexy_telemetry::metrics;
use tokio::net::TcpListener;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
    server::HealthReporter,
};

use self::raw::{Frame, RawClient};
use super::*;

mod age;
mod limits;
mod peers;
mod raw;
mod reported;
mod tls_ports;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);
/// What a test waits for that nothing happens.
const A_WHILE: Duration = Duration::from_millis(300);

/// A server on loopback; it leaves when dropped.
struct Served {
    at: SocketAddr,
    health: HealthReporter,
    shutdown: Shutdown,
    serving: tokio::task::JoinSet<()>,
}

// === impl Served ===

impl Served {
    async fn with(settings: Settings) -> Self {
        Self::over(None, settings).await
    }

    async fn over(tls: impl Into<Option<tls::Acceptor>>, settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (health, service) = tonic_health::server::health_reporter();
        let router = Router::new().route("/test/flood", post(flood));
        let routes = Routes::from(router).add_service(service);
        let observe = ObserveLayer::new("test", &[]);
        let shutdown = Shutdown::default();
        let server = Server { routes, observe, settings, tls: tls.into() };
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(serve(listener, server, shutdown.clone()));
        Self { at, health, shutdown, serving }
    }

    async fn client(&self) -> HealthClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.at)).unwrap();
        HealthClient::new(endpoint.connect().await.unwrap())
    }

    /// Whether a client that comes now is served.
    async fn answers(&self) {
        let mut client = self.client().await;
        timeout(SOON, client.check(HealthCheckRequest::default())).await.unwrap().unwrap();
    }

    async fn say(&self, status: ServingStatus) {
        self.health.set_service_status("", status).await;
    }
}

/// Sends for as long as somebody reads.
async fn flood() -> axum::body::Body {
    const PIECE: Bytes = Bytes::from_static(&[7; 16_384]);
    axum::body::Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(PIECE)))
}

fn settings() -> Settings {
    Settings {
        keepalive_interval: SOON,
        keepalive_timeout: SOON,
        handshake_timeout: SOON,
        linger: SOON,
        max_connections: 100,
        max_age: None,
        age_jitter_percent: 0,
        age_grace: SOON,
        max_streams: 100,
        max_resets: 10_000,
        max_header_bytes: 16_384,
        stream_window: 1 << 20,
        connection_window: 1 << 20,
        send_buffer: 1 << 16,
        force_grace: Duration::from_millis(100),
    }
}

fn refused(reason: &str) -> u64 {
    metrics::CONNECTIONS_REFUSED.get([reason])
}

#[tokio::test]
async fn a_drain_says_goodbye_and_waits_for_what_runs() {
    let mut served = Served::with(settings()).await;
    let mut client = RawClient::connect(served.at).await;
    client.watch_health(1).await;
    client.until(|frame| matches!(frame, Frame::Data { stream: 1 })).await;
    served.shutdown.begin();
    client.until(|frame| matches!(frame, Frame::GoAway { .. })).await;
    assert!(tokio::net::TcpStream::connect(served.at).await.is_err(), "nobody listens any more");
    served.say(ServingStatus::NotServing).await;
    client.until(|frame| matches!(frame, Frame::Data { stream: 1 })).await;
    client.reset(1).await;
    client.until_closed().await;
    drop(client);
    timeout(SOON, served.serving.join_next()).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_still_speaks_after_the_goodbye_is_not_reset() {
    let mut served = Served::with(settings()).await;
    let mut client = RawClient::connect(served.at).await;
    client.watch_health(1).await;
    client.until(|frame| matches!(frame, Frame::Data { stream: 1 })).await;
    served.shutdown.begin();
    client.reset(1).await;
    client.until_closed().await;
    // The first would be answered by a reset, the second refused.
    for _ in 0..2 {
        client.try_ping().await.unwrap();
        tokio::time::sleep(A_WHILE).await;
    }
    drop(client);
    timeout(SOON, served.serving.join_next()).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_cut_a_moment_after_the_force() {
    let mut served = Served::with(settings()).await;
    let mut client = RawClient::connect(served.at).await;
    client.watch_health(1).await;
    client.until(|frame| matches!(frame, Frame::Data { .. })).await;
    served.shutdown.cut();
    timeout(SOON, served.serving.join_next()).await.unwrap().unwrap().unwrap();
    client.until_closed().await;
}

#[tokio::test]
async fn an_answer_that_takes_longer_than_its_deadline_is_deadline_exceeded() {
    use tower::{Layer as _, ServiceExt as _};
    let router = Router::new().route("/test/never", post(std::future::pending::<()>));
    let layer = ObserveLayer::new("test", &[]);
    let own = layer
        .clone()
        .too_late(|| Status::with_details(Code::DeadlineExceeded, "too late", vec![1, 2].into()));
    let default = "the deadline of the call has passed";
    for (layer, message, details) in [(layer, default, &[][..]), (own, "too late", &[1, 2])] {
        let service = layer.layer(Routes::from(router.clone()));
        let request = http::Request::post("/test/never")
            .header("grpc-timeout", "100m")
            .body(tonic::body::Body::empty())
            .unwrap();
        let answer = timeout(SOON, service.oneshot(request)).await.unwrap().unwrap();
        let status = Status::from_header_map(answer.headers()).unwrap();
        let told = (status.code(), status.message(), status.details());
        assert_eq!(told, (Code::DeadlineExceeded, message, details));
    }
}
