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

/// A rolled-out release over an older one.
async fn staged(more: serde_json::Value) -> Server {
    let folders = Folders::new();
    let old = TestRelease::new("2.0.0.32");
    std::fs::write(folders.download(&old.name), &old.bytes).unwrap();
    let mut release = TestRelease::new("2.0.0.33");
    release.manifest["previous"] = old.manifest;
    for (key, value) in more.as_object().unwrap() {
        release.manifest[key] = value.clone();
    }
    folders.publish(Channel::Stable, &release);
    let settings = folders.settings();
    Server::over(folders, settings).await
}

async fn offered(server: &Server, query: &str) -> Option<String> {
    let answer = server.get(&format!("/appcast.xml{query}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    feed::check(answer.text()).unwrap().first().map(|item| item.version.clone())
}

#[tokio::test]
async fn a_rolled_out_release_reaches_its_share_and_stays_with_it() {
    let mut server = staged(serde_json::json!({ "rollout_percent": 30 })).await;
    let names: Vec<_> = (0..200).map(|n| format!("?install_id=install-{n}")).collect();
    let mut before = Vec::new();
    for percent in [30, 60, 100] {
        let mut release = TestRelease::new("2.0.0.33");
        release.manifest["previous"] = TestRelease::new("2.0.0.32").manifest;
        release.manifest["rollout_percent"] = percent.into();
        server.folders.publish(Channel::Stable, &release);
        server.keeper.settle().await;
        let mut offered_to = Vec::new();
        for name in &names {
            match offered(&server, name).await.as_deref() {
                Some("2.0.0.33") => offered_to.push(name.clone()),
                other => assert_eq!(other, Some("2.0.0.32")),
            }
        }
        let share = offered_to.len() * 100 / names.len();
        assert!(share.abs_diff(percent) < 15, "{share} instead of {percent} %");
        assert!(before.iter().all(|name| offered_to.contains(name)), "taken away from somebody");
        before = offered_to;
        let anonymous = if percent == 100 { "2.0.0.33" } else { "2.0.0.32" };
        assert_eq!(offered(&server, "").await.as_deref(), Some(anonymous));
        assert_eq!(offered(&server, "?install_id=not%20one").await.as_deref(), Some(anonymous));
    }
}

#[tokio::test]
async fn a_halted_release_is_offered_to_nobody_and_downgrades_nobody() {
    let halted = serde_json::json!({ "halted": "it crashes at start" });
    let server = staged(halted).await;
    assert_eq!(offered(&server, "").await.as_deref(), Some("2.0.0.32"));
    assert_eq!(offered(&server, "?install_id=a").await.as_deref(), Some("2.0.0.32"));
    // The release that counts is the one that the feed shows.
    assert_eq!(server.get("/health").await.json()["latest_build"], "2.0.0.32");
    let versions = server.get("/api/versions").await.json();
    assert_eq!(versions["versions"][0]["halted"], "it crashes at start");
    let page = server.get("/").await;
    assert!(page.text().contains("is halted: it crashes at start"), "{}", page.text());
    // Whoever has begun to download it can finish.
    let file = server.get("/downloads/Nexy-2.0.0.33.dmg").await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn a_phased_release_is_left_to_sparkle_where_no_id_is_sent() {
    let phased = serde_json::json!({ "rollout_percent": 10, "phased_rollout_interval": 86400 });
    let server = staged(phased).await;
    assert_eq!(offered(&server, "").await.as_deref(), Some("2.0.0.33"));
}

#[tokio::test]
async fn a_feed_is_compressed_for_those_who_ask_for_it() {
    let server = Server::begin().await;
    let plain = server.get("/appcast.xml").await;
    assert_eq!(plain.header("vary"), "accept-encoding");
    assert!(!plain.headers.contains_key("content-encoding"));
    for (accept, expected) in [
        ("gzip", true),
        ("br, GZIP;q=0.5", true),
        ("gzip, deflate, br", true),
        ("gzip;q=0", false),
        ("gzip; q=0.000", false),
        ("*", false),
        ("br", false),
    ] {
        let head = [("accept-encoding", accept)];
        let answer = server.ask(Method::GET, "/appcast.xml", &head).await;
        assert_eq!(answer.headers.contains_key("content-encoding"), expected, "{accept}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert_eq!(answer.header("vary"), "accept-encoding");
        if !expected {
            assert_eq!(answer.body, plain.body);
            continue;
        }
        let mut body = String::new();
        let mut decoder = flate2::read::GzDecoder::new(answer.body.as_slice());
        std::io::Read::read_to_string(&mut decoder, &mut body).unwrap();
        assert_eq!(body, plain.text());
        assert_ne!(answer.header("etag"), plain.header("etag"));
        let head = [head[0], ("if-none-match", answer.header("etag"))];
        let again = server.ask(Method::GET, "/appcast.xml", &head).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert!(!again.headers.contains_key("content-encoding"));
    }
}

#[tokio::test]
async fn what_clients_ask_is_counted_and_no_id_is_kept() {
    let server = staged(serde_json::json!({ "rollout_percent": 50 })).await;
    nexy_telemetry::metrics::declare(crate::app::FAMILIES);
    crate::http::know_words();
    for n in 0..50 {
        let query = format!("?install_id=secret-{n}&osVersion=15.1&appVersion=2.0.0.32");
        server.get(&format!("/appcast.xml{query}")).await;
    }
    let text = nexy_telemetry::metrics::render();
    assert!(!text.contains("secret"), "{text}");
    for line in [
        "nexy_update_checks_total{channel=\"stable\",os=\"15\"}",
        "nexy_update_offers_total{channel=\"stable\",offer=\"newer\"}",
        "nexy_update_clients_total{version=\"2.0.0.32\"}",
        "nexy_update_cohort_checks_total{channel=\"stable\",cohort=\"offered\"}",
        "nexy_update_cohort_installations{channel=\"stable\",cohort=\"withheld\"}",
        "nexy_update_feed_answers_total{channel=\"stable\",answer=\"full\"}",
    ] {
        let value = text.lines().find_map(|found| found.strip_prefix(line));
        let value = value.unwrap_or_else(|| panic!("no {line} in\n{text}"));
        assert_ne!(value.trim(), "0", "{line}");
    }
}
