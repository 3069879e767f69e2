//! What is OpenAI's own; `conformance` tests what all voices share.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use nexy_testkit::speech_server::{Audio, Ending, Refusal, Script, SpeechServer, openai_error};
use nexy_types::{Language, SampleRate, SpeechRate};
use secrecy::SecretString;
use serde_json::json;

use super::{OpenAiSynthesizer, Settings};
use crate::{Error, Speech, SpeechSynthesizer, Stage, Utterance, testing};

const PATIENT: Duration = Duration::from_secs(10);
const HURRIED: Duration = Duration::from_millis(150);

async fn server(script: Script) -> SpeechServer {
    // Fails when another test was first: then it is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    SpeechServer::start(script).await.unwrap()
}

fn settings(server: &SpeechServer) -> Settings {
    Settings {
        base_url: server.base_url(),
        key: None,
        model: "tts-1".to_owned(),
        voice: "alloy".to_owned(),
        sample_rate: SampleRate::new(24_000).unwrap(),
        takes_speed: true,
        connections: testing::connections(),
        first_byte_timeout: PATIENT,
        stall_timeout: PATIENT,
    }
}

fn voice(server: &SpeechServer) -> OpenAiSynthesizer {
    OpenAiSynthesizer::new(settings(server)).unwrap()
}

fn utterance() -> Utterance {
    Utterance {
        text: "Hello there.".to_owned(),
        language: Language::english(),
        voice: None,
        rate: SpeechRate::NORMAL,
    }
}

