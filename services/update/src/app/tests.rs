use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt as _;
use nexy_config::Sources;
use nexy_proto::update::{LatestRequest, update_client::UpdateClient};
use nexy_releases::Channel;
use nexy_runtime::{Service as _, Shutdown};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::ServiceExt as _;

use super::{App, Listeners, router};
use crate::{
    fixture::{Folders, TestRelease, public_key, site},
    settings::{Settings, Trust},
};

fn config(folders: &Folders, sets: &[(&str, &str)]) -> nexy_config::Settings {
    let root = folders.root().display().to_string();
    let mut sources = Sources::for_tests([("NEXY_ENV", "prod"), ("UPDATE_DIR", root.as_str())]);
    for (key, value) in sets {
        sources = sources.with_set(*key, *value);
    }
    nexy_config::Settings::load(&sources).unwrap().0
}

/// An HTTP/1.0 request over a real connection; the whole answer as text.
async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn takes_its_settings_from_the_configuration() {
    let folders = Folders::new();
    let settings =
        |sets: &[(&str, &str)]| Settings::from_config(&config(&folders, sets), "0.0.1").unwrap();
    let key = public_key().to_string();
    let with_key = settings(&[("update.public_key", &key), ("update.alpha_enabled", "true")]);
    assert_eq!(with_key.trust.key(), Some(&public_key().into()));
    let both = settings(&[("update.public_key", &key), ("update.former_public_key", &key)]);
    assert_eq!(both.trust.key().unwrap().former, Some(public_key()));
    assert_eq!(with_key.channels().collect::<Vec<_>>(), Channel::ALL);
    assert_eq!(with_key.downloads_dir, folders.root().join("downloads"));
    assert_eq!(with_key.manifests_dir, folders.root().join("manifests"));
    assert!(matches!(settings(&[]).trust, Trust::Nothing));
    assert_eq!(settings(&[]).channels().count(), 2);
    assert_eq!(settings(&[("update.enabled", "false")]).channels().count(), 0);
    assert_eq!(settings(&[("server.version", "7.7")]).version, "7.7");
}

#[tokio::test]
async fn the_whole_service_serves_and_leaves() {
    let folders = Folders::new();
    folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    let key = public_key().to_string();
    let config = config(&folders, &[("update.public_key", &key)]);
    let listeners = Listeners {
        http: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        grpc: TcpListener::bind("127.0.0.1:0").await.unwrap(),
    };
    let (http, grpc) = (listeners.http.local_addr().unwrap(), listeners.grpc.local_addr().unwrap());
    let shutdown = Shutdown::default();
    let app = Arc::new(App::assemble(&config, listeners, &shutdown).unwrap());
    let mut tasks = JoinSet::new();
    let (served, token) = (Arc::clone(&app), shutdown.clone());
    tasks.spawn(async move { served.serve(token).await });

    let ready = async {
        while !ask(http, "/ready").await.starts_with("HTTP/1.0 200") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), ready).await.unwrap();
    assert!(ask(http, "/appcast.xml").await.contains("<sparkle:version>2.0.0.32<"));
    assert!(ask(http, "/downloads/Nexy-2.0.0.32.dmg").await.contains("disk image of 2.0.0.32"));

    let address = format!("http://{grpc}");
    let channel = tonic::transport::Endpoint::new(address).unwrap().connect().await.unwrap();
    let mut update = UpdateClient::new(channel.clone());
    let latest = update.latest(LatestRequest { channel: String::new() }).await.unwrap();
    assert_eq!(latest.into_inner().release.unwrap().version, "2.0.0.32");
    let mut health = HealthClient::new(channel);
    let service = "nexy.update.v1.Update".to_owned();
    let health = health.check(HealthCheckRequest { service }).await.unwrap();
    assert_eq!(health.into_inner().status, 1);

    shutdown.begin();
    let ended = timeout(Duration::from_secs(5), tasks.join_next()).await.unwrap().unwrap();
    ended.unwrap().unwrap();
    assert!(TcpStream::connect(http).await.is_err());
}

async fn get(routes: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = routes.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn is_ready_once_the_releases_have_been_judged_and_until_it_leaves() {
    let folders = Folders::new();
    folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    let (site, mut keeper) = site(folders.settings());
    let routes = router(site.clone());
    assert_eq!(get(&routes, "/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&routes, "/health").await.0, StatusCode::OK);
    keeper.settle().await;
    assert_eq!(get(&routes, "/ready").await.0, StatusCode::OK);
    site.draining.cancel();
    let (status, body) = get(&routes, "/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("shutting down"), "{body}");
}

#[tokio::test]
async fn metrics_count_what_was_published() {
    let folders = Folders::new();
    folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    let (site, mut keeper) = site(folders.settings());
    keeper.settle().await;
    let (status, text) = get(&router(site), "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("nexy_decisions_total{decision=\"release_published\"}"), "{text}");
}
