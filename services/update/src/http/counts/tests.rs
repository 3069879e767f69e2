use axum::http::{HeaderMap, HeaderValue, Uri};

use super::{Asker, NEWER, OLDER, UNKNOWN};
use crate::fixture::TestRelease;

fn asker<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Asker<'a> {
    Asker::of(uri, headers)
}

fn agent(text: &'static str) -> HeaderMap {
    HeaderMap::from_iter([("user-agent".parse().unwrap(), HeaderValue::from_static(text))])
}

#[test]
fn reads_what_clients_say_about_themselves() {
    let headers = agent("My App/Pro/2.0.0.32 Sparkle/2.9.1");
    let uri = "/appcast.xml?osVersion=15.3.1&lang=en&install_id=abc".parse().unwrap();
    let from_agent = asker(&uri, &headers);
    assert_eq!(from_agent.version, Some("2.0.0.32"));
    assert_eq!(from_agent.major_os(), "15");
    assert_eq!(from_agent.install_id, Some("abc"));
    let uri = "/appcast.xml?appVersion=3.1".parse().unwrap();
    assert_eq!(asker(&uri, &headers).version, Some("3.1"));
    let uri = "/appcast.xml?=&&x".parse().unwrap();
    let headers = agent("curl/8");
    assert_eq!(asker(&uri, &headers).version, None);
    let headers = HeaderMap::new();
    assert_eq!(asker(&uri, &headers).major_os(), UNKNOWN);
}

#[test]
fn a_version_that_a_client_makes_up_is_no_label() {
    let manifest = TestRelease::new("2.0.0.32").manifest.to_string();
    let manifest = nexy_releases::Manifest::parse(manifest.as_bytes()).unwrap();
    let headers = HeaderMap::new();
    for (said, label) in [
        ("2.0.0.32", "2.0.0.32"),
        ("2.0.0.32.0", "2.0.0.32"),
        ("1.9", OLDER),
        ("9.9.9.9.9.9", NEWER),
        ("zzz", OLDER),
        ("", OLDER),
    ] {
        let uri = format!("/appcast.xml?appVersion={said}").parse().unwrap();
        assert_eq!(asker(&uri, &headers).version(Some(&manifest)), label, "{said}");
        assert_eq!(asker(&uri, &headers).version(None), UNKNOWN);
    }
}
