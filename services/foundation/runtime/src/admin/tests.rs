use axum::body::Body;
use http_body_util::BodyExt as _;
use nexy_config::{Settings, Sources};
use nexy_telemetry::capture;
use tower::ServiceExt as _;

use super::*;

const TOKEN: &str = "a-token-of-the-tests";
const ACTIONS: &str = "features.forward_assistant_actions";

fn live() -> Arc<Live> {
    let sources = Sources::for_tests([("NEXY_ENV", "dev")]);
    let (settings, _) = Settings::load(&sources).unwrap();
    Arc::new(Live::new(sources, settings.flags()))
}

fn routes(live: &Arc<Live>) -> Router {
    router(Arc::clone(live), Some(&TOKEN.to_owned().into()))
}

/// Status and body of `METHOD PATH BODY`.
async fn ask(routes: &Router, request: &str, headers: &[(&str, &[u8])]) -> (u16, Value) {
    let mut words = request.splitn(3, ' ');
    let [method, path, body] = [(); 3].map(|()| words.next().unwrap_or_default().to_owned());
    let mut request = Request::builder().method(method.as_str()).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = routes.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn knowing(routes: &Router, request: &str) -> (u16, Value) {
    let bearer = format!("Bearer {TOKEN}");
    ask(routes, request, &[("authorization", bearer.as_bytes())]).await
}

#[tokio::test]
async fn without_a_token_there_are_no_routes() {
    let routes = router(live(), None);
    for request in ["GET /admin/flags", "PUT /admin/flags/use_fallback_manager false"] {
        assert_eq!(knowing(&routes, request).await.0, 404, "{request}");
    }
}

#[tokio::test]
async fn nobody_is_let_in_without_the_token() {
    let log = capture();
    let live = live();
    let routes = routes(&live);
    let request = "PUT /admin/flags/use_fallback_manager false";
    for wrong in [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer a-token-of-the-test",
        "Bearer a-token-of-the-testsx",
        "Bearer A-TOKEN-OF-THE-TESTS",
        "Basic a-token-of-the-tests",
    ] {
        let headers = [("authorization", wrong.as_bytes())];
        let headers = if wrong.is_empty() { &[][..] } else { &headers[..] };
        assert_eq!(ask(&routes, request, headers).await.0, 401, "{wrong:?}");
        let list = "GET /admin/flags";
        assert_eq!(ask(&routes, list, headers).await.0, 401, "{wrong:?}");
        let unknown = "GET /admin/flags/nothing";
        assert_eq!(ask(&routes, unknown, headers).await.0, 401, "{wrong:?}");
    }
    assert!(live.snapshot().fail_over());
    // Said once, and counted.
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("level=WARN scope=runtime decision=admin_denied ctx={\"count\":1"));
    assert!(!lines[0].contains(TOKEN));
    for scheme in ["Bearer", "bearer"] {
        let bearer = format!("{scheme} {TOKEN}");
        let headers = [("authorization", bearer.as_bytes())];
        assert_eq!(ask(&routes, request, &headers).await.0, 200, "{scheme}");
    }
    assert!(!live.snapshot().fail_over());
}

#[tokio::test]
async fn a_flag_is_shown_set_and_reset() {
    let live = live();
    let routes = routes(&live);
    let (status, list) = knowing(&routes, "GET /admin/flags").await;
    assert_eq!((status, list["flags"].as_array().map(Vec::len)), (200, Some(7)));
    let row = |value: Value, is_set: bool| json!({ "name": ACTIONS, "value": value, "configured": false, "is_set": is_set });
    let rows = [
        (format!("GET /admin/flags/{ACTIONS}"), row(json!(false), false)),
        (format!("PUT /admin/flags/{ACTIONS} true"), row(json!(true), true)),
        (
            format!("PUT /admin/flags/{ACTIONS} {{\"percent\":25}}"),
            row(json!({"percent": 25}), true),
        ),
        (
            "GET /admin/flags/forward_assistant_actions".to_owned(),
            row(json!({"percent": 25}), true),
        ),
        (format!("DELETE /admin/flags/{ACTIONS}"), row(json!(false), false)),
    ];
    for (request, row) in rows {
        assert_eq!(knowing(&routes, &request).await, (200, row), "{request}");
    }
}

#[tokio::test]
async fn what_cannot_be_says_what_can() {
    let routes = routes(&live());
    for name in ["nothing", "grpc.port", "features.", "%00"] {
        let (status, body) = knowing(&routes, &format!("PUT /admin/flags/{name} true")).await;
        assert_eq!((status, body["allowed"].as_array().map(Vec::len)), (404, Some(7)), "{name}");
    }
    for value in ["", "on", "1", "\"true\"", "{\"percent\":101}", "{\"percent\":25,\"x\":1}", "[]"]
    {
        let (status, body) = knowing(&routes, &format!("PUT /admin/flags/{ACTIONS} {value}")).await;
        assert_eq!(
            (status, &body["allowed"][2]["percent"]),
            (400, &json!("a whole number from 0 to 100")),
            "{value}"
        );
    }
    let (status, body) =
        knowing(&routes, "PUT /admin/flags/disable_module_coordinator {\"percent\":25}").await;
    assert_eq!((status, &body["allowed"]), (400, &json!([true, false])));
    let (status, body) = knowing(&routes, "PUT /admin/flags/disable_module_coordinator 0").await;
    assert_eq!((status, &body["allowed"]), (400, &json!([true, false])));
    let long = "x".repeat(BODY_LIMIT + 1);
    assert_eq!(knowing(&routes, &format!("PUT /admin/flags/{ACTIONS} {long}")).await.0, 413);
    assert_eq!(knowing(&routes, &format!("POST /admin/flags/{ACTIONS} true")).await.0, 405);
}

#[tokio::test]
async fn every_change_has_one_line_with_who_and_why() {
    let log = capture();
    let routes = routes(&live());
    let bearer = format!("Bearer {TOKEN}");
    let by = format!("  \u{9b}31mНина\u{80}{}", "x".repeat(100));
    let headers = [
        ("authorization", bearer.as_bytes()),
        (BY, by.as_bytes()),
        (REASON, "ramp, step 2".as_bytes()),
    ];
    for request in [
        "PUT /admin/flags/use_fallback_manager {\"percent\":25}",
        // Nothing new.
        "PUT /admin/flags/use_fallback_manager {\"percent\":25}",
        "DELETE /admin/flags/use_fallback_manager",
        "DELETE /admin/flags/use_fallback_manager",
        // Pinned at what it is: nothing changes now, and something may not later.
        "PUT /admin/flags/use_fallback_manager true",
    ] {
        assert_eq!(ask(&routes, request, &headers).await.0, 200, "{request}");
    }
    let who = format!("31mНина{}", "x".repeat(64 - 7));
    let ctx = |from: &str, to: &str, cause: &str| {
        format!(
            "decision=flag_changed ctx={{\"name\":\"features.use_fallback_manager\",\
             \"from\":\"{from}\",\"to\":\"{to}\",\"cause\":\"{cause}\",\"by\":\"{who}\",\
             \"reason\":\"ramp, step 2\"}}"
        )
    };
    let expected =
        [ctx("true", "25%", "set"), ctx("25%", "true", "reset"), ctx("true", "true", "set")];
    let lines = log.lines();
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.ends_with(&expected), "{line}\n{expected}");
    }
}
