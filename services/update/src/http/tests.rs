use std::fs;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use nexy_releases::Channel;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Site, layered, router};
use crate::{
    fixture::{Folders, TestRelease, site},
    library::Keeper,
    settings::Settings,
};

mod downloads;
mod feeds;

/// A server over folders, asked without a network.
struct Server {
    folders: Folders,
    site: Site,
    keeper: Keeper,
    routes: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Server {
    /// With a stable release and one beta; alpha is off.
    async fn begin() -> Self {
        let folders = Folders::new();
        folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
        folders.publish(Channel::Beta, &TestRelease::new("2.1.0.40"));
        let settings = Settings { alpha_enabled: false, ..folders.settings() };
        Self::over(folders, settings).await
    }

    async fn over(folders: Folders, settings: Settings) -> Self {
        let (site, mut keeper) = site(settings);
        keeper.settle().await;
        let routes = layered(router(site.clone()), &site.settings);
        Self { folders, site, keeper, routes }
    }

    async fn ask(&self, method: Method, path: &str, head: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }
}

impl Answer {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("no {name}: {:?}", self.headers));
        assert_eq!(values.next(), None, "{name} stands twice");
        value.to_str().unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    fn is_text(&self, status: u16, text: &str) {
        assert_eq!((self.status.as_u16(), self.text()), (status, text));
        assert_eq!(self.header("content-type"), "text/plain; charset=utf-8");
    }
}

const FILE: &str = "/downloads/Nexy-2.0.0.32.dmg";

#[tokio::test]
async fn health_says_what_is_served() {
    let server = Server::begin().await;
    let answer = server.get("/health").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "public, max-age=30");
    let mut health = answer.json();
    let timestamp = health.as_object_mut().unwrap().remove("timestamp").unwrap();
    timestamp.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let expected = serde_json::json!({
        "status": "healthy", "version": "9.8.7", "latest_version": "2.0.0.32",
        "latest_build": "2.0.0.32", "artifacts_available": 2, "beta_updates_enabled": true,
    });
    assert_eq!(health, expected);
}

#[tokio::test]
async fn health_never_invents_a_version() {
    let folders = Folders::new();
    let settings = Settings { beta_enabled: false, ..folders.settings() };
    let health = Server::over(folders, settings).await.get("/health").await.json();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["latest_version"], Value::Null);
    assert_eq!(health["latest_build"], Value::Null);
    assert_eq!(health["artifacts_available"], 0);
    assert_eq!(health["beta_updates_enabled"], false);
}

#[tokio::test]
async fn health_says_when_a_folder_is_gone_and_when_the_process_leaves() {
    let mut server = Server::begin().await;
    fs::rename(server.folders.root().join("manifests"), server.folders.root().join("gone"))
        .unwrap();
    server.keeper.settle().await;
    let health = server.get("/health").await.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["reason"], "update.manifests_dir: the folder is gone");
    assert_eq!(health["latest_version"], "2.0.0.32");
    server.site.draining.cancel();
    let answer = server.get("/health").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["status"], "unhealthy");
}

#[tokio::test]
async fn switched_off_it_serves_neither_feeds_nor_downloads() {
    let folders = Folders::new();
    folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    let settings = Settings { enabled: false, ..folders.settings() };
    let server = Server::over(folders, settings).await;
    for path in ["/appcast.xml", "/appcast-beta.xml", "/appcast-alpha.xml", FILE] {
        let answer = server.get(path).await;
        answer.is_text(503, "Updates are disabled on this server");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let health = server.get("/health").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.json()["status"], "disabled");
    assert_eq!(health.json()["beta_updates_enabled"], false);
    assert!(server.get("/").await.text().contains("Updates are disabled"));
}

