//! Several turns on a call, collected speech, single flight, limits.

use std::time::{Duration, Instant};

use nexy_proto::streaming::{
    RequestPhase, StreamRequest, streaming_service_client::StreamingServiceClient,
};
use nexy_testkit::{
    chat_server::Script,
    stack::{Stack, question},
};
use tonic::{Code, transport::Endpoint};

use crate::support::{
    Call, Fakes, active_streams, ask, assert_refused, assert_status, assert_whole, eventually,
    gateway_json, interrupt, turns_of,
};

/// Speaks for about a second and a half.
fn story() -> Script {
    let sentences = (1..=30).map(|number| format!("This is sentence number {number}. "));
    Script::text(sentences).token_delay(Duration::from_millis(50))
}

fn part(of: &StreamRequest, seq: i32, text: &str) -> StreamRequest {
    StreamRequest {
        phase: RequestPhase::Collect as i32,
        chunk_seq: seq,
        chunk_text: Some(text.to_owned()),
        prompt: String::new(),
        ..of.clone()
    }
}

fn commit(of: &StreamRequest, prompt: &str) -> StreamRequest {
    StreamRequest { phase: RequestPhase::Commit as i32, prompt: prompt.to_owned(), ..of.clone() }
}

#[tokio::test]
async fn a_call_answers_one_question_after_the_other() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let asked = question("device-1", "How are you?");
    let mut call = Call::ask(&stack, asked.clone()).await?;
    call.until(|reply| reply.ends.len() == 1).await?;
    call.say(StreamRequest { prompt: "Bye".to_owned(), ..asked.clone() }).await?;
    call.until(|reply| reply.ends.len() == 2).await?;
    call.say(StreamRequest { prompt: "What did I just say?".to_owned(), ..asked.clone() }).await?;
    let reply = call.rest().await?;
    assert_eq!(reply.status.map(|status| status.code()), None);
    assert_eq!(reply.ends.len(), 3);
    assert_eq!(reply.texts.join(" "), "I am ready. How can I help? Goodbye. You said: Bye");
    // The trailers are those of the last turn.
    assert_eq!(
        reply.trailers.get("nexy-session-id").map(|id| id.as_bytes()),
        Some(asked.session_id.as_bytes())
    );
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_request_while_a_turn_speaks_takes_its_place() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["The second answer."])).await?;
    fakes
        .chat
        .state()
        .on_prompt("story", Script::endless("Once upon a time. ", Duration::from_millis(20)));
    let stack = fakes.stack().start().await?;
    let mut client = stack.client().await?;
    let asked = question("device-1", "Tell me a story");
    let mut call = Call::of(&mut client, asked.clone(), &[("nexy-events", "turn")]).await?;
    call.until(|reply| reply.chunks.len() > 20).await?;
    call.say(StreamRequest { prompt: "Enough".to_owned(), ..asked }).await?;
    call.until(|reply| reply.outline.iter().any(|item| item == "interrupted 1")).await?;
    let before = (call.reply.texts.len(), call.reply.chunks.len());
    let reply = call.rest().await?;

    // Nothing of the first turn comes behind its event.
    assert_eq!(&reply.texts[before.0..], ["The second answer."]);
    assert!(reply.chunks.len() > before.1);
    assert_eq!((reply.ends.len(), reply.code()), (1, Code::Ok));
    let story = ["started 1", "interrupted 1", "started 2", "text", "audio", "end", "completed 2"];
    let outline: Vec<&str> = reply.outline.iter().map(String::as_str).collect();
    assert_eq!((outline[0], &outline[outline.len() - 6..]), (story[0], &story[1..]));
    // The first model request is dropped, not merely ignored.
    assert!(fakes.chat.wait_disconnect(Duration::from_secs(2)).await.is_some());
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_half_close_in_the_middle_of_a_turn_still_gets_the_whole_reply() -> anyhow::Result<()> {
    let fakes = Fakes::saying(story()).await?;
    let stack = fakes.stack().start().await?;
    let mut call = Call::ask(&stack, question("device-1", "Tell me a story")).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    let reply = call.rest().await?;
    assert_whole(&reply);
    assert!(reply.text().ends_with("This is sentence number 30."), "{}", reply.text());
    assert!(reply.events.is_empty(), "turn events that nobody asked for");
    stack.stop(&[]).await
}

