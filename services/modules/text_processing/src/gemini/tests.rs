use nexy_testkit::gemini_server::{GeminiServer, GoogleError, Script};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::{
    Exchange, FinishReason, Image, Screen,
    testing::{self, AMPLE, Told, command, request, told},
};

const STALL: Duration = Duration::from_millis(300);

fn settings(base_url: String) -> Settings {
    testing::install_tls_provider();
    Settings {
        base_url,
        key: SecretString::from("first-key"),
        fallback_key: Some(SecretString::from("second-key")),
        model: "test-model".to_owned(),
        temperature: 0.4,
        max_tokens: 256,
        image_formats: vec![ImageFormat::WebP],
        google_search: false,
        connections: testing::connections(),
        first_token_timeout: AMPLE,
        stall_timeout: AMPLE,
        max_event_bytes: 16 * 1024,
    }
}

fn one_key(base_url: String) -> Settings {
    Settings { fallback_key: None, ..settings(base_url) }
}

async fn ask(settings: Settings, request: ChatRequest) -> Result<Told, Error> {
    testing::ask(&GeminiModel::new(settings)?, request).await
}

async fn play(script: Script) -> Result<Told, Error> {
    let server = GeminiServer::start(script).await.unwrap();
    ask(one_key(server.base_url()), request("hello")).await
}

async fn check(script: Script, expected: Told) {
    assert_eq!(play(script).await, Ok(expected));
}

/// What is sent for a request.
async fn sent(settings: impl FnOnce(Settings) -> Settings, request: ChatRequest) -> Value {
    let server = GeminiServer::start(Script::text(["ok"])).await.unwrap();
    ask(settings(one_key(server.base_url())), request).await.unwrap();
    server.requests()[0].body.clone()
}

// --- What is sent ---

#[tokio::test]
async fn a_model_is_told_of_a_screenshot_that_it_does_not_get() {
    for (screen, is_told) in [(Screen::NotSent, false), (Screen::Withheld, true)] {
        let asked = ChatRequest { screen, ..request("What is this?") };
        let body = sent(|settings| settings, asked).await;
        let system = body["systemInstruction"]["parts"][0]["text"].as_str().unwrap();
        assert!(system.starts_with("Be brief."));
        assert_eq!(system.contains("screenshot could not be read"), is_told, "{system}");
        assert_eq!(body["contents"][0]["parts"], json!([{ "text": "What is this?" }]));
    }
}

#[tokio::test]
async fn sends_everything_that_was_asked_for() {
    let server = GeminiServer::start(Script::text(["ok"])).await.unwrap();
    let mut full = request("What is this?");
    full.history = vec![
        Exchange { user: "Hi".to_owned(), assistant: "Hello.".to_owned() },
        Exchange { user: "Open it".to_owned(), assistant: String::new() },
    ];
    full.screen = Screen::Shown(Image {
        format: ImageFormat::WebP,
        data: Bytes::from_static(b"\x00\xFFwebp"),
    });
    full.commands = vec![command()];
    ask(settings(format!("{}/", server.base_url())), full).await.unwrap();

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].uri.to_string(),
        "/v1beta/models/test-model:streamGenerateContent?alt=sse"
    );
    assert_eq!(requests[0].header("x-goog-api-key"), "first-key");
    assert_eq!(requests[0].header("content-type"), "application/json");
    assert_eq!(requests[0].prompt(), "What is this?");
    let expected = json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "contents": [
            { "role": "user", "parts": [{ "text": "Hi" }] },
            { "role": "model", "parts": [{ "text": "Hello." }] },
            { "role": "user", "parts": [
                { "text": "Open it" },
                { "inlineData": { "mimeType": "image/webp", "data": "AP93ZWJw" } },
                { "text": "What is this?" },
            ]},
        ],
        "tools": [{ "functionDeclarations": [{
            "name": "open_app",
            "description": "Opens an app.",
            "parameters": {
                "type": "OBJECT",
                "properties": {
                    "app_name": { "type": "STRING", "description": "Its name." },
                    "delay": { "type": "INTEGER", "description": "Seconds." },
                },
                "required": ["app_name"],
            },
        }]}],
        "generationConfig": { "temperature": 0.4, "maxOutputTokens": 256 },
    });
    assert_eq!(requests[0].body, expected);
}

