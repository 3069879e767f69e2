//! How soon providers are let go once the user says stop.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nexy_proto::streaming::{
    InterruptRequest, StreamResponse, stream_response::Content,
    streaming_service_client::StreamingServiceClient,
};
use nexy_testkit::{
    chat_server,
    speech_server::{self, Audio},
    stack::{Stack, question},
};
use nexy_tests::report::Report;
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{
    latency::{self, Times},
    providers::Providers,
};

/// Interrupts before the first that counts.
const WARM_UP: usize = 10;

/// Interrupts that count.
const INTERRUPTS: usize = 200;

/// Between two tokens of the model, and two chunks of the voice.
const PACE: Duration = Duration::from_millis(20);

/// Of a reply without an end, heard before the user says stop.
const HEARD: usize = 5;

/// From InterruptSession until both providers saw their connection close.
const CLOSED_P99_MS: f64 = 50.0;

/// What takes this long is lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let chat = chat_server::Script::endless("Again and again and again. ", PACE);
    let voice = speech_server::Script {
        chunk_every: PACE,
        ..speech_server::Script::speaking(Audio::Endless { hz: 440 })
    };
    let providers = Providers::playing(chat, speech_server::Script::tone()).await?;
    let stack = providers.configure(Stack::builder()).start().await?;
    // Only now: what the worker has spoken at its start must come to an end.
    let _spoken = providers.wait_disconnect(PATIENCE).await;
    providers.speak(voice);
    let mut client = stack.client().await?;
    let mut closed = Times::new()?;
    for turn in 0..WARM_UP + INTERRUPTS {
        let took = timeout(PATIENCE, interrupted(&mut client, &providers, turn)).await??;
        if turn >= WARM_UP {
            closed.note(took);
        }
    }
    let what = format!("provider closed after an interrupt, of {INTERRUPTS}");
    latency::tell(&closed, &what, Some(CLOSED_P99_MS), report);
    Ok(())
}

/// Stops one reply that model and voice are in the middle of.
async fn interrupted(
    client: &mut StreamingServiceClient<Channel>,
    providers: &Providers,
    turn: usize,
) -> anyhow::Result<Duration> {
    let device = format!("stop-{turn}");
    let asked = tokio_stream::once(question(&device, "Talk"));
    let mut reply = client.stream_audio(asked).await?.into_inner();
    let mut heard = 0;
    while heard < HEARD {
        let message = reply.message().await?.context("the reply broke off")?;
        heard += usize::from(is_audio(&message));
    }
    ensure!(providers.are_speaking(), "the reply is over already");
    let said = Instant::now();
    let answer = client.interrupt_session(InterruptRequest { hardware_id: device }).await?;
    ensure!(answer.into_inner().success, "nothing was stopped");
    let closed = providers.wait_disconnect(PATIENCE).await?;
    Ok(closed.saturating_duration_since(said))
}

fn is_audio(message: &StreamResponse) -> bool {
    matches!(message.content, Some(Content::AudioChunk(_)))
}
