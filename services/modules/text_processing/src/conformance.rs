//! What every model must do, whoever is behind it.
//!
//! The clients are run against the fakes of their providers, each check once per
//! wire format; the models without a wire pass the checks that need none.

mod over_tls;
mod subject;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all};
use nexy_testkit::{chat_server::OpenAi, gemini_server::Gemini, model_server::Script, soonest};
use proptest::prelude::*;

use crate::{
    Delta, Error, FinishReason, LanguageModel, Refusal, Usage, Wait,
    offline::{self, OfflineAssistant},
    scripted::{ScriptedModel, Step},
    testing::{self, AMPLE, Told, ask, request, told},
};
use subject::{Bench, MAX_EVENT_BYTES, Subject, Waits};

const FIRST_TOKEN: Duration = Duration::from_millis(400);
const STALL: Duration = Duration::from_millis(300);

/// How soon a provider sees that nobody listens any more. A busy machine gets
/// three tries.
const LEFT_WITHIN: Duration = Duration::from_millis(50);

async fn play<S: Subject>(script: Script<S>) -> Result<Told, Error> {
    Bench::patient(script).await.ask("hello").await
}

async fn play_hastily<S: Subject>(script: Script<S>) -> Result<Told, Error> {
    Bench::with(script, FIRST_TOKEN, STALL).await.ask("hello").await
}

fn stopped(text: &str) -> Result<Told, Error> {
    Ok(told(text, Ok(FinishReason::Stop)))
}

