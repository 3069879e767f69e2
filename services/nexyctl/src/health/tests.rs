use http::HeaderMap;

use super::*;

fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: body.to_string() }
}

fn status() -> Answer {
    answer(
        200,
        &json!({
            "active_streams": 1,
            "max_streams": 10,
            "modules": [{"name": "backpressure", "state": "ready"}],
            "workers": [{
                "addr": "127.0.0.1:50052",
                "state": "degraded",
                "modules": [{"name": "audio_generation", "state": "degraded", "reason": "azure: no key"}],
            }],
        }),
    )
}

#[test]
fn shows_modules_and_workers_in_a_table() {
    let health = answer(200, &json!({"status": "OK", "version": "2.0.0.32"}));
    let lines = report(&health, &status(), Look::Piped).join("\n");
    insta::assert_snapshot!(lines, @"
    Healthy. Version 2.0.0.32.
    1 of 10 streams in use.
    gateway / backpressure                     ready
    worker 127.0.0.1:50052                     degraded
    worker 127.0.0.1:50052 / audio_generation  degraded  azure: no key
    ");
}

#[test]
fn reads_aloud_in_sentences() {
    let health = answer(503, &json!({"status": "unhealthy", "reason": "draining"}));
    let lines = report(&health, &status(), Look::Plain).join("\n");
    insta::assert_snapshot!(lines, @"
    Not healthy: draining.
    1 of 10 streams in use.
    gateway / backpressure ready.
    worker 127.0.0.1:50052 degraded.
    worker 127.0.0.1:50052 / audio_generation degraded azure: no key.
    ");
}

#[test]
fn a_page_that_is_not_ours_is_not_healthy() {
    let page = Answer { status: 200, headers: HeaderMap::new(), body: "<html>".to_owned() };
    assert!(!is_healthy(&page));
    let lines = report(&page, &page, Look::Piped);
    assert_eq!(lines, ["Not healthy: HTTP 200.", "/status answered HTTP 200 and no JSON."]);
}
