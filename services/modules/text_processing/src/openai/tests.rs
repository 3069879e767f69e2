use nexy_testkit::chat_server::{ChatServer, Script};
use serde_json::{Value, json};

use super::*;
use crate::{
    Exchange, FinishReason, Image, Screen,
    testing::{self, AMPLE, Told, command, request, told},
};

fn settings(base_url: String) -> Settings {
    testing::install_tls_provider();
    Settings {
        base_url,
        key: Some(SecretString::from("sk-test")),
        model: "test-model".to_owned(),
        temperature: 0.4,
        max_tokens: 256,
        image_formats: vec![ImageFormat::WebP],
        connections: testing::connections(),
        first_token_timeout: AMPLE,
        stall_timeout: AMPLE,
        max_event_bytes: 16 * 1024,
    }
}

async fn ask(settings: Settings, request: ChatRequest) -> Result<Told, Error> {
    testing::ask(&OpenAiModel::new(settings)?, request).await
}

async fn play(script: Script) -> Result<Told, Error> {
    let server = ChatServer::start(script).await.unwrap();
    ask(settings(server.base_url()), request("hello")).await
}

async fn check(script: Script, expected: Told) {
    assert_eq!(play(script).await, Ok(expected));
}

// --- What is sent ---

#[tokio::test]
async fn a_model_is_told_of_a_screenshot_that_it_does_not_get() {
    let server = ChatServer::start(Script::text(["ok"])).await.unwrap();
    for (screen, is_told) in [(Screen::NotSent, false), (Screen::Withheld, true)] {
        let asked = ChatRequest { screen, ..request("What is this?") };
        ask(settings(server.base_url()), asked).await.unwrap();
        let body = &server.requests().pop().unwrap().body;
        let system = body["messages"][0]["content"].as_str().unwrap();
        assert!(system.starts_with("Be brief."));
        assert_eq!(system.contains("screenshot could not be read"), is_told, "{system}");
        assert_eq!(body["messages"][1]["content"], "What is this?");
    }
}

#[tokio::test]
async fn sends_everything_that_was_asked_for() {
    let server = ChatServer::start(Script::text(["ok"])).await.unwrap();
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
    assert_eq!(requests[0].header("authorization"), "Bearer sk-test");
    assert_eq!(requests[0].header("accept"), "text/event-stream");
    assert_eq!(requests[0].prompt(), "What is this?");
    let expected = json!({
        "model": "test-model",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "content": "Hello." },
            { "role": "user", "content": "Open it" },
            { "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "data:image/webp;base64,AP93ZWJw" } },
            ]},
        ],
        "stream": true,
        "stream_options": { "include_usage": true },
        "temperature": 0.4,
        "max_tokens": 256,
        "tools": [{ "type": "function", "function": {
            "name": "open_app",
            "description": "Opens an app.",
            "parameters": {
                "type": "object",
                "properties": {
                    "app_name": { "type": "string", "description": "Its name." },
                    "delay": { "type": "integer", "description": "Seconds." },
                },
                "required": ["app_name"],
            },
        }}],
    });
    assert_eq!(requests[0].body, expected);
}

#[tokio::test]
async fn leaves_out_what_there_is_none_of() {
    let server = ChatServer::start(Script::text(["ok"])).await.unwrap();
    let mut bare = request("Hi");
    bare.system.clear();
    ask(Settings { key: None, ..settings(server.base_url()) }, bare).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), "");
    assert_eq!(requests[0].body["messages"], json!([{ "role": "user", "content": "Hi" }]));
    assert_eq!(requests[0].body["tools"], Value::Null);
}

