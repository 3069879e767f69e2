//! One question and what the client sees: the reply, the checks, the refusals.

use std::time::Instant;

use nexy_proto::streaming::{
    RequestPhase, StreamRequest, UsageRequest, WelcomeRequest, welcome_response,
};
use nexy_testkit::stack::{Reply, Stack, question};
use tonic::{Code, Request, Status};

use crate::{
    support::{
        Call, ask, ask_with, assert_refused, assert_status, assert_whole, is_installed, png,
        samples,
    },
    wire::Peer,
};

const ANSWERS: &str = "llm=offline;tts=espeak";

#[tokio::test]
async fn a_question_is_answered_in_text_and_audio() -> anyhow::Result<()> {
    if !is_installed("espeak-ng") {
        return Ok(());
    }
    let stack = Stack::builder().start().await?;
    let asked = question("device-1", "How are you?");
    let reply = ask(&stack, asked.clone()).await?;
    assert_whole(&reply);
    assert_eq!(reply.text(), "I am ready. How can I help?");
    // Seven words at 175 words per minute.
    assert!((1.0..6.0).contains(&reply.audio_seconds()), "{} s", reply.audio_seconds());
    assert_eq!(reply.trailer("nexy-session-id"), Some(asked.session_id.as_str()));
    assert_eq!(reply.trailer("nexy-providers"), Some(ANSWERS));
    assert_eq!(reply.trailer("nexy-degraded"), None);
    let ms = |name: &str| reply.trailer(name).and_then(|text| text.parse::<u64>().ok());
    let (text, audio) = (ms("nexy-first-text-ms"), ms("nexy-first-audio-ms"));
    assert!(text.is_some() && text <= audio && audio <= ms("nexy-total-ms"), "{text:?} {audio:?}");
    println!("first text after {text:?} ms, first audio after {audio:?} ms");

    let russian = ask(&stack, question("device-2", "Как дела?")).await?;
    assert_whole(&russian);
    assert_eq!(russian.text(), "Всё в порядке. Чем могу помочь?");

    let one_word = ask(&stack, question("device-3", "Bye")).await?;
    assert_whole(&one_word);
    assert_eq!(one_word.texts, ["Goodbye."]);

    let sum = ask(&stack, question("device-4", "What is 12 times 12?")).await?;
    assert_whole(&sum);
    assert_eq!(sum.text(), "That is 144.");
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_reply_as_a_wav_file_is_what_sox_takes_it_for() -> anyhow::Result<()> {
    if !is_installed("sox") || !is_installed("espeak-ng") {
        return Ok(());
    }
    let stack = Stack::builder().start().await?;
    let reply = stack.ask("How are you?").await?;
    let path = stack.data_dir().join("reply.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&path, spec)?;
    for sample in samples(&reply) {
        wav.write_sample(sample)?;
    }
    wav.finalize()?;
    let output =
        tokio::process::Command::new("sox").arg(&path).args(["-n", "stat"]).output().await?;
    let statistics = String::from_utf8(output.stderr)?;
    let number = |name: &str| -> f64 {
        let line = statistics.lines().find(|line| line.starts_with(name)).expect("statistics");
        line.rsplit(' ').next().and_then(|text| text.parse().ok()).expect("a number")
    };
    assert!((number("Length (seconds)") - reply.audio_seconds()).abs() < 0.01, "{statistics}");
    // Speech: neither silent, nor clipped, nor noise or hum.
    assert!(number("RMS     amplitude") > 0.01, "{statistics}");
    assert!((0.05..1.0).contains(&number("Maximum amplitude")), "{statistics}");
    assert!(number("Mean    amplitude").abs() < 0.01, "{statistics}");
    let pitch = number("Rough   frequency");
    assert!((100.0..4000.0).contains(&pitch), "{statistics}");
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_device_is_remembered_across_calls_and_restarts_and_no_other_is() -> anyhow::Result<()> {
    let mut stack = Stack::builder().start().await?;
    ask(&stack, question("device-1", "My cat is called Tom")).await?;
    let again = ask(&stack, question("device-1", "What did I just say?")).await?;
    assert_eq!(again.text(), "You said: My cat is called Tom");
    let other = ask(&stack, question("device-2", "What did I just say?")).await?;
    assert_eq!(other.text(), "I remember nothing from before this.");

    ask(&stack, question("device-1", "My dog is called Rex")).await?;
    let mut worker = stack.worker.take().expect("a worker");
    worker.signal("TERM")?;
    assert!(worker.wait_exit(crate::support::SOON).await?.success());
    stack.start_worker().await?;
    crate::support::eventually("the gateway sees the new worker", async || {
        Ok(ask(&stack, question("device-9", "Bye")).await?.is_complete())
    })
    .await?;
    let later = ask(&stack, question("device-1", "What did I just say?")).await?;
    assert_eq!(later.text(), "You said: My dog is called Rex");
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_client_that_declares_unary_to_stream_is_served() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let url = format!("http://127.0.0.1:{}", stack.ports.gateway_grpc);
    let channel = tonic::transport::Endpoint::from_shared(url)?.connect().await?;
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await?;
    let path = http::uri::PathAndQuery::from_static("/streaming.StreamingService/StreamAudio");
    let request = Request::new(question("device-1", "How are you?"));
    let codec = tonic_prost::ProstCodec::default();
    let began = Instant::now();
    let responses = grpc.server_streaming(request, path, codec).await?.into_inner();
    assert_whole(&Reply::collect(responses, began).await);
    stack.stop(&[]).await
}

/// A request that is wrong in one way.
fn wrong(change: impl FnOnce(&mut StreamRequest)) -> StreamRequest {
    let mut request = question("device-1", "How are you?");
    change(&mut request);
    request
}

#[tokio::test]
async fn wrong_input_is_refused_before_any_work_is_done() -> anyhow::Result<()> {
    const DEVICE: &str = "hardware_id is required and must identify the device";
    const SESSION: &str = "session_id is required and must be provided by client";
    const EMPTY: &str = "Empty prompt: text field is required";
    const NO_IMAGE: &str = "screenshot must be a WebP, PNG or JPEG image";
    const TOO_LARGE: &str = "screenshot must be at most 10485760 bytes once decoded";
    let commit = RequestPhase::Commit as i32;
    let rows = [
        (wrong(|r| r.hardware_id = String::new()), DEVICE),
        (wrong(|r| r.hardware_id = " \t".to_owned()), DEVICE),
        (wrong(|r| r.hardware_id = "UnKnown".to_owned()), DEVICE),
        (wrong(|r| r.hardware_id = "x".repeat(129)), "hardware_id must be at most 128 characters"),
        (
            wrong(|r| r.hardware_id = "a\nb".to_owned()),
            "hardware_id must not contain control characters",
        ),
        (wrong(|r| r.session_id = String::new()), SESSION),
        (wrong(|r| r.session_id = "session-1".to_owned()), SESSION),
        // The device is checked first.
        (wrong(|r| (r.hardware_id, r.session_id) = Default::default()), DEVICE),
        (wrong(|r| r.phase = 3), "phase must be UNSPECIFIED, COLLECT or COMMIT"),
        (wrong(|r| (r.phase, r.prompt) = (commit, String::new())), EMPTY),
        (wrong(|r| (r.phase, r.prompt) = (commit, " \n".to_owned())), EMPTY),
        (wrong(|r| r.prompt = String::new()), EMPTY),
        (wrong(|r| r.prompt = "й".repeat(16_001)), "prompt must be at most 16000 characters"),
        (
            wrong(|r| r.screenshot = Some("не base64".to_owned())),
            "screenshot must be standard base64",
        ),
        // "GIF89a", and text.
        (wrong(|r| r.screenshot = Some("R0lGODlhAQABAAAAACw=".to_owned())), NO_IMAGE),
        (wrong(|r| r.screenshot = Some("aGVsbG8gd29ybGQ=".to_owned())), NO_IMAGE),
        (wrong(|r| r.screenshot = Some(png(10_485_761))), TOO_LARGE),
        (wrong(|r| r.screenshot = Some(png(12_000_000))), TOO_LARGE),
        (
            wrong(|r| r.prompt = "x".repeat(25 << 20)),
            "the message is larger than the limit of the server",
        ),
    ];
    let stack = Stack::builder().start().await?;
    for (request, text) in rows {
        let reply = ask(&stack, request).await?;
        assert_eq!(assert_refused(&reply, Code::InvalidArgument, "validation_failed"), text);
    }
    let collect = wrong(|r| {
        (r.phase, r.session_id) = (RequestPhase::Collect as i32, "nonsense".to_owned());
    });
    assert_refused(&ask(&stack, collect).await?, Code::InvalidArgument, "validation_failed");
    let worker = stack.worker.as_ref().expect("a worker").lines();
    assert!(
        !worker.iter().any(|line| line.contains("Respond")),
        "the worker was asked: {worker:?}"
    );
    stack.stop(&[]).await
}

#[tokio::test]
async fn what_is_just_right_is_answered() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let right = [
        wrong(|r| r.hardware_id = "é".repeat(128)),
        wrong(|r| r.phase = RequestPhase::Commit as i32),
        wrong(|r| r.screenshot = Some(png(4000))),
        wrong(|r| r.screenshot = Some(png(4000).trim_end_matches('=').to_owned())),
        wrong(|r| r.screenshot = Some(png(10_485_760))),
        // SOI of JPEG; RIFF … WEBP.
        wrong(|r| r.screenshot = Some("/9j/4AAQ".to_owned())),
        wrong(|r| r.screenshot = Some("UklGRgAAAABXRUJQ".to_owned())),
        wrong(|r| r.screenshot = Some(String::new())),
        wrong(|r| (r.screen_width, r.screen_height) = (Some(-1), Some(0))),
    ];
    for request in right {
        assert!(ask(&stack, request).await?.is_complete());
    }
    stack.stop(&[]).await
}

#[tokio::test]
async fn metadata_that_makes_no_sense_is_refused() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let nonsense = [
        ("nexy-actions", "always"),
        ("nexy-events", "all"),
        ("nexy-timezone", "Mars/Olympus"),
        ("nexy-language", "not a language"),
        ("nexy-voice", ""),
        ("nexy-speech-rate", "quick"),
        ("nexy-speech-rate", "0.49"),
        ("nexy-speech-rate", "3.1"),
        ("nexy-speech-rate", "NaN"),
    ];
    for (name, value) in nonsense {
        let reply = ask_with(&stack, question("device-1", "Bye"), &[(name, value)]).await?;
        let text = assert_refused(&reply, Code::InvalidArgument, "validation_failed");
        assert!(text.starts_with(name), "{text}");
    }
    let sense = [
        ("nexy-actions", "none"),
        ("nexy-timezone", "Asia/Tokyo"),
        ("nexy-language", "en-GB"),
        ("nexy-speech-rate", "1.5"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    assert_whole(&ask_with(&stack, question("device-1", "Bye"), &sense).await?);
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_faster_speech_rate_makes_the_audio_shorter() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let mut seconds = Vec::new();
    for rate in ["0.7", "1.0", "2.0"] {
        let asked = question("device-1", "Who are you?");
        let reply = ask_with(&stack, asked, &[("nexy-speech-rate", rate)]).await?;
        assert_whole(&reply);
        seconds.push(reply.audio_seconds());
    }
    assert!(seconds[0] > 1.1 * seconds[1] && seconds[1] > 1.3 * seconds[2], "{seconds:?}");
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_other_rpcs_check_their_input_and_answer() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let mut client = stack.client().await?;
    for device in ["", "unknown", "a\u{7}b"] {
        let error = crate::support::interrupt(&stack, device).await.expect_err("a refusal");
        let status = error.downcast::<Status>()?;
        assert_status(&status, Code::InvalidArgument, "validation_failed");
    }
    let usage = UsageRequest {
        hardware_id: "device-1".to_owned(),
        input_tokens: 3,
        model: "a model".to_owned(),
        ..UsageRequest::default()
    };
    assert!(client.report_usage(usage.clone()).await?.into_inner().success);
    let bad = [
        UsageRequest { hardware_id: String::new(), ..usage.clone() },
        UsageRequest { session_id: "nonsense".to_owned(), ..usage.clone() },
        UsageRequest { output_tokens: -1, ..usage.clone() },
        UsageRequest { source: "s".repeat(129), ..usage.clone() },
        UsageRequest { model: "m".repeat(129), ..usage },
    ];
    for request in bad {
        let status = client.report_usage(request).await.expect_err("a refusal");
        assert_status(&status, Code::InvalidArgument, "validation_failed");
    }
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_unary_call_that_may_be_repeated_says_when() -> anyhow::Result<()> {
    let stack = Stack::builder().without_worker().start().await?;
    let usage = UsageRequest { hardware_id: "device-1".to_owned(), ..UsageRequest::default() };
    let mut client = stack.client().await?;
    let status = client.report_usage(usage).await.expect_err("a refusal");
    assert_status(&status, Code::Unavailable, "unavailable");
    let pushback = status.metadata().get("grpc-retry-pushback-ms").map(|value| value.as_bytes());
    assert_eq!(pushback, Some("1000".as_bytes()));
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_full_worker_says_so_itself() -> anyhow::Result<()> {
    let worker = Peer::worker()
        .refusing("/nexy.worker.v1.Worker/StoreUsage", || Status::unavailable("no room for it"))
        .serve()
        .await?;
    let builder = Stack::builder().env("WORKER_ADDRS", &worker.addr).without_worker();
    let stack = builder.start().await?;
    stack.wait_ready().await?;
    let usage = UsageRequest { hardware_id: "device-1".to_owned(), ..UsageRequest::default() };
    let mut client = stack.client().await?;
    let status = client.report_usage(usage.clone()).await.expect_err("a refusal");
    assert_status(&status, Code::Unavailable, "unavailable");
    assert_eq!(status.message(), "no room for it");
    drop(worker);
    // What a broken connection says is not the worker's word.
    let status = client.report_usage(usage).await.expect_err("a refusal");
    assert_status(&status, Code::Unavailable, "unavailable");
    assert!(!status.message().contains("connect"), "{status:?}");
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_greeting_is_metadata_audio_and_an_end() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let mut client = stack.client().await?;
    for (text, language) in [("", "en"), ("", "ru"), ("Good morning", "")] {
        let request = WelcomeRequest {
            text: text.to_owned(),
            language: language.to_owned(),
            ..WelcomeRequest::default()
        };
        let mut answers = client.generate_welcome_audio(request).await?.into_inner();
        let (mut bytes, mut metadata, mut ends) = (0, None, 0);
        while let Some(answer) = answers.message().await? {
            match answer.content.expect("content") {
                welcome_response::Content::Metadata(first) => {
                    assert!(bytes == 0 && metadata.is_none(), "metadata comes once, first");
                    metadata = Some(first);
                }
                welcome_response::Content::AudioChunk(chunk) => {
                    assert!(chunk.audio_data.len() <= 4096 && chunk.sample_rate == 48_000);
                    bytes += chunk.audio_data.len();
                }
                welcome_response::Content::EndMessage(_) => ends += 1,
                welcome_response::Content::ErrorMessage(text) => panic!("{text}"),
            }
        }
        let metadata = metadata.expect("metadata");
        assert_eq!((metadata.method.as_str(), metadata.dtype.as_str()), ("espeak", "int16"));
        let seconds = bytes as f64 / 96_000.0;
        // While it is spoken, nobody knows.
        let estimate = metadata.duration_sec / seconds;
        assert!((0.4..2.5).contains(&estimate) && seconds > 0.4, "{seconds} s, {estimate}");
        assert_eq!(ends, 1);
    }
    stack.stop(&[]).await
}

#[tokio::test]
async fn health_answers_on_the_public_port() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let url = format!("http://127.0.0.1:{}", stack.ports.gateway_grpc);
    let channel = tonic::transport::Endpoint::from_shared(url)?.connect().await?;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    for service in ["", "streaming.StreamingService"] {
        let request = tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        let status = health.check(request).await?.into_inner().status();
        assert_eq!(status, tonic_health::pb::health_check_response::ServingStatus::Serving);
    }
    stack.stop(&[]).await
}

#[tokio::test]
async fn text_runs_ahead_of_its_audio_and_never_behind_it() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let mut call = Call::ask(&stack, question("device-1", "Write me a poem")).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    assert!(!call.reply.texts.is_empty());
    let reply = call.rest().await?;
    assert_whole(&reply);
    assert!(reply.texts.len() >= 3, "{:?}", reply.texts);
    assert_eq!(
        reply.text(),
        "I am the offline assistant, and I cannot answer that. \
         No language model is configured on this server. \
         I can tell the time and the date, do sums, and repeat what was said.",
    );
    stack.stop(&[]).await
}