#[tokio::test]
async fn the_api_lists_versions_manifests_and_artifacts() {
    let mut server = Server::begin().await;
    let bad = TestRelease::new("2.0.0.33").with("/artifact/size", 1);
    server.folders.publish(Channel::Stable, &bad);
    let elsewhere = TestRelease::new("2.1.0.41")
        .with("/artifact/url", "https://github.com/example/nexy/releases/Other.dmg");
    server.folders.put_manifest(Channel::Beta, &elsewhere.manifest);
    server.keeper.settle().await;

    let versions = server.get("/api/versions").await;
    assert_eq!(versions.header("cache-control"), "no-cache");
    let versions = versions.json();
    assert_eq!(versions["versions"][0]["channel"], "stable");
    assert_eq!(versions["versions"][0]["version"], "2.0.0.32");
    assert_eq!(versions["versions"][0]["feed"], "appcast.xml");
    assert_eq!(versions["versions"][1]["build"], "2.1.0.41");
    assert_eq!(versions["versions"].as_array().unwrap().len(), 2);

    let manifests = server.get("/api/manifests").await.json();
    let stable = &manifests["manifests"][0];
    assert_eq!(stable["file"], "manifest.json");
    assert_eq!(stable["manifest"]["build"], "2.0.0.32");
    assert_eq!(stable["manifest"]["artifact"]["sha256"], TestRelease::new("2.0.0.32").sha256());
    assert_eq!(stable["refused"][0]["key"], "artifact.size");
    assert_eq!(manifests["manifests"][1]["refused"], serde_json::json!([]));

    let artifacts = server.get("/api/artifacts").await.json();
    let artifacts = artifacts["artifacts"].as_array().unwrap();
    let row = |file: &str| artifacts.iter().find(|row| row["file"] == file).unwrap();
    assert_eq!(row("Nexy-2.0.0.32.dmg")["channels"], serde_json::json!(["stable"]));
    assert_eq!(row("Nexy-2.0.0.32.dmg")["sha256"], TestRelease::new("2.0.0.32").sha256());
    assert_eq!(row("Nexy-2.0.0.33.dmg")["sha256"], Value::Null);
    assert_eq!(row("Other.dmg")["url"], elsewhere.manifest["artifact"]["url"]);
    assert_eq!(row("Other.dmg")["channels"], serde_json::json!(["beta"]));
    assert_eq!(server.get("/health").await.json()["artifacts_available"], artifacts.len());
}

#[tokio::test]
async fn the_page_lists_the_releases_for_people() {
    let server = Server::begin().await;
    let release = TestRelease::new("2.0.0.32");
    let answer = server.get("/").await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    let page = answer.text();
    for part in [
        "<html lang=\"en\">",
        "<h1>Nexy &amp; Co releases</h1>",
        "<h2>Stable</h2>",
        "<caption>Version 2.0.0.32</caption>",
        "<th scope=\"row\">SHA-256</th>",
        "<a href=\"downloads/Nexy-2.0.0.32.dmg\">Nexy-2.0.0.32.dmg</a>",
        "https://example.com/notes?a=1&amp;b=2",
        &release.sha256(),
        release.manifest["artifact"]["ed25519"].as_str().unwrap(),
        &format!("{} bytes", release.bytes.len()),
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    assert!(!page.contains("Alpha"), "{page}");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let server = Server::begin().await;
    server.get("/nothing").await.is_text(404, "No such page");
    for path in ["/", "/appcast.xml", "/health", FILE] {
        let answer = server.ask(Method::POST, path, &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    async fn fail() -> &'static str {
        panic!("a bug of a handler")
    }
    let folders = Folders::new();
    let routes = Router::new().route("/panic", axum::routing::get(fail));
    let routes = layered(routes, &folders.settings());
    let request = Request::get("/panic").body(Body::empty()).unwrap();
    let answer = routes.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_answered_in_time() {
    async fn hang() -> &'static str {
        std::future::pending().await
    }
    let folders = Folders::new();
    let routes = Router::new().route("/hang", axum::routing::get(hang));
    let routes = layered(routes, &folders.settings());
    let request = Request::get("/hang").body(Body::empty()).unwrap();
    let answer = routes.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}
