use std::time::{Duration, SystemTime};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use nexy_releases::{Channel, feed};
use tower::ServiceExt as _;

use super::{Server, router};
use crate::{
    fixture::{Folders, TestRelease, site},
    settings::Settings,
};

#[tokio::test]
async fn each_channel_has_its_feed() {
    let server = Server::begin().await;
    for (path, version) in [("/appcast.xml", "2.0.0.32"), ("/appcast-beta.xml", "2.1.0.40")] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("etag").starts_with('"'));
        let items = feed::check(answer.text()).unwrap();
        assert_eq!(items[0].version, version);
        let document = roxmltree::Document::parse(answer.text()).unwrap();
        let enclosure = document.descendants().find(|node| node.has_tag_name("enclosure")).unwrap();
        let release = TestRelease::new(version);
        let artifact = &release.manifest["artifact"];
        assert_eq!(enclosure.attribute("url"), artifact["url"].as_str());
        assert_eq!(enclosure.attribute("length").unwrap(), artifact["size"].to_string());
        let signature = enclosure.attribute((feed::NAMESPACE, "edSignature"));
        assert_eq!(signature, artifact["ed25519"].as_str());
    }
}

#[tokio::test]
async fn head_of_a_feed_is_its_get_without_the_body() {
    let server = Server::begin().await;
    let get = server.get("/appcast.xml").await;
    let head = server.ask(Method::HEAD, "/appcast.xml", &[]).await;
    assert_eq!((head.status, head.headers, head.body), (get.status, get.headers, Vec::new()));
}

#[tokio::test]
async fn channels_that_are_off_say_so() {
    let server = Server::begin().await;
    server.get("/appcast-alpha.xml").await.is_text(404, "Alpha channel is disabled");
    let folders = Folders::new();
    let settings = Settings { beta_enabled: false, ..folders.settings() };
    let server = Server::over(folders, settings).await;
    server.get("/appcast-beta.xml").await.is_text(404, "Beta channel is disabled");
    assert_eq!(server.get("/appcast-alpha.xml").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_channel_without_a_release_has_an_empty_feed() {
    let folders = Folders::new();
    let settings = folders.settings();
    let server = Server::over(folders, settings).await;
    let answer = server.get("/appcast.xml").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(feed::check(answer.text()).unwrap(), []);
}

#[tokio::test]
async fn a_feed_that_is_known_is_not_sent_again() {
    let server = Server::begin().await;
    let first = server.get("/appcast.xml").await;
    let (etag, date) = (first.header("etag"), first.header("last-modified"));
    let weak = format!("W/{etag}");
    let list = format!("\"other\", {etag}");
    let long_ago = "Thu, 01 Jan 2026 00:00:00 GMT";
    let future = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    let check = async |head: &[(&str, &str)], known: bool| {
        let answer = server.ask(Method::GET, "/appcast.xml", head).await;
        let expected = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        assert_eq!(answer.status, expected, "{head:?}");
        assert_eq!(answer.body.is_empty(), known, "{head:?}");
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
    };
    check(&[("if-none-match", etag)], true).await;
    check(&[("if-none-match", &weak)], true).await;
    check(&[("if-none-match", &list)], true).await;
    check(&[("if-none-match", "*")], true).await;
    check(&[("if-none-match", "\"other\"")], false).await;
    check(&[("if-modified-since", date)], true).await;
    check(&[("if-modified-since", &future)], true).await;
    check(&[("if-modified-since", long_ago)], false).await;
    check(&[("if-modified-since", "yesterday")], false).await;
    // The tag wins, whatever the date says.
    check(&[("if-none-match", "\"other\""), ("if-modified-since", date)], false).await;
    check(&[("if-none-match", etag), ("if-modified-since", long_ago)], true).await;
}

#[tokio::test]
async fn a_new_release_changes_the_tag_of_its_feed_only() {
    let mut server = Server::begin().await;
    let stable = server.get("/appcast.xml").await;
    let beta = server.get("/appcast-beta.xml").await;
    server.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.33"));
    server.keeper.settle().await;
    let head = [("if-none-match", stable.header("etag"))];
    let after = server.ask(Method::GET, "/appcast.xml", &head).await;
    assert_eq!(after.status, StatusCode::OK);
    assert!(after.text().contains("2.0.0.33"));
    let head = [("if-none-match", beta.header("etag"))];
    let after = server.ask(Method::GET, "/appcast-beta.xml", &head).await;
    assert_eq!(after.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn feeds_wait_until_the_releases_have_been_read() {
    let folders = Folders::new();
    let (site, _keeper) = site(folders.settings());
    let routes = router(site);
    let request = Request::get("/appcast.xml").body(Body::empty()).unwrap();
    let answer = routes.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
}
