use futures_util::StreamExt;
use nexy_testkit::chat_server::{ChatServer, Script};
use nexy_types::{Argument, ArgumentKind, Command, Language, Risk};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Delta, Exchange, FinishReason, Image, Usage};

const FIRST_TOKEN: Duration = Duration::from_millis(400);
const STALL: Duration = Duration::from_millis(300);
/// For steps that must not be taken for slow on a busy machine.
const AMPLE: Duration = Duration::from_secs(20);

fn settings(base_url: String) -> Settings {
    // A second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Settings {
        base_url,
        key: Some(SecretString::from("sk-test")),
        model: "test-model".to_owned(),
        temperature: 0.4,
        max_tokens: 256,
        connect_timeout: AMPLE,
        first_token_timeout: AMPLE,
        stall_timeout: AMPLE,
        max_event_bytes: 16 * 1024,
    }
}

fn hasty(base_url: String) -> Settings {
    Settings { first_token_timeout: FIRST_TOKEN, stall_timeout: STALL, ..settings(base_url) }
}

fn command() -> Command {
    Command {
        name: "open_app".to_owned(),
        description: "Opens an app.".to_owned(),
        arguments: vec![
            Argument {
                name: "app_name".to_owned(),
                kind: ArgumentKind::String,
                required: true,
                description: "Its name.".to_owned(),
            },
            Argument {
                name: "delay".to_owned(),
                kind: ArgumentKind::Integer,
                required: false,
                description: "Seconds.".to_owned(),
            },
        ],
        risk: Risk::Acts,
    }
}

fn request(prompt: &str) -> ChatRequest {
    ChatRequest {
        system: "Be brief.".to_owned(),
        history: Vec::new(),
        prompt: prompt.to_owned(),
        image: None,
        commands: Vec::new(),
        language: Language::english(),
        now: jiff::Zoned::default(),
        outages: false,
    }
}

/// Everything a reply gave: words, calls as `name(arguments)`, and its end.
#[derive(Debug, PartialEq)]
struct Told {
    text: String,
    calls: Vec<String>,
    usage: Option<Usage>,
    end: Result<FinishReason, Error>,
}

fn told(text: &str, end: Result<FinishReason, Error>) -> Told {
    let usage = end.is_ok().then_some(Usage { input_tokens: 11, output_tokens: 7 });
    Told { text: text.to_owned(), calls: Vec::new(), usage, end }
}

async fn ask(settings: Settings, request: ChatRequest) -> Result<Told, Error> {
    let mut reply = OpenAiModel::new(settings)?.reply(Arc::new(request)).await?;
    let mut told = told("", Err(Error::Truncated));
    while let Some(delta) = reply.next().await {
        match delta {
            Ok(Delta::Text(text)) => told.text.push_str(&text),
            Ok(Delta::ToolCall(call)) => {
                told.calls.push(format!("{}({})", call.name, call.arguments_json));
            }
            Ok(Delta::Usage(usage)) => told.usage = Some(usage),
            Ok(Delta::Finished(reason)) => told.end = Ok(reason),
            Err(error) => told.end = Err(error),
        }
    }
    Ok(told)
}

async fn play(script: Script) -> Result<Told, Error> {
    let server = ChatServer::start(script).await.unwrap();
    ask(settings(server.base_url()), request("hello")).await
}

async fn play_hastily(script: Script) -> Result<Told, Error> {
    let server = ChatServer::start(script).await.unwrap();
    ask(hasty(server.base_url()), request("hello")).await
}

async fn check(script: Script, expected: Told) {
    assert_eq!(play(script).await, Ok(expected));
}

// --- What is sent ---