#[test]
fn openai_itself_gets_the_new_name_of_the_limit() {
    let of = |host| request::TokenLimit::of_host(Some(host));
    assert_eq!(of("api.openai.com"), request::TokenLimit::MaxCompletionTokens);
    assert_eq!(of("127.0.0.1"), request::TokenLimit::MaxTokens);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let with_url = |url: &str| settings(url.to_owned());
    let url = "http://127.0.0.1:1/v1";
    let rows = [
        (with_url("not a url"), "base_url is not a URL"),
        (with_url("ftp://127.0.0.1/v1"), "base_url is neither http nor https"),
        (with_url("http://a:b@127.0.0.1/v1"), "base_url holds more than host and path"),
        (with_url("http://127.0.0.1/v1?x=1"), "base_url holds more than host and path"),
        (Settings { model: " ".to_owned(), ..with_url(url) }, "model is empty"),
        (
            Settings { key: Some(SecretString::from("a\nb")), ..with_url(url) },
            "key holds characters that a header cannot",
        ),
    ];
    for (settings, expected) in rows {
        assert_eq!(OpenAiModel::new(settings).err(), Some(Error::Settings(expected)));
    }
}

#[test]
fn debug_does_not_show_the_key_or_the_words() {
    let shown = format!("{:?} {:?}", settings("http://x/v1".to_owned()), request("hello"));
    assert!(!shown.contains("sk-test") && !shown.contains("hello") && !shown.contains("brief"));
}

// --- Replies that are whole ---

#[tokio::test]
async fn tells_words_usage_and_finish() {
    let whole = told("Hello, Ада 👋", Ok(FinishReason::Stop));
    check(Script::text(["Hel", "lo, ", "Ада ", "👋"]), whole).await;
    let long = told("Hello", Ok(FinishReason::Length));
    check(Script::text(["Hello"]).finish("length"), long).await;
}

#[tokio::test]
async fn a_missing_done_is_no_fault_once_the_model_has_finished() {
    check(Script::text(["Hello"]).without_done(), told("Hello", Ok(FinishReason::Stop))).await;
}

#[tokio::test]
async fn function_calls_arrive_whole() {
    let script = Script::text(["Opening."])
        .and_tool_call("open_app", &["{\"app_", "name\":\"Поч", "та\"}"])
        .and_tool_call("close_app", &["{}"])
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

// --- Replies that are not ---

#[tokio::test]
async fn errors_inside_a_reply_are_told_without_their_message() {
    let rows = [
        (Script::text(["Hi"]).error("server_error", Value::Null), "unavailable"),
        (Script::text(["Hi"]).error("invalid_request_error", Value::Null), "rejected"),
        (Script::text(["Hi"]).error("tokens", "rate_limit_exceeded"), "rate_limited"),
        (Script::text(["Hi"]).error("BadRequestError", 400), "rejected"),
        (Script::raw("error: {\"code\":503,\"message\":\"SECRET\"}\n\n"), "unavailable"),
        (Script::raw("[{\"error\":{\"code\":429,\"message\":\"SECRET\"}}]"), "rate_limited"),
    ];
    for (script, expected) in rows {
        let error = play(script).await.unwrap().end.unwrap_err();
        assert_eq!(error.as_str(), expected);
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }
}

#[tokio::test]
async fn hints_to_wait_are_passed_on() {
    let rows =
        [("retry-after", "7", 7_000), ("retry-after", "0.5", 500), ("retry-after-ms", "90", 90)];
    for (name, value, expected) in rows {
        let limited = Script::status(429, "rate_limit_exceeded").header(name, value);
        let error = play(limited).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_millis(expected)));
    }
}

#[tokio::test]
async fn one_server_answers_by_prompt_and_by_queue() {
    let server = ChatServer::start(Script::text(["default"])).await.unwrap();
    server.state().on_prompt("weather", Script::text(["rain"]));
    server.state().push(Script::status(503, "busy"));
    let ask = |prompt: &str| ask(settings(server.base_url()), request(prompt));
    assert_eq!(ask("the weather").await.unwrap().text, "rain");
    assert_eq!(ask("hello").await.unwrap_err().as_str(), "unavailable");
    assert_eq!(ask("hello").await.unwrap().text, "default");
}
