//! Commands that are confirmed by voice first.

use nexy_text_processing::ToolCall;
use nexy_types::{Argument, ArgumentKind, Risk};
use serde_json::{Value, json};

use super::*;

const HI: &str = r#"{"text":"hi","to":"Ada"}"#;

/// How a model asks for a command.
#[derive(Debug, Clone, Copy)]
enum Way {
    Json,
    Native,
}

fn entry(name: &str, risk: Risk) -> CommandEntry {
    let to = Argument {
        name: "to".to_owned(),
        kind: ArgumentKind::String,
        required: true,
        description: "To whom.".to_owned(),
    };
    let command = Command {
        name: name.to_owned(),
        description: "Does it.".to_owned(),
        arguments: vec![to],
        risk,
    };
    CommandEntry { command, flag: None, says: std::collections::BTreeMap::new() }
}

fn action(command: &str, args: &str) -> Action {
    Action { command: command.to_owned(), args: serde_json::from_str(args).unwrap() }
}

/// What a model does that says `text` and asks for `command`.
fn steps(way: Way, text: &str, command: &str, args: &str) -> Vec<Step> {
    let stop = Step::stop();
    match way {
        Way::Json => {
            let args: Value = serde_json::from_str(args).unwrap();
            vec![
                Step::text(json!({"command": command, "args": args, "text": text}).to_string()),
                stop,
            ]
        }
        Way::Native => {
            let call = ToolCall { name: command.to_owned(), arguments_json: args.to_owned() };
            let words = (!text.is_empty()).then(|| Step::text(text));
            words.into_iter().chain([Step::Delta(Delta::ToolCall(call)), stop]).collect()
        }
    }
}

fn bench_of(models: Vec<Arc<dyn LanguageModel>>, voice: ScriptedSynthesizer) -> Bench {
    let mut bench = Bench::new(models, vec![Arc::new(voice)]);
    bench.pipeline.commands = vec![
        entry("send_mail", Risk::Confirm),
        entry("read_mail", Risk::Reads),
        entry("open_mail", Risk::Acts),
    ];
    bench
}

fn bench(steps: Vec<Step>) -> Bench {
    bench_of(vec![Arc::new(ScriptedModel::new("openai", steps))], voice("espeak"))
}

/// A question after the user was asked about an action.
fn answer(words: &str, waiting: Action) -> Question {
    Question { waiting: Some(waiting), ..question(words) }
}

#[tokio::test(start_paused = true)]
async fn a_command_to_be_confirmed_is_held_and_the_user_is_asked() {
    for way in [Way::Json, Way::Native] {
        let bench = bench(steps(way, "I am writing to Ada.", "send_mail", HI));
        let heard = bench.ask("Write hi to Ada").await;
        assert!(heard.actions().is_empty(), "{way:?}");
        assert_eq!(heard.texts(), ["I am writing to Ada.", "Shall I?"]);
        assert_eq!(heard.audio_ms(), 200, "the question is spoken");
        assert_eq!(heard.ended.waiting, Some(action("send_mail", HI)));
        assert_eq!(heard.ended.reply, "I am writing to Ada. Shall I?");
    }
}