#[tokio::test]
async fn sends_everything_that_was_asked_for() {
    let server = ChatServer::start(Script::text(["ok"])).await.unwrap();
    let mut full = request("What is this?");
    full.history = vec![
        Exchange { user: "Hi".to_owned(), assistant: "Hello.".to_owned() },
        Exchange { user: "Open it".to_owned(), assistant: String::new() },
    ];
    full.image =
        Some(Image { mime: "image/webp".to_owned(), data: Bytes::from_static(b"\x00\xFFwebp") });
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
async fn any_cut_of_the_byte_stream_gives_the_same_reply() {
    for size in [1, 2, 3, 7, 64] {
        for script in [Script::text(["Ада ", "👋 ok"]), Script::text(["Ада ", "👋 ok"]).crlf()]
        {
            check(script.chunk_bytes(size), told("Ада 👋 ok", Ok(FinishReason::Stop))).await;
        }
    }
}

#[tokio::test]
async fn a_missing_done_is_no_fault_once_the_model_has_finished() {
    check(Script::text(["Hello"]).without_done(), told("Hello", Ok(FinishReason::Stop))).await;
    let told = play_hastily(Script::text(["Hello"]).hang_after_finish()).await.unwrap();
    assert_eq!((told.text.as_str(), told.end), ("Hello", Ok(FinishReason::Stop)));
}

#[tokio::test]
async fn usage_may_be_missing() {
    let told = play(Script::text(["Hello"]).without_usage()).await.unwrap();
    assert_eq!((told.usage, told.end), (None, Ok(FinishReason::Stop)));
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
async fn thoughts_are_not_spoken() {
    check(Script::text(["Hello"]).reasoning("SECRET"), told("Hello", Ok(FinishReason::Stop))).await;
}

#[tokio::test]
async fn an_answer_in_one_document_is_a_reply() {
    check(Script::document("Hello"), told("Hello", Ok(FinishReason::Stop))).await;
}

// --- Replies that are not ---

#[tokio::test]
async fn a_reply_that_breaks_off_is_an_error() {
    let scripts =
        [Script::text(["Hello"]).cut(), Script::text(["Hello"]).reset(), Script::raw("data: {")];
    for (script, text) in scripts.into_iter().zip(["Hello", "Hello", ""]) {
        check(script, told(text, Err(Error::Truncated))).await;
    }
    check(Script::empty(), told("", Err(Error::Truncated))).await;
}

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
async fn what_is_not_the_format_is_malformed() {
    let rows = [
        Script::raw("data: hello\n\n"),
        Script::raw(format!("data: {}\n\n", "x".repeat(64 * 1024))),
        Script::raw("x".repeat(64 * 1024)),
    ];
    for script in rows {
        assert_eq!(play(script).await.unwrap().end.unwrap_err().as_str(), "malformed");
    }
    let page = Script::raw("<html>").content_type("text/html");
    assert_eq!(play(page).await.unwrap_err().as_str(), "malformed");
}

#[tokio::test]
async fn statuses_are_mapped_without_the_body() {
    let rows = [
        (400, "rejected"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "rejected"),
        (408, "unavailable"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
    ];
    for (status, expected) in rows {
        let error = play(Script::status(status, "some_code")).await.unwrap_err();
        assert_eq!(error.as_str(), expected, "{status}");
        assert!(error.to_string().ends_with(&format!("(status {status}, some_code)")), "{error}");
        assert!(!format!("{error:?}").contains("SECRET"));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = ChatServer::start(Script::text(["ok"])).await.unwrap();
    let away = Script::status(307, "moved").header("location", &server.base_url());
    assert_eq!(play(away).await.unwrap_err().as_str(), "rejected");
    assert!(server.requests().is_empty());
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
async fn a_server_that_is_not_there_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = ask(settings(format!("http://127.0.0.1:{port}/v1")), request("hello")).await;
    assert_eq!(error, Err(Error::Unavailable(Refusal::default())));
}

// --- Time ---

#[tokio::test]
async fn silence_before_the_first_words_ends_in_time() {
    let scripts = [
        Script::silent(),
        Script::text(["Hi"]).delay_headers(AMPLE),
        Script::text(["Hi"]).first_delay(AMPLE),
        Script::text::<&str>([]).reasoning("SECRET").hang(),
        Script::raw(": ping\n\n").hang(),
    ];
    for script in scripts {
        let started = std::time::Instant::now();
        let end = play_hastily(script).await.and_then(|told| told.end);
        assert_eq!(end, Err(Error::Timeout(Wait::FirstToken)));
        assert!(started.elapsed() >= FIRST_TOKEN && started.elapsed() < AMPLE / 2);
    }
}

#[tokio::test]
async fn a_stalled_reply_ends_in_time() {
    let started = std::time::Instant::now();
    let stalled = told("Hello", Err(Error::Timeout(Wait::Stall)));
    assert_eq!(play_hastily(Script::text(["Hello"]).hang()).await, Ok(stalled));
    assert!(started.elapsed() >= STALL && started.elapsed() < AMPLE / 2);
}

#[tokio::test]
async fn a_reply_may_last_longer_than_every_single_wait() {
    let script = Script::text(["a"; 12]).token_delay(STALL / 5);
    let told = play_hastily(script).await.unwrap();
    assert_eq!((told.text.as_str(), told.end), ("aaaaaaaaaaaa", Ok(FinishReason::Stop)));
}

#[tokio::test]
async fn a_slow_reader_is_not_taken_for_a_stalled_model() {
    let server = ChatServer::start(Script::text(["a", "b"]).token_delay(STALL)).await.unwrap();
    let slow = Settings { stall_timeout: STALL * 4, ..settings(server.base_url()) };
    let mut reply =
        OpenAiModel::new(slow).unwrap().reply(Arc::new(request("hello"))).await.unwrap();
    assert_eq!(reply.next().await, Some(Ok(Delta::Text("a".to_owned()))));
    tokio::time::sleep(STALL * 5).await;
    assert_eq!(reply.next().await, Some(Ok(Delta::Text("b".to_owned()))));
}

// --- Connections ---

/// How long the server takes to see that a dropped reply is gone.
async fn time_to_disconnect(script: Script, words: usize) -> Duration {
    let server = ChatServer::start(script).await.unwrap();
    let model = OpenAiModel::new(settings(server.base_url())).unwrap();
    let mut reply = model.reply(Arc::new(request("hello"))).await.unwrap();
    for _ in 0..words {
        reply.next().await.unwrap().unwrap();
    }
    assert_eq!(server.open_connections(), 1);
    let dropped = std::time::Instant::now();
    drop(reply);
    server.wait_disconnect(AMPLE).await.unwrap().saturating_duration_since(dropped)
}

#[tokio::test]
async fn dropping_a_reply_closes_its_connection_at_once() {
    let endless = Script::endless("word ", Duration::from_millis(5));
    for (script, words) in [(endless, 3), (Script::text(["Hi"]).hang(), 1)] {
        let took = time_to_disconnect(script, words).await;
        println!("closed after {took:?}");
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
}

#[tokio::test]
async fn dropping_a_request_that_nobody_answers_closes_its_connection_at_once() {
    let server = ChatServer::start(Script::silent()).await.unwrap();
    let model = OpenAiModel::new(settings(server.base_url())).unwrap();
    let asked = model.reply(Arc::new(request("hello")));
    assert!(tokio::time::timeout(STALL, asked).await.is_err());
    let dropped = std::time::Instant::now();
    assert!(server.wait_disconnect(AMPLE).await.is_some());
    println!("closed after at most {:?}", dropped.elapsed());
    assert!(dropped.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn a_reply_read_to_its_end_leaves_its_connection_for_the_next_question() {
    // Without [DONE] the reply is over when the body is.
    let server = ChatServer::start(Script::text(["ok"]).without_done()).await.unwrap();
    let model = OpenAiModel::new(settings(server.base_url())).unwrap();
    for _ in 0..5 {
        let reply = model.reply(Arc::new(request("hello"))).await.unwrap();
        assert!(reply.collect::<Vec<_>>().await.iter().all(Result::is_ok));
        server.wait_disconnect(AMPLE).await.unwrap();
    }
    println!("{} connections for 5 questions", server.accepted_connections());
    assert!(server.accepted_connections() < 5);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_words_come_through(words in prop::collection::vec("\\PC{1,12}", 1..6), cut in 1_usize..40) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = runtime.block_on(play(Script::text(words.clone()).chunk_bytes(cut)));
        prop_assert_eq!(told.unwrap().text, words.concat());
    }
}
