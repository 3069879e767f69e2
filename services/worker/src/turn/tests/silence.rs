//! A listener is never left with nothing.

use nexy_text_processing::ToolCall;

use super::*;

fn call(name: &str, arguments: &str) -> Vec<Step> {
    let call = ToolCall { name: name.to_owned(), arguments_json: arguments.to_owned() };
    vec![Step::Delta(Delta::ToolCall(call)), Step::stop()]
}

fn bench(model: ScriptedModel) -> (ScriptedSynthesizer, Bench) {
    let spoken = voice("espeak");
    let offline = Arc::new(ScriptedModel::saying("offline", "I am here for you."));
    let models: Vec<Arc<dyn LanguageModel>> = vec![Arc::new(model), offline];
    (spoken.clone(), Bench::new(models, vec![Arc::new(spoken)]))
}

fn in_language(prompt: &str, tag: &str) -> Question {
    let listener = Listener { language: nexy_types::Language::parse(tag), ..Listener::default() };
    Question { listener, ..question(prompt) }
}

#[tokio::test(start_paused = true)]
async fn an_action_without_words_is_said_in_the_listeners_language() {
    let safari = r#"{"app_name":"Safari"}"#;
    let long = format!(r#"{{"app_name":"{}"}}"#, "x".repeat(100));
    let rows = [
        (question("Open Safari"), safari, "Opening Safari."),
        (question("Открой Safari"), safari, "Открываю Safari."),
        (in_language("Safari", "ru-RU"), safari, "Открываю Safari."),
        (in_language("Safari", "de"), safari, "Opening Safari."),
        // What is no name is not read out.
        (question("Open it"), long.as_str(), "I am doing that."),
        (question("Открой"), r#"{"app_name":"a\nb"}"#, "Делаю."),
    ];
    for (asked, arguments, expected) in rows {
        let (spoken, bench) = bench(ScriptedModel::new("openai", call("open_app", arguments)));
        let heard = bench.answer(asked).await;
        assert_eq!((heard.texts(), heard.actions().len()), (vec![expected], 1));
        assert_eq!(heard.audio_ms(), 100);
        assert_eq!(spoken.utterances().len(), 1, "once");
        assert_eq!(heard.ended.reply, expected);
        let text = heard.events.iter().position(|event| matches!(event, Event::Text(_)));
        let action = heard.events.iter().position(|event| matches!(event, Event::Action(_)));
        assert!(text < action);
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_without_words_of_a_reply_that_is_cut_off_is_left_to_the_next_model() {
    for reason in [FinishReason::Length, FinishReason::ContentFilter, FinishReason::Other] {
        let mut steps = call("open_app", r#"{"app_name":"Safari"}"#);
        steps.pop();
        steps.push(Step::Delta(Delta::Finished(reason)));
        let (_, bench) = bench(ScriptedModel::new("openai", steps));
        let heard = bench.ask("Open Safari").await;
        assert_eq!((heard.texts(), heard.actions().len()), (vec!["I am here for you."], 0));
        assert!(heard.ended.result.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_without_a_sentence_of_its_own_has_a_general_one() {
    let (_, mut bench) =
        bench(ScriptedModel::new("openai", call("open_app", r#"{"app_name":"M"}"#)));
    for entry in &mut bench.pipeline.commands {
        entry.says.clear();
    }
    assert_eq!(bench.ask("Open M").await.texts(), ["I am doing that."]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_signs_only_is_named_to_the_ear_and_one_with_words_is_not() {
    let rows = [
        ("Good?", "👍", Some("thumbs up")),
        ("Хорошо?", "👍🏽", Some("палец вверх")),
        ("Спасибо", "🦩", Some("эмодзи")),
        ("Really?", "…", Some("no words")),
        ("Good?", "👍 Very good indeed.", None),
        ("Good?", "It is very good. 👍", None),
    ];
    for (asked, reply, name) in rows {
        let (spoken, bench) = bench(ScriptedModel::saying("openai", reply));
        let heard = bench.ask(asked).await;
        assert_eq!(heard.texts().join(" "), reply, "shown as it is");
        assert_eq!(heard.ended.reply, reply);
        let said: Vec<_> = spoken.utterances().into_iter().map(|said| said.text).collect();
        match name {
            Some(name) => assert_eq!((said, heard.audio_ms()), (vec![name.to_owned()], 100)),
            None => assert!(said.concat().contains("ery good"), "{said:?}"),
        }
        assert!(heard.ended.outcome.degraded.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_added_to_the_models_own_words() {
    let mut steps = call("open_app", r#"{"app_name":"Safari"}"#);
    steps.insert(0, Step::text("Here comes Safari."));
    let (_, bench) = bench(ScriptedModel::new("openai", steps));
    let heard = bench.ask("Open Safari").await;
    assert_eq!((heard.texts(), heard.actions().len()), (vec!["Here comes Safari."], 1));

    let object = r#"{"command":"open_app","args":{"app_name":"Safari"},"text":"Here it comes."}"#;
    let (_, bench) = self::bench(ScriptedModel::saying("openai", object));
    let heard = bench.ask("Open Safari").await;
    assert_eq!((heard.texts(), heard.actions().len()), (vec!["Here it comes."], 1));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_only_asks_for_what_cannot_be_done_says_so_and_blames_nobody() {
    let mail = call("send_mail", "{}");
    let (_, bench) = bench(ScriptedModel::new("openai", mail));
    // More often than the breaker forgives.
    for _ in 0..5 {
        let heard = bench.ask("Send a mail").await;
        assert_eq!((heard.texts(), heard.actions().len()), (vec!["I cannot do that."], 0));
        assert_eq!(heard.ended.outcome.llm, "openai");
        assert!(heard.ended.result.is_ok());
    }
    let off = Question { actions_enabled: false, ..question("Открой Safari") };
    let (_, bench) =
        self::bench(ScriptedModel::new("openai", call("open_app", r#"{"app_name":"M"}"#)));
    assert_eq!(bench.answer(off).await.texts(), ["Не могу."]);

    let line = r#"__MCP__{"event":"mcp.command_request"}"#;
    let (_, bench) = self::bench(ScriptedModel::saying("openai", line));
    assert_eq!(bench.ask("Read it").await.texts(), ["I cannot do that."]);
}