#[tokio::test]
async fn collected_parts_reach_the_model_as_one_question() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Understood."])).await?;
    let stack = fakes.stack().start().await?;
    let rows: [(&[&str], &str, &str); 4] = [
        (
            &["open the", "open the door no", " no thanks"],
            "no thanks please",
            "open the door no no thanks please",
        ),
        (&["hello", "lo wor", "world"], "", "hello world"),
        (
            &["what is", "what is the time"],
            "what is the time in Paris",
            "what is the time in Paris",
        ),
        (&["turn the light"], "off", "turn the light off"),
    ];
    for (parts, prompt, expected) in rows {
        // On one call …
        let asked = question("device-1", "");
        let mut call = Call::open(&stack).await?;
        for (seq, text) in (1..).zip(parts) {
            call.say(part(&asked, seq, text)).await?;
        }
        call.until(|reply| reply.ends.len() == parts.len()).await?;
        assert!(call.reply.ends.iter().all(|end| end == "COLLECT_ACCEPTED"));
        assert!(call.reply.outline.iter().all(|item| item == "end"));
        call.say(commit(&asked, prompt)).await?;
        let reply = call.rest().await?;
        assert_eq!((reply.text().as_str(), reply.ends.len()), ("Understood.", parts.len() + 1));
        assert_eq!(fakes.chat.requests().last().expect("a request").prompt(), expected);

        // … or on one call for each part, as shipped clients do it.
        let asked = question("device-2", "");
        for (seq, text) in (1..).zip(parts) {
            let reply = ask(&stack, part(&asked, seq, text)).await?;
            assert_eq!(
                (reply.outline.as_slice(), reply.code()),
                (&["end".to_owned()][..], Code::Ok)
            );
        }
        assert_whole(&ask(&stack, commit(&asked, prompt)).await?);
        assert_eq!(fakes.chat.requests().last().expect("a request").prompt(), expected);
    }
    assert_eq!(fakes.chat.requests().len(), 2 * rows.len(), "a COLLECT started a turn");
    stack.stop(&[]).await
}

#[tokio::test]
async fn what_is_collected_is_no_longer_than_a_question_may_be() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Understood."])).await?;
    let stack = fakes.stack().env("MAX_PROMPT_CHARS", "1000").start().await?;
    let asked = question("device-1", "");
    let [first, second] = ["один ".repeat(120), "two ".repeat(120)];
    let reply = ask(&stack, part(&asked, 1, first.trim())).await?;
    assert_eq!((reply.ends.len(), reply.code()), (1, Code::Ok));
    let reply = ask(&stack, part(&asked, 2, second.trim())).await?;
    assert_refused(&reply, Code::InvalidArgument, "validation_failed");
    let message = reply.status.as_ref().map(|status| status.message().to_owned());
    assert!(message.is_some_and(|message| message.contains("1000 characters")));
    assert_whole(&ask(&stack, commit(&asked, "")).await?);
    assert_eq!(fakes.chat.requests().last().expect("a request").prompt(), first.trim());
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_trailers_are_those_of_the_last_turn_whatever_is_collected_after_it()
-> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Understood."])).await?;
    let stack = fakes.stack().start().await?;
    let asked = question("device-1", "Hello");
    let mut call = Call::open(&stack).await?;
    call.say(asked.clone()).await?;
    call.until(|reply| reply.ends.len() == 1).await?;
    call.say(part(&asked, 1, "and then")).await?;
    call.until(|reply| reply.ends.len() == 2).await?;
    let reply = call.rest().await?;
    assert_eq!(reply.code(), Code::Ok);
    assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=openai"));
    assert!(reply.trailer("nexy-first-audio-ms").is_some());
    stack.stop(&[]).await
}

