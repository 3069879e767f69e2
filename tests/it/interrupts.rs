//! Stopping a turn: by the user, by a client that vanishes, by its deadline.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nexy_proto::streaming::InterruptRequest;
use nexy_testkit::{
    chat_server::Script,
    speech_server::{self, Audio},
    stack::{Reply, Stack, question},
};
use tokio::sync::Barrier;
use tonic::{Code, Request};

use crate::support::{
    AT_ONCE, Call, Fakes, SOON, active_streams, ask, assert_refused, assert_whole, eventually,
    interrupt, turns_of,
};

/// From an interrupt until the providers see that nobody listens, on a machine
/// that does much else; how many milliseconds it is, the bench tells.
const LET_GO: Duration = Duration::from_millis(500);

fn endless() -> Script {
    Script::endless("Again and again and again. ", Duration::from_millis(10))
}

/// A device that is being talked to without end.
async fn talking(stack: &Stack, device: &str) -> anyhow::Result<(Call, String)> {
    let asked = question(device, "Talk");
    let session = asked.session_id.clone();
    let mut call = Call::ask(stack, asked).await?;
    call.until(|reply| reply.chunks.len() > 5).await?;
    Ok((call, session))
}

#[tokio::test]
async fn an_interrupt_stops_the_turn_at_once_and_for_good() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    let stack = fakes.stack().start().await?;
    let (mut other, _) = talking(&stack, "device-2").await?;
    let (call, session) = talking(&stack, "device-1").await?;
    let reading = async { (call.end().await, Instant::now()) };
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (interrupt(&stack, "device-1").await, Instant::now())
    };
    let ((reply, over), (answer, answered)) = tokio::join!(reading, stopping);
    let answer = answer?;
    let late = over.saturating_duration_since(answered);
    println!("the stream was over {late:?} after the answer");
    assert!(late < AT_ONCE, "{late:?}");

    assert_eq!(answer.interrupted_sessions, [session.as_str()]);
    assert_eq!((answer.success, answer.message.as_str()), (true, "Interrupted 1 session"));
    assert_refused(&reply?, Code::Cancelled, "cancelled_by_user");
    // The request to the model is dropped with it: only the other one is left.
    eventually("the provider is let go", async || Ok(fakes.chat.open_connections() == 1)).await?;

    let again = interrupt(&stack, "device-1").await?;
    assert_eq!((again.success, again.message.as_str()), (false, "No active sessions found"));
    assert!(again.interrupted_sessions.is_empty());
    // A new question right afterwards, in the same session or another.
    fakes.chat.state().set_default(Script::text(["Yes, please."]));
    let mut asked = question("device-1", "Are you still there?");
    asked.session_id = session.clone();
    assert_whole(&ask(&stack, asked).await?);
    assert_eq!(turns_of(&stack, &session)?[1].decision, "abort");

    let heard = other.reply.chunks.len();
    other.until(|reply| reply.chunks.len() > heard + 20).await?;
    assert!(interrupt(&stack, "device-2").await?.success);
    assert_eq!(other.end().await?.code(), Code::Cancelled);
    stack.stop(&[]).await
}

#[tokio::test]
async fn an_interrupt_stops_every_turn_of_the_device() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    let stack = fakes.stack().start().await?;
    let (first, one) = talking(&stack, "device-1").await?;
    let (second, two) = talking(&stack, "device-1").await?;
    let (answer, first, second) =
        tokio::join!(interrupt(&stack, "device-1"), first.end(), second.end());
    let mut stopped = answer?.interrupted_sessions;
    stopped.sort_unstable();
    let mut expected = [one, two];
    expected.sort_unstable();
    assert_eq!(stopped, expected);
    assert_refused(&first?, Code::Cancelled, "cancelled_by_user");
    assert_refused(&second?, Code::Cancelled, "cancelled_by_user");
    stack.stop(&[]).await
}

