//! Commands that are confirmed by voice first. The product has none yet, so the
//! catalogue is one of our own.

use std::time::Duration;

use nexy_proto::streaming::StreamRequest;
use nexy_testkit::{
    chat_server::Script,
    stack::{Action, Reply, Stack, question},
};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::{Call, Fakes, SOON, ask_with, assert_whole, eventually, interrupt};

const CATALOGUE: &str = "
commands:
  send_mail:
    description: Send a mail.
    risk: confirm
    arguments:
      to: {type: string, required: true, description: To whom.}
      text: {type: string, required: true, description: What it says.}
";

const ARGUMENTS: &str = r#"{"text":"zanzibar","to":"Ada"}"#;

const QUESTION: &str = "Shall I really do it? Say yes or no.";

/// A reply that asks for the mail in one of the two ways.
fn mail(way: &str) -> Script {
    match way {
        "json" => Script::text([format!(
            r#"{{"command":"send_mail","args":{ARGUMENTS},"text":"A mail to Ada."}}"#
        )]),
        _ => Script::text(["A mail to Ada."]).and_tool_call("send_mail", &[ARGUMENTS]),
    }
}

/// A stack whose model asks for the mail whenever the user speaks of Ada or says
/// yes, and a catalogue that holds it.
async fn stack(fakes: &Fakes) -> anyhow::Result<(Stack, NamedTempFile)> {
    let catalogue = NamedTempFile::new()?;
    std::fs::write(catalogue.path(), CATALOGUE)?;
    for needle in ["Ada", "Yes"] {
        fakes.chat.state().on_prompt(needle, mail("tool"));
    }
    let builder = fakes
        .stack()
        .env("FORWARD_ASSISTANT_ACTIONS", "true")
        .env("ACTIONS_TRANSPORT", "action_message")
        .env("ACTIONS_CATALOGUE", catalogue.path().display().to_string());
    Ok((builder.start().await?, catalogue))
}

async fn say(stack: &Stack, device: &str, words: &str) -> anyhow::Result<Reply> {
    let reply = ask_with(stack, question(device, words), &[]).await?;
    assert_whole(&reply);
    Ok(reply)
}

/// Nothing left, and the user was asked.
#[track_caller]
fn assert_asked(reply: &Reply) {
    assert_eq!(reply.actions, [], "{}", reply.text());
    assert_eq!(reply.texts.last().map(String::as_str), Some(QUESTION), "{}", reply.text());
}

#[tokio::test]
async fn a_command_to_be_confirmed_leaves_one_turn_later() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["It is ten o'clock."])).await?;
    let (mut stack, _catalogue) = stack(&fakes).await?;
    for way in ["json", "tool"] {
        // What is given first is played first.
        fakes.chat.state().on_prompt(format!("by {way}"), mail(way));
        let reply = say(&stack, "device-1", &format!("Write it by {way}")).await?;
        assert_eq!(reply.text(), format!("A mail to Ada. {QUESTION}"), "{way}");
        assert_asked(&reply);

        let agreed = question("device-1", &format!("Please do it by {way}"));
        let session = agreed.session_id.clone();
        let reply = ask_with(&stack, agreed, &[]).await?;
        assert_whole(&reply);
        let args: Value = serde_json::from_str(ARGUMENTS)?;
        let payload = json!({ "session_id": session, "command": "send_mail", "args": args });
        assert_eq!(
            (reply.text().as_str(), &reply.actions),
            ("A mail to Ada.", &vec![Action::Message(payload)])
        );
        let place = |wanted: &str| reply.outline.iter().position(|item| item == wanted);
        assert!(place("text") < place("action"), "{:?}", reply.outline);
        let body = fakes.chat.requests().last().expect("a request").body.to_string();
        assert!(body.contains("> send_mail {"), "{body}");
    }
    // Once.
    assert_asked(&say(&stack, "device-1", "Yes").await?);

    // Another worker hears the yes.
    if let Some(mut worker) = stack.worker.take() {
        worker.leave(SOON).await?;
    }
    stack.start_worker().await?;
    stack.wait_ready().await?;
    assert_eq!(say(&stack, "device-1", "Yes").await?.actions.len(), 1);

    // The lines of the first worker are gone with it.
    eventually("all of it is told", async || {
        let lines = stack.decisions()?;
        let count = |name: &str| lines.iter().filter(|line| line.decision == name).count();
        Ok((count("action_confirmed"), count("action_forwarded")) == (1, 3))
    })
    .await?;
    let content = ["zanzibar", "Ada"];
    assert!(!stack.log().iter().any(|line| content.iter().any(|word| line.contains(word))));
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_yes_agrees_to_nothing_but_the_question_before_it() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["It is ten o'clock."])).await?;
    let slow = Script::text(["A mail to Ada. "; 5]).and_tool_call("send_mail", &[ARGUMENTS]);
    fakes.chat.state().on_prompt("slowly", slow.token_delay(Duration::from_millis(300)));
    let (stack, _catalogue) = stack(&fakes).await?;

    // Another device, and a turn in between.
    assert_asked(&say(&stack, "device-1", "Write to Ada").await?);
    assert_asked(&say(&stack, "device-2", "Yes").await?);
    assert_eq!(say(&stack, "device-1", "What time is it?").await?.text(), "It is ten o'clock.");
    assert_asked(&say(&stack, "device-1", "Yes").await?);

    // A refusal, whatever the model makes of it.
    assert_asked(&say(&stack, "device-1", "Yes, but don't").await?);

    // A question that was interrupted, by the next one and by a stop.
    let asked = question("device-3", "Write to him slowly");
    let mut call = Call::ask(&stack, asked.clone()).await?;
    call.until(|reply| !reply.texts.is_empty()).await?;
    call.say(StreamRequest { prompt: "Yes".to_owned(), ..asked }).await?;
    assert_asked(&call.rest().await?);
    assert!(!interrupt(&stack, "device-3").await?.success, "the turn is over");
    assert_asked(&say(&stack, "device-3", "Yes").await?);
    assert_eq!(say(&stack, "device-3", "Yes").await?.actions.len(), 1);
    stack.stop(&[]).await
}