#[tokio::test]
async fn collected_parts_outlive_a_refused_commit_and_no_other() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Understood."])).await?;
    let stack = fakes.stack().start().await?;
    let asked = question("device-1", "");
    ask(&stack, part(&asked, 2, "turn the light")).await?;
    // Old and repeated parts change nothing.
    ask(&stack, part(&asked, 2, "turn the radio")).await?;
    ask(&stack, part(&asked, 1, "open the door")).await?;
    let refused = StreamRequest { screenshot: Some("!".to_owned()), ..commit(&asked, "off") };
    assert_refused(&ask(&stack, refused).await?, Code::InvalidArgument, "validation_failed");
    assert_whole(&ask(&stack, commit(&asked, "off")).await?);
    assert_eq!(fakes.chat.requests().last().expect("a request").prompt(), "turn the light off");

    // It was taken; nothing of it is left, and nobody else's is touched.
    let reply = ask(&stack, commit(&asked, "")).await?;
    let text = assert_refused(&reply, Code::InvalidArgument, "validation_failed");
    assert_eq!(text, "Empty prompt: text field is required");
    ask(&stack, part(&asked, 1, "mine")).await?;
    let other = StreamRequest { hardware_id: "device-2".to_owned(), ..commit(&asked, "") };
    assert_refused(&ask(&stack, other).await?, Code::InvalidArgument, "validation_failed");
    assert_eq!(fakes.chat.requests().len(), 1);
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_session_runs_one_turn_at_a_time() -> anyhow::Result<()> {
    let fakes = Fakes::saying(story()).await?;
    let stack = fakes.stack().start().await?;
    let asked = question("device-1", "Tell me a story");
    let mut first = Call::ask(&stack, asked.clone()).await?;
    first.until(|reply| !reply.chunks.is_empty()).await?;

    let second = ask(&stack, asked.clone()).await?;
    assert_refused(&second, Code::ResourceExhausted, "session_busy");
    // Another session of the device, and collecting for the busy one, are fine.
    let collected = ask(&stack, part(&asked, 1, "and")).await?;
    assert_eq!(collected.ends, ["COLLECT_ACCEPTED"]);

    first.until(|reply| reply.ends.len() == 1).await?;
    assert!(first.reply.text().ends_with("sentence number 30."), "the first turn was disturbed");
    // Free again the moment its end is known, also on another call.
    fakes.chat.state().set_default(Script::text(["Yes."]));
    assert_whole(&ask(&stack, asked).await?);
    assert_eq!(first.rest().await?.code(), Code::Ok);
    stack.stop(&[]).await
}

#[tokio::test]
async fn one_stream_too_many_is_refused_until_another_ends() -> anyhow::Result<()> {
    let fakes =
        Fakes::saying(Script::endless("Again and again. ", Duration::from_millis(20))).await?;
    let stack = fakes.stack().start().await?;
    // The limit of the dev environment is 10; silent calls count as well.
    let mut talking = Call::ask(&stack, question("device-1", "Talk")).await?;
    talking.until(|reply| !reply.texts.is_empty()).await?;
    let mut silent = Vec::new();
    for _ in 1..10 {
        silent.push(Call::open(&stack).await?);
    }
    let refused = ask(&stack, question("device-2", "Me too")).await?;
    let text = assert_refused(&refused, Code::ResourceExhausted, "stream_limit_exceeded");
    assert_eq!(text, "too many concurrent streams: the limit of 10 is reached");
    assert_eq!(active_streams(&stack).await?, 10);

    // An interrupt is never refused for load.
    assert!(interrupt(&stack, "device-1").await?.success);
    assert_eq!(talking.end().await?.code(), Code::Cancelled);
    fakes.chat.state().set_default(Script::text(["Welcome."]));
    assert_whole(&ask(&stack, question("device-2", "And now?")).await?);
    drop(silent);
    eventually("every permit is given back", async || Ok(active_streams(&stack).await? == 0))
        .await?;
    stack.stop(&["stream_rejected"]).await
}

