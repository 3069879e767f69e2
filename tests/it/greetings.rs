//! GenerateWelcomeAudio: limits, speed, clients that leave.

use std::time::Duration;

use nexy_proto::streaming::{
    WelcomeRequest, WelcomeResponse, streaming_service_client::StreamingServiceClient,
    welcome_response::Content,
};
use nexy_testkit::{
    chat_server::Script,
    speech_server::{self, Audio},
    stack::Stack,
};
use tonic::{Code, Status, Streaming, transport::Endpoint};

use crate::support::{AT_ONCE, Fakes, active_streams, assert_status, eventually, with_metadata};

/// Of a call.
type Metadata = &'static [(&'static str, &'static str)];

async fn greet(
    stack: &Stack,
    request: WelcomeRequest,
    metadata: &[(&'static str, &str)],
) -> anyhow::Result<Streaming<WelcomeResponse>> {
    let request = with_metadata(request, metadata)?;
    Ok(stack.client().await?.generate_welcome_audio(request).await?.into_inner())
}

fn text(text: &str) -> WelcomeRequest {
    WelcomeRequest { text: text.to_owned(), ..WelcomeRequest::default() }
}

/// The estimate or length that is told, and the seconds that are heard.
async fn seconds(mut greeting: Streaming<WelcomeResponse>) -> Result<(f64, f64), Status> {
    let (mut told, mut bytes) = (0.0, 0);
    while let Some(response) = greeting.message().await? {
        match response.content {
            Some(Content::Metadata(metadata)) => told = metadata.duration_sec,
            Some(Content::AudioChunk(chunk)) => bytes += chunk.audio_data.len(),
            _ => {}
        }
    }
    Ok((told, f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 96_000.0))
}

#[tokio::test]
async fn a_greeting_is_as_fast_as_its_listener_likes_it_and_known_the_second_time()
-> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let mut heard = Vec::new();
    for rate in ["0.7", "1.0", "2.0"] {
        let asked = text("Good morning, and welcome back.");
        let metadata = [("nexy-speech-rate", rate)];
        let (_, first) = seconds(greet(&stack, asked.clone(), &metadata).await?).await?;
        let (told, again) = seconds(greet(&stack, asked, &metadata).await?).await?;
        assert!((told - again).abs() < 0.01 && (first - again).abs() < 0.01, "{told} {again}");
        heard.push(first);
    }
    assert!(heard[0] > 1.1 * heard[1] && heard[1] > 1.3 * heard[2], "{heard:?}");
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_greeting_that_makes_no_sense_is_refused() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let with_voice = |voice: &str| WelcomeRequest { voice: voice.to_owned(), ..text("Hello") };
    let rows: [(WelcomeRequest, Metadata, &str); 5] = [
        (text(&"\u{439}".repeat(501)), &[], "text must be at most 500 characters"),
        (with_voice("a\nb"), &[], "voice must be the name of a voice"),
        (with_voice(&"x".repeat(129)), &[], "voice must be the name of a voice"),
        (
            WelcomeRequest { language: "no language".to_owned(), ..text("Hello") },
            &[],
            "language must be a BCP 47 tag",
        ),
        (
            text("Hello"),
            &[("nexy-speech-rate", "9")],
            "nexy-speech-rate must be a number from 0.5 to 3.0",
        ),
    ];
    for (asked, metadata, message) in rows {
        let refused = seconds(greet(&stack, asked, metadata).await?).await.expect_err("a refusal");
        assert_status(&refused, Code::InvalidArgument, "validation_failed");
        assert_eq!(refused.message(), message);
    }
    seconds(greet(&stack, text(&"\u{439}".repeat(500)), &[]).await?).await?;
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_client_that_leaves_its_greeting_gives_everything_back() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Never asked."])).await?;
    let slow = speech_server::Script {
        chunk_every: Duration::from_millis(500),
        ..speech_server::Script::tone()
    };
    fakes.speech.state().always(slow);
    let stack = fakes.stack().start().await?;
    let mut greeting = greet(&stack, text("Good morning"), &[]).await?;
    let mut is_audible = false;
    while !is_audible {
        let message = greeting.message().await?.expect("a message");
        is_audible = matches!(message.content, Some(Content::AudioChunk(_)));
    }
    assert_eq!((active_streams(&stack).await?, fakes.speech.state().open_answers()), (1, 1));
    drop(greeting);
    assert!(fakes.speech.saw_disconnect(AT_ONCE).await, "the voice speaks on");
    eventually("the permit is given back", async || Ok(active_streams(&stack).await? == 0)).await?;
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_greeting_that_was_cut_off_says_so_to_a_client_that_had_stopped_reading()
-> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Never asked."])).await?;
    // Longer than every buffer on the way together.
    let long = Audio::Tone { hz: 440, lasting: Duration::from_secs(30) };
    fakes.speech.state().always(speech_server::Script::speaking(long));
    let stack = fakes.stack().start().await?;
    let url = format!("http://127.0.0.1:{}", stack.ports.gateway_grpc);
    let endpoint = Endpoint::from_shared(url)?.initial_stream_window_size(16_384);
    let mut client = StreamingServiceClient::new(endpoint.connect().await?);
    let asked = with_metadata(text("Good morning"), &[("grpc-timeout", "1500m")])?;
    let unread = client.generate_welcome_audio(asked).await?.into_inner();
    assert_eq!(active_streams(&stack).await?, 1);
    eventually("its time is up", async || Ok(active_streams(&stack).await? == 0)).await?;
    let status = seconds(unread).await.expect_err("a greeting that was cut off");
    assert_status(&status, Code::DeadlineExceeded, "timeout");
    assert_eq!(status.message(), "the greeting took too long");
    stack.stop(&[]).await
}