/// Makes one test of each check, for each client.
macro_rules! for_every_wire_format {
    ($($check:ident)*) => {
        mod openai_compatible {
            $(#[tokio::test] async fn $check() { super::$check::<super::OpenAi>().await; })*
        }
        mod gemini_api {
            $(#[tokio::test] async fn $check() { super::$check::<super::Gemini>().await; })*
        }
    };
}

for_every_wire_format! {
    any_cut_of_the_byte_stream_gives_the_same_reply
    a_whole_reply_ends_with_usage_and_finish
    warming_up_opens_the_connection_that_the_next_question_uses
    parallel_requests_are_isolated
    an_empty_prompt_gets_an_answer_or_a_refusal
    an_invalid_key_is_an_error
    statuses_are_mapped_without_the_body
    errors_inside_a_reply_are_told_after_its_words
    thoughts_are_not_spoken
    a_reply_that_breaks_off_is_an_error
    half_a_character_at_the_end_is_a_reply_that_breaks_off
    bytes_that_are_no_text_do_no_harm
    an_answer_of_another_kind_is_malformed
    what_never_ends_is_cut_off
    redirects_are_not_followed
    a_server_that_is_not_there_is_unavailable
    silence_before_the_first_words_ends_in_time
    a_stalled_reply_ends_in_time
    a_finished_reply_on_an_open_connection_is_whole
    a_reply_may_last_longer_than_every_single_wait
    a_slow_reader_is_not_taken_for_a_stalled_model
    dropping_a_reply_closes_its_connection_at_once
    dropping_a_request_that_nobody_answers_closes_its_connection_at_once
    a_reply_read_to_its_end_leaves_its_connection_for_the_next_question
}

// --- Replies ---

async fn any_cut_of_the_byte_stream_gives_the_same_reply<S: Subject>() {
    for size in [1, 2, 3, 5, 7, 64] {
        for script in [Script::<S>::text(["Ада ", "👋 ok"]), Script::text(["Ада ", "👋 ok"]).crlf()]
        {
            assert_eq!(play(script.chunk_bytes(size)).await, stopped("Ада 👋 ok"), "{size}");
        }
    }
}

async fn a_whole_reply_ends_with_usage_and_finish<S: Subject>() {
    let script = Script::<S>::text(["Hel", "lo"]).usage(123, 45);
    let usage = Some(Usage { input_tokens: 123, output_tokens: 45 });
    assert_eq!(play(script).await, stopped("Hello").map(|told| Told { usage, ..told }));
    let uncounted = play(Script::<S>::text(["Hello"]).without_usage()).await.unwrap();
    assert_eq!((uncounted.usage, uncounted.end), (None, Ok(FinishReason::Stop)));
    let long = play(Script::<S>::text(["Hello"]).finish(S::LENGTH)).await;
    assert_eq!(long, Ok(told("Hello", Ok(FinishReason::Length))));
    assert_eq!(play(Script::<S>::text::<&str>([])).await, stopped(""));
}

async fn warming_up_opens_the_connection_that_the_next_question_uses<S: Subject>() {
    let bench = Bench::<S>::patient(Script::text(["Yes."])).await;
    bench.model.warm_up().await.unwrap();
    assert_eq!(bench.server.accepted_connections(), 1);
    assert!(bench.server.requests().is_empty(), "nothing is asked");
    assert_eq!(bench.ask("hello").await, stopped("Yes."));
    assert_eq!(bench.server.accepted_connections(), 1);
}

async fn parallel_requests_are_isolated<S: Subject>() {
    let bench = Bench::patient(Script::<S>::text(["none"])).await;
    for number in 0..24 {
        let words = [format!("answer <{number}> "), "Ада".to_owned(), format!(" of {number}")];
        let script = match number % 3 {
            0 => Script::text(words).chunk_bytes(3),
            1 => Script::text(words).token_delay(Duration::from_millis(3)),
            _ => Script::text(words).cut(),
        };
        bench.server.state().on_prompt(format!("<{number}>"), script);
    }
    let replies = join_all((0..24).map(|number| {
        let prompt = format!("question <{number}>");
        let model = Arc::clone(&bench.model);
        async move { ask(model.as_ref(), request(&prompt)).await }
    }))
    .await;
    for (number, reply) in replies.into_iter().enumerate() {
        let reply = reply.unwrap();
        assert_eq!(reply.text, format!("answer <{number}> Ада of {number}"));
        let is_whole = number % 3 != 2;
        assert_eq!(reply.end.is_ok(), is_whole, "{:?}", reply.end);
    }
}

async fn an_empty_prompt_gets_an_answer_or_a_refusal<S: Subject>() {
    let bench = Bench::patient(Script::<S>::text(["Yes?"])).await;
    assert_eq!(bench.ask("").await, stopped("Yes?"));
    bench.server.state().set_default(S::refusal(400));
    assert!(bench.ask("").await.unwrap_err().is_about_the_request());
}

async fn thoughts_are_not_spoken<S: Subject>() {
    assert_eq!(play(S::thinking_aloud(Script::text(["Hello"]))).await, stopped("Hello"));
}

// --- Refusals and faults ---

async fn an_invalid_key_is_an_error<S: Subject>() {
    let error = play(S::refusal(401)).await.unwrap_err();
    assert_eq!(error.as_str(), "unauthorized");
    assert!(!error.is_retryable() && !error.is_about_the_request());
}

async fn statuses_are_mapped_without_the_body<S: Subject>() {
    let rows = [
        (400, "rejected", false),
        (401, "unauthorized", false),
        (403, "unauthorized", false),
        (404, "rejected", false),
        (408, "unavailable", true),
        (429, "rate_limited", true),
        (500, "unavailable", true),
        (502, "unavailable", true),
        (503, "unavailable", true),
    ];
    for (status, expected, retryable) in rows {
        let error = play(S::refusal(status)).await.unwrap_err();
        assert_eq!((error.as_str(), error.is_retryable()), (expected, retryable), "{status}");
        assert!(error.to_string().contains(&format!("(status {status}, ")), "{error}");
        assert!(!format!("{error:?}").contains("SECRET"));

        // A page of some proxy instead of an error object.
        let page = S::refusal(status).content_type("text/html").header("retry-after", "7");
        let error = play(page).await.unwrap_err();
        assert_eq!((error.as_str(), error.retry_after()), (expected, Some(Duration::from_secs(7))));
    }
}

async fn errors_inside_a_reply_are_told_after_its_words<S: Subject>() {
    for size in [1, 4096] {
        let script = S::error_inside(Script::text(["Hi"])).chunk_bytes(size);
        let told = play(script).await.unwrap();
        assert_eq!(told.text, "Hi");
        let error = told.end.unwrap_err();
        assert_eq!(error.as_str(), "unavailable");
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }
}

async fn a_reply_that_breaks_off_is_an_error<S: Subject>() {
    let text = || Script::<S>::text(["Hello"]);
    for (script, text) in
        [(text().cut(), "Hello"), (text().reset(), "Hello"), (Script::raw("data: {"), "")]
    {
        assert_eq!(play(script).await, Ok(told(text, Err(Error::Truncated))));
    }
    assert_eq!(play(Script::<S>::empty()).await, Ok(told("", Err(Error::Truncated))));
}

async fn half_a_character_at_the_end_is_a_reply_that_breaks_off<S: Subject>() {
    let event = format!("data: {}", S::words("При"));
    let half = event.find('и').unwrap() + 1;
    let whole = format!("data: {}\n\n", S::words("Да"));
    let body = [whole.as_bytes(), &event.as_bytes()[..half]].concat();
    assert_eq!(play(Script::<S>::raw(body)).await, Ok(told("Да", Err(Error::Truncated))));
}

async fn bytes_that_are_no_text_do_no_harm<S: Subject>() {
    let event = format!("data: {}\n\n", S::words("a?b"));
    let body: Vec<u8> = event.bytes().map(|b| if b == b'?' { 0xD0 } else { b }).collect();
    assert_eq!(play(Script::<S>::raw(body)).await, Ok(told("a\u{FFFD}b", Err(Error::Truncated))));
}

async fn an_answer_of_another_kind_is_malformed<S: Subject>() {
    let page = Script::<S>::raw("<html>").content_type("text/html");
    assert_eq!(play(page).await.unwrap_err().as_str(), "malformed");
    for body in ["data: hello\n\n", "data: 7\n\n", "{\"a\": oops}\n", "data: {\"a\"}\n\n"] {
        let end = play(Script::<S>::raw(body)).await.unwrap().end;
        assert_eq!(end.unwrap_err().as_str(), "malformed", "{body}");
    }
    // Not even events: nothing was said.
    assert_eq!(play(Script::<S>::raw("hello\n\n")).await.unwrap().end, Err(Error::Truncated));
}

async fn what_never_ends_is_cut_off<S: Subject>() {
    let too_large = Err(Error::Malformed("event is too large"));
    for start in ["data: ", "", ": ", "{\"a\":\"", "[["] {
        let body = format!("{start}{}", "x".repeat(4 * MAX_EVENT_BYTES));
        let end = play(Script::<S>::raw(body).hang()).await.unwrap().end;
        assert_eq!(end, too_large, "{start:?}");
    }
    let lines = "data: x\n".repeat(MAX_EVENT_BYTES);
    assert_eq!(play(Script::<S>::raw(lines).hang()).await.unwrap().end, too_large);
}

async fn redirects_are_not_followed<S: Subject>() {
    let elsewhere = Bench::patient(Script::<S>::text(["ok"])).await;
    let away = S::refusal(307).header("location", &elsewhere.server.base_url());
    assert_eq!(play(away).await.unwrap_err().as_str(), "rejected");
    assert!(elsewhere.server.requests().is_empty());
}

async fn a_server_that_is_not_there_is_unavailable<S: Subject>() {
    testing::install_tls_provider();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let model = S::model(format!("http://127.0.0.1:{port}"), Waits::AMPLE);
    let error = ask(model.as_ref(), request("hello")).await;
    assert_eq!(error, Err(Error::Unavailable(Refusal::default())));
}

// --- Time ---

async fn silence_before_the_first_words_ends_in_time<S: Subject>() {
    let scripts = [
        Script::<S>::silent(),
        Script::text(["Hi"]).delay_headers(AMPLE),
        Script::text(["Hi"]).first_delay(AMPLE),
        S::thinking_aloud(Script::text::<&str>([])).hang(),
        Script::raw(": ping\n\n").hang(),
        S::refusal(503).hang(),
    ];
    for script in scripts {
        let started = Instant::now();
        let end = play_hastily(script).await.and_then(|told| told.end);
        assert_eq!(end, Err(Error::Timeout(Wait::FirstToken)));
        let took = started.elapsed();
        println!("gave up after {took:?} of {FIRST_TOKEN:?}");
        assert!(took >= FIRST_TOKEN && took < AMPLE / 2);
    }
}

async fn a_stalled_reply_ends_in_time<S: Subject>() {
    let started = Instant::now();
    let stalled = told("Hello", Err(Error::Timeout(Wait::Stall)));
    assert_eq!(play_hastily(Script::<S>::text(["Hello"]).hang()).await, Ok(stalled));
    let took = started.elapsed();
    println!("gave up after {took:?} of {STALL:?}");
    assert!(took >= STALL && took < AMPLE / 2);
}

async fn a_finished_reply_on_an_open_connection_is_whole<S: Subject>() {
    let told = play_hastily(Script::<S>::text(["Hello"]).hang_after_finish()).await.unwrap();
    assert_eq!((told.text.as_str(), told.end), ("Hello", Ok(FinishReason::Stop)));
}

async fn a_reply_may_last_longer_than_every_single_wait<S: Subject>() {
    let script = Script::<S>::text(["a"; 12]).token_delay(STALL / 5);
    assert_eq!(play_hastily(script).await, stopped("aaaaaaaaaaaa"));
}

async fn a_slow_reader_is_not_taken_for_a_stalled_model<S: Subject>() {
    let script = Script::<S>::text(["a", "b"]).token_delay(STALL);
    let bench = Bench::with(script, AMPLE, STALL * 4).await;
    let mut reply = bench.open().await;
    assert_eq!(reply.next().await, Some(Ok(Delta::Text("a".to_owned()))));
    tokio::time::sleep(STALL * 5).await;
    assert_eq!(reply.next().await, Some(Ok(Delta::Text("b".to_owned()))));
}

// --- Connections ---

async fn dropping_a_reply_closes_its_connection_at_once<S: Subject>() {
    let endless = Script::<S>::endless("word ", Duration::from_millis(5));
    for (script, words) in [(endless, 3), (Script::text(["Hi"]).hang(), 1)] {
        let took = soonest(LEFT_WITHIN, async || {
            let bench = Bench::patient(script.clone()).await;
            let mut reply = bench.open().await;
            for _ in 0..words {
                reply.next().await.unwrap().unwrap();
            }
            assert_eq!(bench.server.open_connections(), 1);
            let dropped = Instant::now();
            drop(reply);
            let closed = bench.server.wait_disconnect(AMPLE).await.unwrap();
            closed.saturating_duration_since(dropped)
        });
        let took = took.await;
        println!("closed after {took:?}");
        assert!(took < LEFT_WITHIN, "{took:?}");
    }
}

async fn dropping_a_request_that_nobody_answers_closes_its_connection_at_once<S: Subject>() {
    let took = soonest(LEFT_WITHIN, async || {
        let bench = Bench::patient(Script::<S>::silent()).await;
        let asked = bench.model.reply(Arc::new(request("hello")));
        assert!(tokio::time::timeout(STALL, asked).await.is_err());
        let dropped = Instant::now();
        let closed = bench.server.wait_disconnect(AMPLE).await.unwrap();
        closed.saturating_duration_since(dropped)
    });
    let took = took.await;
    println!("closed after {took:?}");
    assert!(took < LEFT_WITHIN, "{took:?}");
}

async fn a_reply_read_to_its_end_leaves_its_connection_for_the_next_question<S: Subject>() {
    // The reply is over when the body is, not when an event says so.
    let bench = Bench::patient(Script::<S>::text(["ok"]).without_done()).await;
    for _ in 0..5 {
        assert_eq!(bench.ask("hello").await, stopped("ok"));
        bench.server.wait_disconnect(AMPLE).await.unwrap();
    }
    let accepted = bench.server.accepted_connections();
    println!("{accepted} connections for 5 questions");
    assert!(accepted < 5);
}

fn check_any_words<S: Subject>(words: &[String], cut: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(play(Script::<S>::text(words.to_vec()).chunk_bytes(cut)));
    assert_eq!(told.unwrap().text, words.concat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_words_come_through(words in prop::collection::vec("\\PC{1,12}", 1..6), cut in 1_usize..40) {
        check_any_words::<OpenAi>(&words, cut);
        check_any_words::<Gemini>(&words, cut);
    }
}

// --- Models without a wire ---

fn without_a_wire() -> [Arc<dyn LanguageModel>; 2] {
    [
        Arc::new(OfflineAssistant::new(offline::Settings::default())),
        Arc::new(ScriptedModel::saying("scripted", "Hello there.")),
    ]
}

#[tokio::test]
async fn every_model_has_a_name_and_ends_its_replies() {
    for model in without_a_wire() {
        assert!(model.name().bytes().all(|b| b.is_ascii_lowercase()));
        for prompt in ["", "hello", "\u{0}\u{FFFD}👋", &"long ".repeat(4_000)] {
            let told = ask(model.as_ref(), request(prompt)).await.unwrap();
            assert!(told.end == Ok(FinishReason::Stop) && !told.text.is_empty(), "{told:?}");
        }
    }
}

#[tokio::test]
async fn every_model_answers_in_parallel() {
    let assistant =
        OfflineAssistant::new(offline::Settings { token_delay: Duration::from_millis(1) });
    let replies = join_all((0..24).map(|number| {
        let prompt = format!("what is {number} plus 100");
        let assistant = &assistant;
        async move { ask(assistant, request(&prompt)).await.unwrap().text }
    }))
    .await;
    for (number, reply) in replies.iter().enumerate() {
        assert!(reply.contains(&(number + 100).to_string()), "{reply}");
    }
}

#[tokio::test]
async fn a_scripted_reply_without_an_end_is_cut_off_and_dropped_at_once() {
    let model = ScriptedModel::new("scripted", vec![Step::text("Hel")]);
    assert_eq!(ask(&model, request("hello")).await.unwrap().end, Err(Error::Truncated));
    let hanging = ScriptedModel::new("scripted", vec![Step::text("Hel"), Step::Hang]);
    let mut reply = hanging.reply(Arc::new(request("hello"))).await.unwrap();
    reply.next().await.unwrap().unwrap();
    assert_eq!(hanging.open_replies(), 1);
    drop(reply);
    assert_eq!(hanging.open_replies(), 0);
}
