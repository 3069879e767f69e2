use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{Audio, Ending, Refusal, Script, SpeechServer, tone};

const PATIENT: Duration = Duration::from_secs(10);

fn client() -> reqwest::Client {
    // Fails when another test was first: then it is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn request() -> Value {
    json!({"model": "m", "input": "hi", "voice": "v", "response_format": "pcm", "speed": 1.0})
}

async fn ask(server: &SpeechServer, body: &Value) -> reqwest::Response {
    let url = format!("{}/audio/speech", server.base_url());
    client().post(url).json(body).send().await.unwrap()
}

#[tokio::test]
async fn speaks_and_records_what_it_was_asked() {
    let server = SpeechServer::start(Script { chunk_bytes: 7, ..Script::tone() }).await.unwrap();
    let response = ask(&server, &request()).await;
    assert_eq!(response.headers()["content-type"], "audio/pcm");
    assert!(response.headers().get("content-length").is_none());
    let pcm = tone(440, Duration::from_millis(500), 24_000);
    assert_eq!(response.bytes().await.unwrap(), pcm);
    assert_eq!(server.requests()[0].body, request());
    assert!(!server.saw_disconnect(Duration::ZERO).await);
}

#[tokio::test]
async fn refuses_what_the_real_service_refuses() {
    let script = Script { voices: vec!["v".to_owned()], ..Script::tone() };
    let server = SpeechServer::start(script).await.unwrap();
    for (key, value) in [
        ("input", json!("")),
        ("input", json!("x".repeat(4097))),
        ("voice", json!("w")),
        ("speed", json!(4.1)),
        ("speed", json!("fast")),
        ("response_format", json!("mp3")),
        ("model", Value::Null),
    ] {
        let mut body = request();
        body[key] = value;
        assert_eq!(ask(&server, &body).await.status(), 400, "{key}");
    }
    server.state().always(Script { key: Some("k".to_owned()), ..Script::tone() });
    let response = ask(&server, &request()).await;
    assert_eq!(response.status(), 401);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "invalid_api_key");
}

#[tokio::test]
async fn follows_the_script_of_each_request() {
    let server = SpeechServer::start(Script::tone()).await.unwrap();
    let busy = Refusal::new(429, "requests", "rate_limit_exceeded").header("retry-after", "3");
    server.state().then(Script::refusing(busy));
    server.state().then(Script::speaking(Audio::Nothing));
    server.state().then(Script { ending: Ending::CutAfter(100), ..Script::tone() });
    let refused = ask(&server, &request()).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    assert!(ask(&server, &request()).await.bytes().await.unwrap().is_empty());
    assert!(ask(&server, &request()).await.bytes().await.is_err());
    assert_eq!(ask(&server, &request()).await.bytes().await.unwrap().len(), 24_000);
}

#[tokio::test]
async fn notices_a_client_that_leaves() {
    let server = SpeechServer::start(Script::speaking(Audio::Endless { hz: 440 })).await.unwrap();
    let mut body = ask(&server, &request()).await.bytes_stream();
    assert!(body.next().await.unwrap().is_ok());
    assert_eq!((server.open_connections(), server.accepted_connections()), (1, 1));
    drop(body);
    assert!(server.saw_disconnect(PATIENT).await);
    assert!(server.has_connections(0, PATIENT).await);
}
