//! What is Azure's own; `conformance` tests what all voices share.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use nexy_testkit::{
    azure_server,
    speech_server::{Refusal, Script, SpeechServer},
};
use nexy_types::{Language, SpeechRate};
use secrecy::SecretString;

use super::{AzureSynthesizer, Settings};
use crate::{Error, Speech, SpeechSynthesizer, Utterance, testing};

const PATIENT: Duration = Duration::from_secs(10);

async fn server(script: Script) -> SpeechServer {
    nexy_testkit::install_tls_provider();
    azure_server::start(script).await.unwrap()
}

fn settings(server: &SpeechServer) -> Settings {
    Settings {
        base_url: server.origin(),
        key: SecretString::from("azure-secret\n"),
        voice: "en-US-AriaNeural".to_owned(),
        connections: testing::connections(),
        first_byte_timeout: PATIENT,
        stall_timeout: PATIENT,
        user_agent: "nexy-server/0.1.0".to_owned(),
    }
}

fn voice(server: &SpeechServer) -> AzureSynthesizer {
    AzureSynthesizer::new(settings(server)).unwrap()
}

fn utterance(text: &str) -> Utterance {
    Utterance {
        text: text.to_owned(),
        language: Language::of_text(text),
        voice: None,
        rate: SpeechRate::NORMAL,
    }
}