/// A device that is being talked to, and says stop together with others, over
/// the connection that it listens on.
async fn stop_together(stack: &Stack, device: &str, start: &Barrier) -> anyhow::Result<()> {
    let mut client = stack.client().await?;
    let asked = question(device, "Talk");
    let session = asked.session_id.clone();
    let mut call = Call::of(&mut client, asked, &[]).await?;
    call.until(|reply| reply.chunks.len() > 5).await?;
    start.wait().await;
    let listening = async { (call.end().await, Instant::now()) };
    let stopping = async {
        let request = InterruptRequest { hardware_id: device.to_owned() };
        (client.interrupt_session(request).await, Instant::now())
    };
    let ((reply, over), (answer, answered)) = tokio::join!(listening, stopping);
    let answer = answer?.into_inner();
    ensure!(answer.interrupted_sessions == [session], "{device}: {answer:?}");
    assert_refused(&reply?, Code::Cancelled, "cancelled_by_user");
    let late = over.saturating_duration_since(answered);
    ensure!(late < AT_ONCE, "{device} was talked to for {late:?} after the answer");
    Ok(())
}

#[tokio::test]
async fn five_devices_that_interrupt_at_once_do_not_disturb_a_sixth() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    // A voice of which every byte says whose it is, and for which text.
    fakes.speech.state().always(speech_server::Script::speaking(Audio::Echo));
    let sentences = (1..=40).map(|number| format!("This is sentence number {number}. "));
    let story = Script::text(sentences).token_delay(Duration::from_millis(25));
    fakes.chat.state().on_prompt("story", story);
    let stack = fakes.stack().start().await?;
    let undisturbed = ask(&stack, question("device-7", "Tell me a story")).await?;
    assert_whole(&undisturbed);

    let mut sixth = Call::ask(&stack, question("device-6", "Tell me a story")).await?;
    sixth.until(|reply| !reply.chunks.is_empty()).await?;
    let start = Barrier::new(5);
    let devices: [String; 5] = std::array::from_fn(|device| format!("device-{device}"));
    let [a, b, c, d, e] = devices.each_ref().map(|device| stop_together(&stack, device, &start));
    let stopping = async { tokio::try_join!(a, b, c, d, e) };
    let (disturbed, stopped) = tokio::join!(sixth.end_of_turn(), stopping);
    stopped?;
    let disturbed = disturbed?;
    assert!(disturbed.longest_pause < AT_ONCE, "a gap of {:?}", disturbed.longest_pause);
    let disturbed = disturbed.reply;
    assert_eq!(disturbed.ends.len(), 1);
    assert_eq!(disturbed.texts, undisturbed.texts);
    assert!(disturbed.pcm() == undisturbed.pcm(), "the audio differs");
    eventually("all of it is over", async || Ok(active_streams(&stack).await? == 0)).await?;
    assert!(!interrupt(&stack, "device-6").await?.success, "its turn had completed");
    stack.stop(&[]).await
}

#[tokio::test]
async fn an_interrupt_closes_the_requests_to_model_and_voice() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    fakes.speech.state().always(speech_server::Script {
        chunk_every: Duration::from_millis(20),
        ..speech_server::Script::speaking(Audio::Endless { hz: 440 })
    });
    let stack = fakes.stack().start().await?;
    let (call, _) = talking(&stack, "device-1").await?;
    assert!(fakes.chat.open_connections() > 0, "the model is in the middle of its reply");
    assert!(fakes.speech.state().open_answers() > 0, "and so is the voice");
    let said = Instant::now();
    assert!(interrupt(&stack, "device-1").await?.success);
    let model = fakes.chat.wait_disconnect(SOON).await.context("the model is let go")?;
    let voice = fakes.speech.state().wait_disconnect(SOON).await.context("the voice is let go")?;
    for (who, closed) in [("model", model), ("voice", voice)] {
        let took = closed.saturating_duration_since(said);
        println!("the {who} was let go {took:?} after the interrupt");
        assert!(took < LET_GO, "{who}: {took:?}");
    }
    assert_eq!(call.end().await?.code(), Code::Cancelled);
    stack.stop(&[]).await
}