#[tokio::test]
async fn leaves_out_what_there_is_none_of() {
    let mut bare = request("Hi");
    bare.system.clear();
    let body = sent(|settings| settings, bare).await;
    assert_eq!(body["contents"], json!([{ "role": "user", "parts": [{ "text": "Hi" }] }]));
    assert_eq!((&body["systemInstruction"], &body["tools"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_command_without_arguments_has_no_parameters() {
    let mut request = request("Hi");
    request.commands = vec![nexy_types::Command { arguments: Vec::new(), ..command() }];
    let body = sent(|settings| settings, request).await;
    let expected = json!([{ "name": "open_app", "description": "Opens an app." }]);
    assert_eq!(body["tools"][0]["functionDeclarations"], expected);
}

#[tokio::test]
async fn search_takes_the_place_of_function_declarations() {
    let mut request = request("Hi");
    request.commands = vec![command()];
    let body = sent(|settings| Settings { google_search: true, ..settings }, request).await;
    assert_eq!(body["tools"], json!([{ "googleSearch": {} }]));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let with_url = |url: &str| settings(url.to_owned());
    let url = "http://127.0.0.1:1";
    let with_model = |model: &str| Settings { model: model.to_owned(), ..with_url(url) };
    let not_a_name = "model is not a name of letters, digits, '-', '.' and '_'";
    let rows = [
        (with_url("not a url"), "base_url is not a URL"),
        (with_url("ftp://127.0.0.1"), "base_url is neither http nor https"),
        (with_url("http://127.0.0.1?key=x"), "base_url holds more than host and path"),
        (with_model(" "), "model is empty"),
        (with_model("models/"), "model is empty"),
        (with_model("../files"), not_a_name),
        (with_model("a?key=b"), not_a_name),
        (Settings { key: SecretString::from(" "), ..with_url(url) }, "key is empty"),
        (
            Settings { fallback_key: Some(SecretString::from("a\nb")), ..with_url(url) },
            "key holds characters that a header cannot",
        ),
    ];
    for (settings, expected) in rows {
        let error = GeminiModel::new(settings).err();
        assert_eq!(error, Some(Error::Settings(expected)));
    }
    assert!(GeminiModel::new(with_model("models/gemini-2.5-flash_x")).is_ok());
}

#[test]
fn keys_are_not_shown() {
    let settings = settings("http://127.0.0.1:1".to_owned());
    let keys = Keys::new(&settings.key, settings.fallback_key.as_ref()).unwrap();
    let shown = format!("{settings:?} {:?} {:?}", keys.value(Key::First), keys.value(Key::Second));
    assert!(!shown.contains(settings.key.expose_secret()) && !shown.contains("second-key"));
}

// --- Replies ---

#[tokio::test]
async fn tells_words_usage_and_finish() {
    let whole = told("Hello, Ада 👋", Ok(FinishReason::Stop));
    check(Script::text(["Hel", "lo, ", "Ада ", "👋"]).thought("SECRET"), whole).await;
    let long = told("Hello", Ok(FinishReason::Length));
    check(Script::text(["Hello"]).finish("MAX_TOKENS"), long).await;
    let withheld = told("Hello", Ok(FinishReason::ContentFilter));
    check(Script::text(["Hello"]).finish("SAFETY"), withheld).await;
}

#[tokio::test]
async fn function_calls_arrive_whole() {
    let script = Script::text(["Opening."])
        .and_tool_call("open_app", json!({ "app_name": "Почта" }))
        .and_tool_call("close_app", Value::Null)
        .chunk_bytes(5);
    let told = play(script).await.unwrap();
    assert_eq!(told.text, "Opening.");
    assert_eq!(told.calls, ["open_app({\"app_name\":\"Почта\"})", "close_app({})"]);
    assert_eq!(told.end, Ok(FinishReason::Stop));
}

#[tokio::test]
async fn an_answer_in_one_document_is_a_reply() {
    check(Script::document("Hello"), told("Hello", Ok(FinishReason::Stop))).await;
}

#[tokio::test]
async fn a_malformed_call_ends_the_reply_with_an_error() {
    let malformed = Script::text(["Hello"]).finish("MALFORMED_FUNCTION_CALL");
    let error = play(malformed).await.unwrap().end.unwrap_err();
    assert_eq!(error, Error::Malformed("function call is malformed"));
}

#[tokio::test]
async fn a_blocked_prompt_is_not_the_models_fault() {
    let error = play(Script::blocked("PROHIBITED_CONTENT")).await.unwrap().end.unwrap_err();
    assert_eq!(error.as_str(), "rejected");
    assert!(error.is_about_the_request());
}

#[tokio::test]
async fn errors_inside_a_reply_are_told_in_every_shape() {
    let limited = GoogleError::new(429, "RESOURCE_EXHAUSTED").retry_delay("34.07s");
    let scripts = [
        Script::text(["Hi"]).error(&limited),
        Script::text(["Hi"]).error(&limited).crlf().chunk_bytes(3),
        Script::text(["Hi"]).bare_error(&limited),
        Script::text(["Hi"]).bare_error(&limited).chunk_bytes(1),
        Script::text(["Hi"]).bare_error(&limited.clone().in_array()),
        Script::text(["Hi"]).bare_error_and_hang(&limited),
        Script::text(["Hi"]).bare_error_and_hang(&limited.clone().in_array()).chunk_bytes(2),
    ];
    for script in scripts {
        let told = play(script).await.unwrap();
        assert_eq!(told.text, "Hi");
        let error = told.end.unwrap_err();
        assert_eq!(error.as_str(), "rate_limited");
        assert_eq!(error.retry_after(), Some(Duration::from_secs_f64(34.07)));
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }
}

#[tokio::test]
async fn a_bare_error_without_end_is_bounded() {
    let endless = format!("{{\"error\":{{\"message\":\"{}", "x".repeat(64 * 1024));
    let error = play(Script::raw(endless).hang()).await.unwrap().end.unwrap_err();
    assert_eq!(error, Error::Malformed("event is too large"));
}

#[tokio::test]
async fn hints_to_wait_are_passed_on() {
    let limited = || GoogleError::new(429, "RESOURCE_EXHAUSTED");
    let rows = [
        (limited().retry_delay("34.07s"), Some(34_070), true),
        (limited().retry_delay("900ms").in_array(), Some(900), true),
        (limited().message("Quota exceeded. Please retry in 12.3s."), Some(12_300), true),
        (limited().quota("GenerateRequestsPerMinutePerModel"), Some(60_000), true),
        (limited().quota("GenerateRequestsPerDayPerModel"), None, false),
        (limited(), None, true),
    ];
    for (refusal, expected, retryable) in rows {
        let error = play(Script::refusal(&refusal)).await.unwrap_err();
        assert_eq!((error.as_str(), error.is_retryable()), ("rate_limited", retryable));
        assert_eq!(error.retry_after(), expected.map(Duration::from_millis));
    }
}

// --- Keys ---

/// A server that takes the second key only.
async fn with_the_first_key_refused(refusal: Script) -> GeminiServer {
    let server = GeminiServer::start(Script::text(["ok"])).await.unwrap();
    server.state().on_header("x-goog-api-key", "first-key", refusal);
    server
}

fn keys_of(server: &GeminiServer) -> Vec<String> {
    server.requests().iter().map(|request| request.header("x-goog-api-key").to_owned()).collect()
}

#[tokio::test]
async fn the_second_key_serves_when_the_first_is_refused_and_is_remembered() {
    let limited = GoogleError::new(429, "RESOURCE_EXHAUSTED").quota("PerDay");
    let refusals = [
        Script::invalid_key(),
        Script::status(401, "UNAUTHENTICATED"),
        Script::status(403, "PERMISSION_DENIED"),
        Script::refusal(&limited),
    ];
    for refusal in refusals {
        let server = with_the_first_key_refused(refusal).await;
        let model = GeminiModel::new(settings(server.base_url())).unwrap();
        for _ in 0..2 {
            assert_eq!(testing::ask(&model, request("hello")).await.unwrap().text, "ok");
        }
        assert_eq!(keys_of(&server), ["first-key", "second-key", "second-key"]);
    }
}

#[tokio::test]
async fn the_first_key_serves_again_when_the_second_is_refused_later() {
    let server = GeminiServer::start(Script::text(["ok"])).await.unwrap();
    server.state().on_header("x-goog-api-key", "second-key", Script::invalid_key());
    let model = GeminiModel::new(settings(server.base_url())).unwrap();
    model.endpoint.keys.prefer(Key::Second);
    for _ in 0..2 {
        assert_eq!(testing::ask(&model, request("hello")).await.unwrap().text, "ok");
    }
    assert_eq!(keys_of(&server), ["second-key", "first-key", "first-key"]);
}

#[tokio::test]
async fn each_key_is_tried_once() {
    let server = GeminiServer::start(Script::invalid_key()).await.unwrap();
    let error = ask(settings(server.base_url()), request("hello")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "call language model: unauthorized (status 400, API_KEY_INVALID)"
    );
    assert_eq!(keys_of(&server), ["first-key", "second-key"]);

    let alone = GeminiServer::start(Script::invalid_key()).await.unwrap();
    let same = Some(SecretString::from("first-key"));
    let same = Settings { fallback_key: same, ..settings(alone.base_url()) };
    assert_eq!(ask(same, request("hello")).await.unwrap_err().as_str(), "unauthorized");
    assert_eq!(keys_of(&alone), ["first-key"]);
}

#[tokio::test]
async fn a_limit_is_told_rather_than_a_bad_second_key() {
    let limited = GoogleError::new(429, "RESOURCE_EXHAUSTED").retry_delay("5s");
    let server = with_the_first_key_refused(Script::refusal(&limited)).await;
    server.state().set_default(Script::invalid_key());
    let error = ask(settings(server.base_url()), request("hello")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn of_two_limits_the_shorter_one_is_told() {
    let minute = GoogleError::new(429, "RESOURCE_EXHAUSTED").retry_delay("20s");
    let longer = GoogleError::new(429, "RESOURCE_EXHAUSTED").retry_delay("50s");
    let day = GoogleError::new(429, "RESOURCE_EXHAUSTED").quota("GenerateRequestsPerDay");
    for (first, second) in [(&minute, &day), (&day, &minute), (&minute, &longer)] {
        let server = with_the_first_key_refused(Script::refusal(first)).await;
        server.state().set_default(Script::refusal(second));
        let error = ask(settings(server.base_url()), request("hello")).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
        assert!(error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_about_the_key_is_not_asked_twice() {
    let refusals = [
        Script::status(400, "INVALID_ARGUMENT"),
        Script::status(404, "NOT_FOUND"),
        Script::status(503, "UNAVAILABLE"),
    ];
    for refusal in refusals {
        let server = GeminiServer::start(refusal).await.unwrap();
        ask(settings(server.base_url()), request("hello")).await.unwrap_err();
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn both_keys_share_one_wait() {
    let slow = Script::invalid_key().delay_headers(STALL);
    let server = with_the_first_key_refused(slow).await;
    server.state().set_default(Script::silent());
    let hasty = Settings { first_token_timeout: STALL * 2, ..settings(server.base_url()) };
    let started = std::time::Instant::now();
    let error = ask(hasty, request("hello")).await.unwrap_err();
    assert_eq!(error, Error::Timeout(Wait::FirstToken));
    assert!(started.elapsed() >= STALL * 2 && started.elapsed() < AMPLE / 2);
}