async fn collect(speech: Speech) -> Result<Vec<u8>, Error> {
    let chunks: Vec<Result<Bytes, Error>> = speech.pcm.collect().await;
    Ok(chunks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

async fn say(voice: &AzureSynthesizer, utterance: Utterance) -> Result<Vec<u8>, Error> {
    let speech = voice.synthesize(utterance).await?;
    assert_eq!(speech.sample_rate.hz(), 48_000);
    collect(speech).await
}

#[tokio::test]
async fn sends_what_the_interface_documents() {
    let server = server(azure_server::tone()).await;
    let voice = voice(&server);
    assert!(!format!("{voice:?}").contains("secret"));
    let rate = SpeechRate::new(2.5).unwrap();
    let pcm = say(&voice, Utterance { rate, ..utterance("Tom & <Jerry>\u{7}") }).await.unwrap();
    assert_eq!(pcm.len(), 48_000);
    let request = &server.requests()[0];
    assert_eq!(request.headers["ocp-apim-subscription-key"], "azure-secret");
    assert_eq!(request.headers["content-type"], "application/ssml+xml");
    assert_eq!(request.headers["x-microsoft-outputformat"], "raw-48khz-16bit-mono-pcm");
    assert_eq!(request.headers["user-agent"], "nexy-server/0.1.0");
    assert_eq!(request.body["input"], "Tom & <Jerry>");
    assert_eq!(request.body["language"], "en-US");
    assert_eq!(request.body["voice"], "en-US-AriaNeural");
    assert_eq!(request.body["rate"], "+100%");
}

#[tokio::test]
async fn asks_for_no_rate_that_azure_does_not_do_and_leaves_the_rest() {
    let server = server(azure_server::tone()).await;
    let voice = voice(&server);
    for (factor, asked, left) in [
        (0.5, "-50%", 1.0),
        (1.0, "+0%", 1.0),
        (2.0, "+100%", 1.0),
        (2.5, "+100%", 1.25),
        (3.0, "+100%", 1.5),
    ] {
        let [rate, left] = [factor, left].map(|factor| SpeechRate::new(factor).unwrap());
        let speech = voice.synthesize(Utterance { rate, ..utterance("Hello.") }).await.unwrap();
        assert_eq!(speech.rate_left, left, "{factor}");
        assert_eq!(server.requests().pop().unwrap().body["rate"], asked);
    }
}

#[tokio::test]
async fn reads_each_language_with_a_voice_of_its_own() {
    let server = server(azure_server::tone()).await;
    let voice = voice(&server);
    for (text, tag, name) in [
        ("Hello there.", "en-US", "en-US-AriaNeural"),
        ("Привет, как дела?", "ru-RU", "ru-RU-SvetlanaNeural"),
        ("Привіт, як її справи?", "uk-UA", "uk-UA-PolinaNeural"),
        ("こんにちは", "ja-JP", "ja-JP-NanamiNeural"),
    ] {
        // The listener likes an English voice; it cannot read the others.
        let asked = Some("en-US-AriaNeural".to_owned());
        say(&voice, Utterance { voice: asked, ..utterance(text) }).await.unwrap();
        let body = server.requests().pop().unwrap().body;
        assert_eq!((&body["language"], &body["voice"]), (&tag.into(), &name.into()));
    }
}

#[tokio::test]
async fn uses_its_own_voice_when_azure_does_not_know_the_listeners() {
    let voices = vec!["en-US-AriaNeural".to_owned()];
    let server = server(Script { voices, ..azure_server::tone() }).await;
    let voice = voice(&server);
    for asked in ["en-US-NobodyNeural", "alloy"] {
        let asked = Some(asked.to_owned());
        say(&voice, Utterance { voice: asked, ..utterance("Hello.") }).await.unwrap();
    }
    let voices: Vec<_> = server.requests().iter().map(|r| r.body["voice"].clone()).collect();
    assert_eq!(voices, ["en-US-NobodyNeural", "en-US-AriaNeural", "en-US-AriaNeural"]);
}

#[tokio::test]
async fn asks_at_most_twice() {
    let refusal = Refusal::new(400, "bad_request", "oops");
    let server = server(Script { refusal: Some(refusal), ..azure_server::tone() }).await;
    let asked = Some("en-US-GuyNeural".to_owned());
    let error = say(&voice(&server), Utterance { voice: asked, ..utterance("Hi.") }).await;
    assert!(matches!(error, Err(Error::Rejected { status: 400, .. })), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn keeps_its_connection_for_the_next_utterance() {
    let server = server(azure_server::tone()).await;
    let voice = voice(&server);
    voice.warm_up().await.unwrap();
    for _ in 0..3 {
        say(&voice, utterance("Hello.")).await.unwrap();
    }
    assert_eq!(server.accepted_connections(), 1);
    assert_eq!(server.requests().len(), 3, "warming up asks for no speech");
    voice.probe().await.unwrap();
}

#[tokio::test]
async fn refuses_a_text_that_azure_would_cut_off() {
    let server = server(azure_server::tone()).await;
    let voice = voice(&server);
    for (factor, limit) in [(0.5, 1200), (1.0, 2400), (2.0, 4800), (3.0, 4800)] {
        let rate = SpeechRate::new(factor).unwrap();
        let long = |chars| Utterance { rate, ..utterance(&"я".repeat(chars)) };
        assert!(voice.synthesize(long(limit)).await.is_ok());
        let error = voice.synthesize(long(limit + 1)).await.unwrap_err();
        assert_eq!(error, Error::TextTooLong { chars: limit + 1, limit });
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn refuses_settings_it_cannot_use() {
    let server = server(azure_server::tone()).await;
    let refused = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings(&server);
        change(&mut settings);
        AzureSynthesizer::new(settings).unwrap_err()
    };
    for base_url in ["", "westeurope", "ftp://localhost", "http://"] {
        let error = refused(&|settings| settings.base_url = base_url.to_owned());
        assert_eq!(error, Error::InvalidSetting { setting: "base_url" }, "{base_url}");
    }
    for key in ["", " \n", "a\nb"] {
        let error = refused(&|settings| settings.key = SecretString::from(key));
        assert_eq!(error, Error::InvalidSetting { setting: "key" });
    }
    for voice in ["", "Aria", "en-US"] {
        let error = refused(&|settings| settings.voice = voice.to_owned());
        assert_eq!(error, Error::InvalidSetting { setting: "voice" });
    }
    for user_agent in [String::new(), "x".repeat(255), "a\nb".to_owned()] {
        let error = refused(&|settings| settings.user_agent.clone_from(&user_agent));
        assert_eq!(error, Error::InvalidSetting { setting: "user_agent" });
    }
}

#[tokio::test]
async fn continues_the_trace_of_its_caller_and_logs_no_words() {
    use tracing::Instrument;
    let server = server(azure_server::tone()).await;
    let log = nexy_telemetry::capture();
    let turn = tracing::info_span!("turn");
    let trace_id = turn.in_scope(nexy_telemetry::propagation::trace_id).unwrap();
    say(&voice(&server), utterance("Hello there.")).instrument(turn).await.unwrap();
    let sent = server.requests()[0].headers["traceparent"].to_str().unwrap().to_owned();
    assert_eq!(sent.split('-').nth(1), Some(trace_id.as_str()));
    for line in log.lines() {
        assert!(!line.contains("Hello") && !line.contains("secret"), "{line}");
    }
}