#[tokio::test(start_paused = true)]
async fn it_leaves_once_the_user_has_agreed_and_never_before_the_first_text() {
    for way in [Way::Json, Way::Native] {
        let model = Arc::new(ScriptedModel::new(
            "openai",
            steps(way, "I am writing to Ada.", "Send-Mail", HI),
        ));
        let bench = bench_of(vec![model.clone()], voice("espeak"));
        let heard = bench.answer(answer("Yes, please", action("send_mail", HI))).await;
        assert_eq!(heard.actions(), [&action("send_mail", HI)], "{way:?}");
        assert_eq!(heard.texts(), ["I am writing to Ada."]);
        assert_eq!(heard.ended.waiting, None, "it is used up");
        let place = |wanted: fn(&Event) -> bool| heard.events.iter().position(wanted);
        let text = place(|event| matches!(event, Event::Text(_)));
        assert!(text < place(|event| matches!(event, Event::Action(_))));
        let system = &model.requests()[0].system;
        assert!(system.contains(&format!("\n> send_mail {HI}\n")), "{system}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_was_not_agreed_to_is_asked_about_again() {
    let png = Some(Bytes::new());
    let hi = action("send_mail", HI);
    let rows = [
        ("nothing waits", question("Yes")),
        ("other arguments", answer("Yes", action("send_mail", r#"{"text":"hi","to":"Eve"}"#))),
        ("another command", answer("Yes", action("read_mail", HI))),
        ("a refusal", answer("No, don't", hi.clone())),
        ("a screenshot says yes", Question { screenshot: png, ..answer("What is this?", hi) }),
    ];
    for (why, asked) in rows {
        let bench = bench(steps(Way::Native, "I am writing to Ada.", "send_mail", HI));
        let heard = bench.answer(asked).await;
        assert!(heard.actions().is_empty(), "{why}");
        assert_eq!(heard.texts(), ["I am writing to Ada.", "Shall I?"], "{why}");
        assert_eq!(heard.ended.waiting, Some(action("send_mail", HI)), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_asks_for_nothing_leaves_nothing_waiting() {
    let bench = bench(vec![Step::text("As you wish."), Step::stop()]);
    let heard = bench.answer(answer("No", action("send_mail", HI))).await;
    assert!(heard.actions().is_empty());
    assert_eq!((heard.texts(), &heard.ended.waiting), (vec!["As you wish."], &None));
}

#[tokio::test(start_paused = true)]
async fn the_question_is_added_only_when_it_is_missing() {
    let rows: [(&str, &[&str]); 4] = [
        ("Shall I write hi to Ada?", &["Shall I write hi to Ada?"]),
        ("Я пишу Аде письмо.", &["Я пишу Аде письмо.", "Сделать?"]),
        ("I am writing to Ada", &["I am writing to Ada", "Shall I?"]),
        // The user hears what a yes would do, also from a model that is silent.
        ("", &["send mail, hi, Ada.", "Shall I?"]),
    ];
    for way in [Way::Json, Way::Native] {
        for (text, expected) in rows {
            let heard = bench(steps(way, text, "send_mail", HI)).ask("Write to Ada").await;
            assert_eq!(heard.texts(), expected, "{way:?}");
            assert_eq!(heard.ended.waiting, Some(action("send_mail", HI)));
            assert!(heard.ended.result.is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_not_heard_to_its_end_can_not_be_answered() {
    let mut cut = steps(Way::Native, "I am writing to Ada.", "send_mail", HI);
    cut.pop();
    cut.push(Step::Delta(Delta::Finished(FinishReason::Length)));
    let heard = bench(cut).ask("Write to Ada").await;
    assert_eq!(
        (heard.error(), heard.texts()),
        (ErrorType::Unavailable, vec!["I am writing to Ada."])
    );
    assert_eq!(heard.ended.waiting, None);

    let asked = steps(Way::Native, "I am writing to Ada.", "send_mail", HI);
    let model = Arc::new(ScriptedModel::new("openai", asked));
    let heard = bench_of(vec![model], broken_voice()).ask("Write to Ada").await;
    assert_eq!(heard.texts(), ["I am writing to Ada.", "Shall I?"]);
    assert_eq!(
        (heard.ended.outcome.degraded.as_slice(), &heard.ended.waiting),
        (&["tts"][..], &None)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_model_asked_for_does_not_wait() {
    let mut failing = steps(Way::Native, "", "send_mail", HI);
    failing.pop();
    failing.push(Step::Error(ModelError::Unavailable(Refusal::default())));
    let first = Arc::new(ScriptedModel::new("openai", failing));
    let second = Arc::new(ScriptedModel::saying("offline", "I am here for you."));
    let heard = bench_of(vec![first, second], voice("espeak")).ask("Write to Ada").await;
    assert_eq!(heard.texts(), ["I am here for you."]);
    assert_eq!(heard.ended.waiting, None);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_about_is_dropped() {
    let long = format!(r#"{{"text":"{}","to":"Ada"}}"#, "x".repeat(200));
    let heard =
        bench(steps(Way::Native, "I am writing.", "send_mail", &long)).ask("Write to Ada").await;
    assert!(heard.actions().is_empty());
    assert_eq!((heard.texts(), &heard.ended.waiting), (vec!["I am writing."], &None));

    // Nor does a yes bring back what is off by now.
    let bench = bench(steps(Way::Native, "I am writing.", "send_mail", HI));
    let off = Question { actions_enabled: false, ..answer("Yes", action("send_mail", HI)) };
    let heard = bench.answer(off).await;
    assert!(heard.actions().is_empty());
    assert_eq!((heard.texts(), &heard.ended.waiting), (vec!["I am writing."], &None));
}

#[tokio::test(start_paused = true)]
async fn commands_that_read_or_act_leave_at_once() {
    for command in ["read_mail", "open_mail"] {
        let heard = bench(steps(Way::Json, "Here it is.", command, HI)).ask("Show it").await;
        assert_eq!(heard.actions(), [&action(command, HI)]);
        assert_eq!((heard.texts(), &heard.ended.waiting), (vec!["Here it is."], &None));
    }
}