#[tokio::test]
async fn an_interrupt_before_the_first_word_is_heard_too() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::silent()).await?;
    let stack = fakes.stack().start().await?;
    let call = Call::ask(&stack, question("device-1", "Think")).await?;
    eventually("the model is asked", async || Ok(!fakes.chat.requests().is_empty())).await?;
    let (answer, reply) = tokio::join!(interrupt(&stack, "device-1"), call.end());
    assert!(answer?.success);
    assert_refused(&reply?, Code::Cancelled, "cancelled_by_user");
    assert!(fakes.chat.wait_disconnect(Duration::from_secs(2)).await.is_some());
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_client_that_does_not_read_can_be_interrupted() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    let stack = fakes.stack().start().await?;
    let (call, session) = talking(&stack, "device-1").await?;
    // Long enough for every buffer on the way to be full.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let began = Instant::now();
    let answer = interrupt(&stack, "device-1").await?;
    assert_eq!(answer.interrupted_sessions, [session]);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert!(!interrupt(&stack, "device-1").await?.success, "stopped twice");
    assert_refused(&call.end().await?, Code::Cancelled, "cancelled_by_user");
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_client_that_vanishes_frees_everything_it_held() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    let stack = fakes.stack().start().await?;
    let (call, session) = talking(&stack, "device-1").await?;
    drop(call);
    assert!(fakes.chat.wait_disconnect(Duration::from_secs(2)).await.is_some());
    eventually("the permit is given back", async || Ok(active_streams(&stack).await? == 0)).await?;
    eventually("the end is logged", async || Ok(turns_of(&stack, &session)?.len() == 2)).await?;
    let ends = turns_of(&stack, &session)?;
    assert_eq!((ends[0].decision.as_str(), ends[1].decision.as_str()), ("start", "abort"));
    assert_eq!(ends[1].text("grpc_code"), Some("CANCELLED"));

    fakes.chat.state().set_default(Script::text(["Welcome back."]));
    let mut asked = question("device-1", "Here I am again");
    asked.session_id = session;
    assert_whole(&ask(&stack, asked).await?);
    assert!(!interrupt(&stack, "device-1").await?.success, "a turn was left behind");
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_deadline_of_the_client_holds_for_the_whole_stream() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    let stack = fakes.stack().start().await?;
    let mut request = Request::new(tokio_stream::once(question("device-1", "Talk")));
    request.set_timeout(Duration::from_millis(900));
    let began = Instant::now();
    let reply = Reply::of_request(&mut stack.client().await?, request).await?;
    let elapsed = began.elapsed().as_secs_f64();
    assert!(!reply.chunks.is_empty());
    assert_refused(&reply, Code::DeadlineExceeded, "timeout");
    assert!((0.8..1.6).contains(&elapsed), "{elapsed} s");
    assert!(fakes.chat.wait_disconnect(Duration::from_secs(2)).await.is_some());
    stack.stop(&[]).await
}

#[tokio::test]
async fn listeners_who_leave_are_no_fault_of_the_model() -> anyhow::Result<()> {
    let fakes = Fakes::saying(endless()).await?;
    let stack = fakes.stack().env("CIRCUIT_BREAKER_THRESHOLD", "1").start().await?;
    for _ in 0..20 {
        let mut call = Call::ask(&stack, question("device-1", "Talk")).await?;
        call.until(|reply| !reply.texts.is_empty()).await?;
        drop(call);
    }
    fakes.chat.state().set_default(Script::text(["Still here."]));
    let reply = ask(&stack, question("device-1", "Are you there?")).await?;
    assert_whole(&reply);
    assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=openai"));
    stack.stop(&[]).await
}