#[tokio::test]
async fn a_whole_reply_that_nobody_reads_gives_its_place_back() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Yes."])).await?;
    let limits = [("MAX_STREAMS", "1"), ("IDLE_TIMEOUT", "1"), ("GRACE_PERIOD", "0")];
    let builder = limits.iter().fold(fakes.stack(), |builder, (name, value)| {
        builder.env(format!("BACKPRESSURE_{name}"), *value)
    });
    // Room for the whole of it, so that the worker is done.
    let stack = builder.env("GRPC_FRAME_BUFFER", "64").start().await?;
    let url = format!("http://127.0.0.1:{}", stack.ports.gateway_grpc);
    let endpoint = Endpoint::from_shared(url)?.initial_stream_window_size(1);
    let mut deaf = StreamingServiceClient::new(endpoint.connect().await?);
    let asked = question("device-1", "Are you there?");
    let session = asked.session_id.clone();
    let unread = deaf.stream_audio(tokio_stream::once(asked)).await?;
    eventually("the reply is whole", async || Ok(turns_of(&stack, &session)?.len() == 2)).await?;
    assert_eq!(turns_of(&stack, &session)?[1].decision, "complete");
    assert_eq!(active_streams(&stack).await?, 1);
    eventually("its place is free", async || Ok(active_streams(&stack).await? == 0)).await?;
    assert_whole(&ask(&stack, question("device-2", "And I?")).await?);
    drop(unread);
    stack.stop(&[]).await
}

#[tokio::test]
async fn too_many_messages_end_a_stream_and_outgoing_audio_never_does() -> anyhow::Result<()> {
    let fakes =
        Fakes::saying(Script::text(["One two three. ", "Four five six. ", "Seven eight nine."]))
            .await?;
    let stack = fakes.stack().env("BACKPRESSURE_MAX_RATE", "2").start().await?;
    let asked = question("device-1", "Count");
    let reply = ask(&stack, asked.clone()).await?;
    assert_whole(&reply);
    assert!(reply.chunks.len() > 10, "{} chunks", reply.chunks.len());

    let mut call = Call::open(&stack).await?;
    for (seq, text) in (1..).zip(["a", "b"]) {
        call.say(part(&asked, seq, text)).await?;
    }
    call.until(|reply| reply.ends.len() == 2).await?;
    call.say(part(&asked, 3, "c")).await?;
    let reply = call.end().await?;
    // Data came before, so there is no error message; the two parts are kept.
    assert_eq!(reply.outline, ["end", "end"]);
    let status = reply.status.as_ref().expect("a status");
    assert_status(status, Code::ResourceExhausted, "rate_limit_exceeded");
    eventually("the refusal is logged", async || {
        let lines = stack.decisions()?.into_iter();
        Ok(lines.filter(|line| line.decision == "rate_limit_exceeded").count() == 1)
    })
    .await?;
    stack.stop(&["rate_limit_exceeded"]).await
}

#[tokio::test]
async fn a_stream_on_which_nothing_moves_is_closed() -> anyhow::Result<()> {
    let fakes = Fakes::saying(story().token_delay(Duration::from_millis(70))).await?;
    let stack = fakes
        .stack()
        .env("BACKPRESSURE_IDLE_TIMEOUT", "1")
        .env("BACKPRESSURE_GRACE_PERIOD", "0")
        .start()
        .await?;
    let began = Instant::now();
    let silent = Call::open(&stack).await?.end().await?;
    let elapsed = began.elapsed().as_secs_f64();
    assert_refused(&silent, Code::DeadlineExceeded, "stream_idle_timeout");
    assert!((0.9..2.0).contains(&elapsed), "closed after {elapsed} s");
    // A reply of two seconds moves all the time.
    let mut call = Call::ask(&stack, question("device-1", "Tell me a story")).await?;
    call.until(|reply| reply.ends.len() == 1).await?;
    // Behind it the call is idle, and that is no error message: data came before.
    let reply = call.end().await?;
    assert_eq!((reply.code(), reply.errors.len()), (Code::DeadlineExceeded, 0));
    eventually("the permit is given back", async || Ok(active_streams(&stack).await? == 0)).await?;
    stack.stop(&["stream_idle_timeout"]).await
}

#[tokio::test]
async fn a_kill_switch_stops_answers_and_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::builder().env("NEXY_KS_DISABLE_MODULE_COORDINATOR", "true").start().await?;
    let asked = question("device-1", "Bye");
    let reply = ask(&stack, asked.clone()).await?;
    let text = assert_refused(&reply, Code::Unavailable, "unavailable");
    assert_eq!(text, "answering is switched off");
    assert_eq!(ask(&stack, part(&asked, 1, "Bye")).await?.ends, ["COLLECT_ACCEPTED"]);
    assert!(!interrupt(&stack, "device-1").await?.success);
    assert_eq!(gateway_json(&stack, "/health").await?["status"], "OK");
    stack.stop(&[]).await
}