async fn collect(speech: Speech) -> Result<Vec<u8>, Error> {
    let chunks: Vec<Result<Bytes, Error>> = speech.pcm.collect().await;
    Ok(chunks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// What comes of one utterance.
async fn say(voice: &OpenAiSynthesizer) -> Result<Vec<u8>, Error> {
    collect(voice.synthesize(utterance()).await?).await
}

async fn check(script: Script, expected: Result<usize, Error>) {
    let server = server(script.clone()).await;
    let said = say(&voice(&server)).await.map(|pcm| pcm.len());
    assert_eq!(said, expected, "{script:?}");
}

#[tokio::test]
async fn sends_what_the_api_documents() {
    let server = server(Script::tone()).await;
    let key = Some(SecretString::from("sk-secret\n"));
    let voice = OpenAiSynthesizer::new(Settings { key, ..settings(&server) }).unwrap();
    assert!(!format!("{voice:?}").contains("secret"));
    let rate = SpeechRate::new(1.25).unwrap();
    let nova = Some("nova".to_owned());
    let asked = Utterance { rate, voice: nova, ..utterance() };
    collect(voice.synthesize(asked).await.unwrap()).await.unwrap();
    say(&voice).await.unwrap();
    let requests = server.requests();
    assert_eq!(
        requests[0].body,
        json!({"model": "tts-1", "input": "Hello there.", "voice": "nova",
               "response_format": "pcm", "speed": 1.25})
    );
    assert_eq!(requests[0].headers["authorization"], "Bearer sk-secret");
    assert_eq!(requests[0].headers["content-type"], "application/json");
    assert_eq!(requests[1].body["voice"], "alloy");
}

#[tokio::test]
async fn asks_for_a_speed_only_where_it_is_heeded_and_leaves_it_else() {
    let server = server(Script::tone()).await;
    for (takes_speed, factor, speed, left) in [
        (true, 3.0, json!(3.0), 1.0),
        (true, 0.5, json!(0.5), 1.0),
        (false, 3.0, json!(null), 3.0),
        (false, 1.0, json!(null), 1.0),
        (false, 0.5, json!(null), 0.5),
    ] {
        let settings = Settings { takes_speed, ..settings(&server) };
        let voice = OpenAiSynthesizer::new(settings).unwrap();
        let [rate, left] = [factor, left].map(|factor| SpeechRate::new(factor).unwrap());
        let speech = voice.synthesize(Utterance { rate, ..utterance() }).await.unwrap();
        assert_eq!(speech.rate_left, left, "{takes_speed} {factor}");
        assert_eq!(server.requests().pop().unwrap().body["speed"], speed);
    }
}

#[tokio::test]
async fn sends_no_key_where_there_is_none() {
    let server = server(Script::tone()).await;
    say(&voice(&server)).await.unwrap();
    assert!(!server.requests()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn uses_the_configured_voice_when_the_server_does_not_know_the_listeners() {
    let voices = vec!["alloy".to_owned()];
    let server = server(Script { voices, ..Script::tone() }).await;
    let voice = voice(&server);
    let asked = Utterance { voice: Some("en-US-AriaNeural".to_owned()), ..utterance() };
    collect(voice.synthesize(asked).await.unwrap()).await.unwrap();
    let voices: Vec<_> = server.requests().iter().map(|r| r.body["voice"].clone()).collect();
    assert_eq!(voices, ["en-US-AriaNeural", "alloy"]);
}

#[tokio::test]
async fn maps_refusals() {
    let refusing = |refusal| Script::refusing(refusal);
    let plain = |status| Refusal::new(status, "server_error", "oops");
    let rejected = |status, retry_after| {
        Err(Error::Rejected { status, code: Some("oops".to_owned()), retry_after })
    };
    let limited = |retry_after| Err(Error::RateLimited { retry_after });
    check(refusing(plain(401)), Err(Error::Unauthorized)).await;
    check(refusing(plain(403)), Err(Error::Unauthorized)).await;
    check(refusing(plain(429)), limited(None)).await;
    let two = Some(Duration::from_secs(2));
    check(refusing(plain(429).header("retry-after", "2")), limited(two)).await;
    let short = Some(Duration::from_millis(120));
    check(refusing(plain(429).header("retry-after-ms", "120")), limited(short)).await;
    check(refusing(plain(400)), rejected(400, None)).await;
    check(refusing(plain(500)), rejected(500, None)).await;
    check(refusing(plain(503).header("retry-after", "2")), rejected(503, two)).await;
    // Not followed: the text goes nowhere else.
    let elsewhere = plain(307).header("location", "/v1/elsewhere");
    check(refusing(elsewhere), rejected(307, None)).await;
}

#[tokio::test]
async fn keeps_no_words_of_a_refusal() {
    let body = openai_error("Hello there.", "Hello there.", "bad input: Hello there.");
    let refusal = Refusal { status: 400, body, headers: Vec::new() };
    let server = server(Script::refusing(refusal)).await;
    let error = say(&voice(&server)).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("Hello"), "{error:?}");
}

#[tokio::test]
async fn takes_nothing_else_for_audio() {
    for content_type in ["audio/pcm", "audio/L16; rate=24000", "application/octet-stream", ""] {
        check(Script { content_type: content_type.to_owned(), ..Script::tone() }, Ok(24_000)).await;
    }
    for content_type in ["application/json", "text/html; charset=utf-8", "audio/mpeg", "audio/wav"]
    {
        let script = Script { content_type: content_type.to_owned(), ..Script::tone() };
        check(script, Err(Error::NotAudio)).await;
    }
    for file in [&b"RIFF\x24\0\0\0WAVEfmt "[..], b"ID3\x04\0\0", b"OggS\0\x02", b"fLaC\0\0"] {
        let script = Script::speaking(Audio::Pcm(Bytes::from_static(file)));
        let server = server(script).await;
        assert_eq!(say(&voice(&server)).await, Err(Error::NotAudio));
    }
}

#[tokio::test]
async fn does_not_wait_for_a_late_reply() {
    let late = Error::Timeout { stage: Stage::FirstByte };
    for script in [
        Script { head_after: Duration::from_secs(60), ..Script::tone() },
        Script { first_chunk_after: Duration::from_secs(60), ..Script::tone() },
        Script { ending: Ending::StallAfter(0), ..Script::tone() },
    ] {
        let server = server(script).await;
        let settings = Settings { first_byte_timeout: HURRIED, ..settings(&server) };
        let began = Instant::now();
        let error = say(&OpenAiSynthesizer::new(settings).unwrap()).await.unwrap_err();
        assert_eq!(error, late);
        assert!(began.elapsed() < Duration::from_secs(5));
        assert!(server.saw_disconnect(PATIENT).await);
    }
}

#[tokio::test]
async fn does_not_take_a_slow_listener_for_a_stalled_reply() {
    let server = server(Script::speaking(Audio::Endless { hz: 440 })).await;
    let settings = Settings { stall_timeout: HURRIED, ..settings(&server) };
    let voice = OpenAiSynthesizer::new(settings).unwrap();
    let mut speech = voice.synthesize(utterance()).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(2 * HURRIED).await;
        assert!(speech.pcm.next().await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn closes_the_connection_when_nobody_listens_any_more() {
    let server = server(Script::speaking(Audio::Endless { hz: 440 })).await;
    let mut speech = voice(&server).synthesize(utterance()).await.unwrap();
    assert!(speech.pcm.next().await.unwrap().is_ok());
    assert_eq!(server.open_connections(), 1);
    drop(speech);
    assert!(server.saw_disconnect(PATIENT).await);
    assert!(server.has_connections(0, PATIENT).await);
}

#[tokio::test]
async fn closes_the_connection_when_the_request_is_dropped() {
    let server = server(Script { head_after: Duration::from_secs(60), ..Script::tone() }).await;
    let voice = voice(&server);
    let request = voice.synthesize(utterance());
    assert!(tokio::time::timeout(HURRIED, request).await.is_err());
    assert!(server.saw_disconnect(PATIENT).await);
}

#[tokio::test]
async fn keeps_its_connection_for_the_next_utterance() {
    let server = server(Script::tone()).await;
    let voice = voice(&server);
    voice.warm_up().await.unwrap();
    assert_eq!(server.accepted_connections(), 1);
    for _ in 0..3 {
        say(&voice).await.unwrap();
    }
    assert_eq!(server.accepted_connections(), 1);
    assert_eq!(server.requests().len(), 3, "warming up asks for no speech");
}

#[tokio::test]
async fn says_when_nobody_answers() {
    let server = server(Script::tone()).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let base_url = format!("http://{closed}/v1");
    let voice = OpenAiSynthesizer::new(Settings { base_url, ..settings(&server) }).unwrap();
    for error in [say(&voice).await.unwrap_err(), voice.warm_up().await.unwrap_err()] {
        assert_eq!(error, Error::Unavailable { reason: "no connection" });
    }
}

#[tokio::test]
async fn refuses_a_text_that_is_too_long_without_asking() {
    let server = server(Script::tone()).await;
    let voice = voice(&server);
    let long = |chars| Utterance { text: "я".repeat(chars), ..utterance() };
    assert!(voice.synthesize(long(4096)).await.is_ok());
    let error = voice.synthesize(long(4097)).await.unwrap_err();
    assert_eq!(error, Error::TextTooLong { chars: 4097, limit: 4096 });
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn refuses_settings_it_cannot_use() {
    let server = server(Script::tone()).await;
    for base_url in ["", "localhost:8880/v1", "ftp://localhost/v1", "http://"] {
        let settings = Settings { base_url: base_url.to_owned(), ..settings(&server) };
        let error = OpenAiSynthesizer::new(settings).unwrap_err();
        assert_eq!(error, Error::InvalidSetting { setting: "base_url" }, "{base_url}");
    }
    let key = Some(SecretString::from("a\nb"));
    let error = OpenAiSynthesizer::new(Settings { key, ..settings(&server) }).unwrap_err();
    assert_eq!(error, Error::InvalidSetting { setting: "key" });
}

#[tokio::test]
async fn takes_a_base_url_with_a_slash_at_its_end() {
    let server = server(Script::tone()).await;
    let base_url = format!("{}/", server.base_url());
    let voice = OpenAiSynthesizer::new(Settings { base_url, ..settings(&server) }).unwrap();
    say(&voice).await.unwrap();
}

#[tokio::test]
async fn continues_the_trace_of_its_caller_and_logs_no_words() {
    use tracing::Instrument;
    let server = server(Script::tone()).await;
    let log = nexy_telemetry::capture();
    let turn = tracing::info_span!("turn");
    let trace_id = turn.in_scope(nexy_telemetry::propagation::trace_id).unwrap();
    say(&voice(&server)).instrument(turn).await.unwrap();
    let sent = server.requests()[0].headers["traceparent"].to_str().unwrap().to_owned();
    assert_eq!(sent.split('-').nth(1), Some(trace_id.as_str()));
    for line in log.lines() {
        assert!(!line.contains("Hello"), "{line}");
    }
}
