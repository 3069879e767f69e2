use std::path::Path;

use nexy_types::{HardwareId, SessionId};
use serde_json::Value;

use super::*;
use crate::{
    connection::streaming_client,
    fake::Fake,
    screen::{Look, tests::Paper},
    talk::question::Wishes,
};

fn asker() -> Asker {
    Asker::new(
        HardwareId::parse("tester").ok(),
        SessionId::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").ok(),
        &Wishes::default(),
    )
    .unwrap()
}

async fn conversation(fake: &Fake, output: Output, save: Option<&Path>) -> Conversation {
    let channel = Channel::from_shared(fake.url.clone()).unwrap().connect().await.unwrap();
    Conversation {
        client: streaming_client(channel),
        asker: asker(),
        output,
        sound: SoundWishes { save: save.map(Path::to_owned), numbered: false, play: false },
        waits: Waits { answer: Duration::from_secs(5), silence: Duration::from_secs(5) },
        screenshot: None,
        asked: 0,
    }
}

/// Lines as they were written, without the times of the last one.
fn told(paper: &Paper) -> String {
    let text = paper.text();
    let lines = text.lines().map(|line| line.split(" First text").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn shows_a_reply_to_its_end_and_saves_its_sound() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reply.wav");
    let output = Output::Shown(paper.screen(Look::Plain));
    let mut conversation = conversation(&fake, output, Some(&path)).await;
    let (mut inputs, _press, _write) = Inputs::scripted();

    let asked = conversation.ask("hello", &mut inputs).await.unwrap();

    assert_eq!(asked, Asked { verdict: Verdict::Complete, next: Next::Prompt });
    let told = told(&paper).replace(&path.display().to_string(), "reply.wav");
    insta::assert_snapshot!(told, @"
    Right away.
    Action: open_app, app_name Telegram
    The reply is complete. Audio: 0.1 seconds.
    Saved to reply.wav.
    ");
    assert_eq!(hound::WavReader::open(&path).unwrap().len(), 4096);
}

#[tokio::test]
async fn keeps_device_and_session_and_sends_the_screenshot_once() {
    let fake = Fake::start().await;
    let output = Output::Shown(Paper::default().screen(Look::Plain));
    let mut conversation = conversation(&fake, output, None).await;
    conversation.screenshot = Some("aW1hZ2U=".to_owned());
    let (mut inputs, _press, _write) = Inputs::scripted();
    conversation.ask("hello", &mut inputs).await.unwrap();
    conversation.ask("what did I just say?", &mut inputs).await.unwrap();

    let questions = fake.seen.questions.lock().unwrap();
    let [(_, first), (_, second)] = questions.as_slice() else { panic!("two questions") };
    assert_eq!((&first.hardware_id, &first.session_id), (&second.hardware_id, &second.session_id));
    assert_eq!(
        (first.screenshot.as_deref(), second.screenshot.as_deref()),
        (Some("aW1hZ2U="), None)
    );
}

#[tokio::test]
async fn an_error_is_shown_with_its_type_and_what_helps() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let mut conversation =
        conversation(&fake, Output::Shown(paper.screen(Look::Plain)), None).await;
    let (mut inputs, _press, _write) = Inputs::scripted();
    let asked = conversation.ask("busy", &mut inputs).await.unwrap();
    assert_eq!(asked.verdict, Verdict::Failed);
    let text = paper.text();
    assert!(
        text.starts_with("Failed: session_busy: a turn is already running\nTry again in 2 s.\n"),
        "{text}"
    );
}

#[tokio::test]
async fn ctrl_c_interrupts_the_reply_on_the_server() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let mut conversation =
        conversation(&fake, Output::Shown(paper.screen(Look::Plain)), None).await;
    let (mut inputs, press, _write) = Inputs::scripted();
    let watch = async {
        while !paper.text().contains("long story") {
            tokio::task::yield_now().await;
        }
        press.send(()).await.unwrap();
    };
    let (asked, ()) = tokio::join!(conversation.ask("long", &mut inputs), watch);

    assert_eq!(asked.unwrap(), Asked { verdict: Verdict::Interrupted, next: Next::Prompt });
    insta::assert_snapshot!(told(&paper), @"
    It is a long story.
    Interrupted.
    The reply was interrupted. Audio: 0.0 seconds.
    ");
    assert_eq!(*fake.seen.interrupts.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_second_ctrl_c_leaves_a_server_that_does_not_stop() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let mut conversation =
        conversation(&fake, Output::Shown(paper.screen(Look::Plain)), None).await;
    let (mut inputs, press, _write) = Inputs::scripted();
    for _ in 0..2 {
        press.send(()).await.unwrap();
    }
    let asked = conversation.ask("deaf", &mut inputs).await.unwrap();
    assert_eq!(asked, Asked { verdict: Verdict::Interrupted, next: Next::Leave });
}

#[tokio::test]
async fn a_reply_that_cannot_be_stopped_is_abandoned_after_a_while() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let mut conversation =
        conversation(&fake, Output::Shown(paper.screen(Look::Plain)), None).await;
    conversation.waits.answer = Duration::from_millis(50);
    let (mut inputs, press, _write) = Inputs::scripted();
    press.send(()).await.unwrap();
    let asked = conversation.ask("deaf", &mut inputs).await.unwrap();
    assert_eq!(asked.next, Next::Prompt);
    assert_eq!(paper.text(), "Interrupted.\nThe server did not end the stream.\n");
}

#[tokio::test]
async fn a_question_typed_over_a_reply_interrupts_it_and_is_asked_next() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let mut conversation =
        conversation(&fake, Output::Shown(paper.screen(Look::Plain)), None).await;
    let (mut inputs, _press, write) = Inputs::scripted();
    let watch = async {
        while !paper.text().contains("long story") {
            tokio::task::yield_now().await;
        }
        write.send("   ".to_owned()).await.unwrap();
        write.send("hello".to_owned()).await.unwrap();
    };
    let (asked, ()) = tokio::join!(conversation.ask("long", &mut inputs), watch);
    let asked = asked.unwrap();
    assert_eq!(asked.verdict, Verdict::Interrupted);
    let Next::Ask(question) = asked.next else { panic!("no question") };

    let asked = conversation.ask(&question, &mut inputs).await.unwrap();
    assert_eq!(asked.verdict, Verdict::Complete);
}

#[tokio::test]
async fn json_has_one_object_for_each_reply() {
    let fake = Fake::start().await;
    let paper = Paper::default();
    let mut conversation = conversation(&fake, Output::Json(paper.screen(Look::Piped)), None).await;
    let (mut inputs, _press, _write) = Inputs::scripted();
    for question in ["hello", "busy", "cut"] {
        conversation.ask(question, &mut inputs).await.unwrap();
    }
    let text = paper.text();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [hello, busy, cut] = lines.as_slice() else { panic!("three lines: {text}") };

    assert_eq!(hello["complete"], true);
    assert_eq!(hello["text"], "Right away.");
    assert_eq!(hello["audio_seconds"], 0.085);
    assert_eq!(hello["actions"][0]["args"]["app_name"], "Telegram");
    assert_eq!(hello["trailers"]["nexy-providers"], "llm=offline;tts=espeak");
    assert!(hello["first_audio_ms"].is_u64() && hello["error"].is_null());

    assert_eq!(busy["complete"], false);
    assert_eq!(busy["error"]["error_type"], "session_busy");
    assert_eq!(busy["error"]["code"], "RESOURCE_EXHAUSTED");

    assert_eq!(cut["complete"], false);
    assert_eq!(cut["text"], "Half a");
}
