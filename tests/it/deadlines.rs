//! The time of a turn: the client's, and the turn's own, which workers share.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use nexy_proto::worker::{RespondEvent, RespondRequest, respond_event::Event};
use nexy_testkit::{
    chat_server::Script,
    speech_server,
    stack::{Line, Stack, question},
};
use tonic::{Code, Request};

use crate::{
    support::{Call, Fakes, SOON, assert_refused, eventually},
    workers::Crew,
};

/// From the end of a turn until its providers see that nobody listens.
const LET_GO: Duration = Duration::from_millis(500);

/// The end line of the worker's turn.
async fn end_of_turn(stack: &Stack) -> anyhow::Result<Line> {
    let mut ends = Vec::new();
    eventually("the worker tells the end", async || {
        ends = stack.decisions()?;
        ends.retain(|line| {
            line.method.as_deref() == Some("/nexy.worker.v1.Worker/Respond") && line.is_end()
        });
        Ok(!ends.is_empty())
    })
    .await?;
    ends.pop().context("an end")
}

/// Asks a worker without a gateway, with so much time.
async fn ask_worker(stack: &Stack, within: Duration) -> anyhow::Result<Vec<Event>> {
    let asked = question("device-1", "How are you?");
    let mut request = Request::new(RespondRequest {
        turn: 7,
        hardware_id: asked.hardware_id,
        session_id: asked.session_id,
        prompt: asked.prompt,
        ..RespondRequest::default()
    });
    request.set_timeout(within);
    let mut events = stack.worker_client().await?.respond(request).await?.into_inner();
    let mut heard = Vec::new();
    while let Some(RespondEvent { event, .. }) =
        tokio::time::timeout(SOON, events.message()).await.context("no end")??
    {
        heard.extend(event);
    }
    Ok(heard)
}

#[tokio::test]
async fn a_worker_ends_its_turn_when_the_callers_time_is_up() -> anyhow::Result<()> {
    let within = Duration::from_millis(700);
    let hanging = Script::text(["It is ten o'clock. And "]).hang();
    for (model, voice) in [
        (Script::text(["Never"]).first_delay(SOON), speech_server::Script::tone()),
        (hanging, speech_server::Script::tone()),
        (
            Script::text(["It is ten o'clock."]),
            speech_server::Script { first_chunk_after: SOON, ..speech_server::Script::tone() },
        ),
    ] {
        let fakes = Fakes::saying(model).await?;
        fakes.speech.state().always(voice);
        let stack = fakes.stack().env("TTS_FIRST_BYTE_TIMEOUT_MS", "20000").start().await?;
        let began = Instant::now();
        let events = ask_worker(&stack, within).await?;
        let took = began.elapsed();
        let Some(Event::Failed(failed)) = events.last() else { panic!("{events:?}") };
        assert_eq!(failed.error_type, "timeout");
        assert!(took >= within && took < within + LET_GO, "{took:?}");
        assert!(fakes.chat.wait_disconnect(LET_GO).await.is_some(), "the model is let go");
        let speech = fakes.speech.state();
        eventually("so is the voice", async || Ok(speech.open_answers() == 0)).await?;
        let line = end_of_turn(&stack).await?;
        assert_eq!(line.text("error_type"), Some("timeout"));
        stack.stop(&["retry", "degrade"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_second_worker_has_only_what_is_left_of_the_turns_budget() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Never"]).first_delay(SOON)).await?;
    let builder = fakes
        .stack()
        .env("TURN_BUDGET_MS", "3000")
        .env("LLM_FIRST_TOKEN_TIMEOUT_MS", "3000")
        .env("TTS_FIRST_BYTE_TIMEOUT_MS", "3000")
        .env("LLM_PROVIDERS", "openai");
    let mut crew = Crew::of(2, builder).await?;
    let began = Instant::now();
    let call = Call::ask(&crew.stack, question("device-1", "What time is it?")).await?;
    eventually("the model is asked", async || Ok(!fakes.chat.requests().is_empty())).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    crew.with_the_turn().await?.process.take().context("it runs")?.kill();
    let reply = call.rest().await?;
    let took = began.elapsed();
    assert_refused(&reply, Code::DeadlineExceeded, "timeout");
    assert_eq!(fakes.chat.requests().len(), 2, "another worker was asked");
    assert!(took >= Duration::from_millis(2900) && took < Duration::from_secs(4), "{took:?}");
    crew.stop().await
}
