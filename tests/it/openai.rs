//! A model and a voice that speak the OpenAI wire format, at their best and at
//! their worst.

use std::time::{Duration, Instant};

use nexy_testkit::{
    chat_server::Script,
    speech_server::{self, Audio, Ending, Refusal},
    stack::{Action, Stack, question},
};
use serde_json::json;
use tonic::Code;

use crate::support::{
    Fakes, SOON, ask, ask_with, assert_audio, assert_refused, assert_whole, is_installed, samples,
};

#[tokio::test]
async fn a_reply_in_odd_slow_pieces_is_whole() -> anyhow::Result<()> {
    let tokens =
        ["При", "вет", "! Это", " про", "верка. ", "It is −5", "°C, isn", "'t it? ", "Да 😀", "."];
    // Seven bytes at a time cut characters in two.
    let reply = Script::text(tokens).chunk_bytes(7).crlf().token_delay(Duration::from_millis(20));
    let fakes = Fakes::saying(reply).await?;
    let stack = fakes.stack().start().await?;
    let reply = ask(&stack, question("device-1", "Say something odd")).await?;
    assert_whole(&reply);
    assert_eq!(reply.text(), "Привет! Это проверка. It is −5°C, isn't it? Да 😀.");
    assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=openai"));

    // Half a second of 440 Hz for each segment, resampled from 24 to 48 kHz.
    let spoken = fakes.speech.requests();
    let expected = 0.5 * spoken.len() as f64;
    assert!(
        (reply.audio_seconds() - expected).abs() < 0.05 * expected,
        "{}",
        reply.audio_seconds()
    );
    let samples = samples(&reply);
    let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    let hertz = crossings as f64 / 2.0 / reply.audio_seconds();
    assert!((425.0..455.0).contains(&hertz), "{hertz} Hz");

    let asked = fakes.chat.requests();
    let body = &asked[0].body;
    assert_eq!((&body["model"], &body["stream"]), (&json!("test-model"), &json!(true)));
    assert_eq!(asked[0].header("authorization"), "Bearer key-of-the-model");
    assert_eq!(asked[0].prompt(), "Say something odd");
    for request in &spoken {
        assert_eq!(request.body["model"], "test-voice-model");
        assert_eq!(request.body["voice"], "test-voice");
        assert_eq!(request.body["response_format"], "pcm");
    }
    assert_eq!((asked.len(), reply.texts.len() >= spoken.len()), (1, true));
    stack.stop(&[]).await
}

#[tokio::test]
async fn what_was_said_before_reaches_the_model() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Noted."])).await?;
    let stack = fakes.stack().start().await?;
    ask(&stack, question("device-1", "My cat is called Tom")).await?;
    ask(&stack, question("device-1", "And my dog Rex")).await?;
    ask(&stack, question("device-2", "Hello")).await?;
    let requests = fakes.chat.requests();
    let said = |at: usize| -> Vec<(String, String)> {
        let messages = requests[at].body["messages"].as_array().expect("messages").iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        messages.skip(1).map(|one| (text(&one["role"]), text(&one["content"]))).collect()
    };
    let turn = |role: &str, content: &str| (role.to_owned(), content.to_owned());
    assert_eq!(
        said(1),
        [
            turn("user", "My cat is called Tom"),
            turn("assistant", "Noted."),
            turn("user", "And my dog Rex"),
        ]
    );
    assert_eq!(said(2), [turn("user", "Hello")]);
    stack.stop(&[]).await
}

const ARGUMENTS: &str =
    r#"{"app_name":"Safari","url":"https://a.example/x?a=1&b=2","at":"10:30","note":"\"да\""}"#;

/// A reply that asks for an action in one of the three ways.
fn open_safari(way: &str) -> Script {
    let json = format!(
        r#"{{"session_id":"made up","command":"Open-App","args":{ARGUMENTS},"text":"Opening Safari now."}}"#
    );
    let pieces = |text: &str| -> Vec<String> {
        let letters: Vec<char> = text.chars().collect();
        letters.chunks(5).map(|piece| piece.iter().collect()).collect()
    };
    match way {
        "json" => Script::text(pieces(&json)),
        "fence" => Script::text(pieces(&format!("```json\n{json}\n```"))),
        _ => {
            let fragments: Vec<String> = pieces(ARGUMENTS);
            let fragments: Vec<&str> = fragments.iter().map(String::as_str).collect();
            Script::text(["Opening ", "Safari now."]).and_tool_call("open_app", &fragments)
        }
    }
}

#[tokio::test]
async fn an_action_travels_over_the_transport_that_is_asked_for() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::empty()).await?;
    let stack = fakes.stack().env("FORWARD_ASSISTANT_ACTIONS", "true").start().await?;
    let args: serde_json::Value = serde_json::from_str(ARGUMENTS)?;
    for way in ["json", "fence", "tool"] {
        fakes.chat.state().set_default(open_safari(way));
        for transport in ["", "mcp_prefix", "action_message", "none"] {
            let asked = question("device-1", "Open Safari");
            let payload =
                json!({ "session_id": asked.session_id, "command": "open_app", "args": args });
            let metadata = [("nexy-actions", transport)];
            let metadata = if transport.is_empty() { &metadata[..0] } else { &metadata[..] };
            let reply = ask_with(&stack, asked, metadata).await?;
            assert_whole(&reply);
            assert_eq!(reply.text(), "Opening Safari now.", "{way}");
            let expected = match transport {
                "none" => vec![],
                "action_message" => vec![Action::Message(payload)],
                _ => vec![Action::McpPrefix(
                    json!({ "event": "mcp.command_request", "payload": payload }),
                )],
            };
            assert_eq!(reply.actions, expected, "{way} over {transport}");
        }
    }
    let forwarded =
        stack.decisions()?.into_iter().filter(|line| line.decision == "action_forwarded");
    assert_eq!(forwarded.count(), 9);
    stack.stop(&["action_dropped"]).await
}

#[tokio::test]
async fn no_action_leaves_unless_the_feature_is_on_and_its_kill_switch_off() -> anyhow::Result<()> {
    let off = [
        ("FORWARD_ASSISTANT_ACTIONS", "false"),
        ("NEXY_KS_DISABLE_FORWARD_ASSISTANT_ACTIONS", "true"),
    ];
    for (name, value) in off {
        let fakes = Fakes::saying(open_safari("json")).await?;
        let builder = fakes.stack().env("FORWARD_ASSISTANT_ACTIONS", "true");
        let stack = builder.env(name, value).start().await?;
        let asked = question("device-1", "Open Safari");
        let reply = ask_with(&stack, asked, &[("nexy-actions", "action_message")]).await?;
        assert_whole(&reply);
        assert_eq!((reply.text().as_str(), reply.actions.len()), ("Opening Safari now.", 0));
        assert!(fakes.chat.requests()[0].body["tools"].as_array().is_none_or(Vec::is_empty));
        stack.stop(&["action_dropped"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_command_that_nobody_knows_is_dropped_and_its_text_spoken() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::empty()).await?;
    let stack = fakes.stack().env("FORWARD_ASSISTANT_ACTIONS", "true").start().await?;
    let bad = [
        r#"{"command":"format_disk","args":{"disk":"C"},"text":"As you wish."}"#,
        r#"{"command":"open_app","args":{},"text":"As you wish."}"#,
        r#"{"command":"open_app","args":{"app_name":" "},"text":"As you wish."}"#,
        r#"{"command":"open_app","args":{"app_name":7},"text":"As you wish."}"#,
    ];
    for json in bad {
        fakes.chat.state().set_default(Script::text([json]));
        let reply = ask(&stack, question("device-1", "Do it")).await?;
        assert_whole(&reply);
        assert_eq!((reply.text().as_str(), reply.actions.len()), ("As you wish.", 0), "{json}");
    }
    let lines = stack.decisions()?;
    let dropped = lines.iter().filter(|line| line.decision == "action_dropped");
    assert_eq!(dropped.count(), bad.len());
    assert!(!stack.log().iter().any(|line| line.contains("format_disk")), "the command is content");
    stack.stop(&["action_dropped"]).await
}

#[tokio::test]
async fn the_offline_assistant_takes_over_from_a_model_that_fails() -> anyhow::Result<()> {
    let failures = [
        ("500", Script::status(500, "server_error")),
        ("429", Script::status(429, "insufficient_quota")),
        ("401", Script::status(401, "invalid_api_key")),
        ("empty", Script::empty()),
        ("blank", Script::text([" ", "\n"])),
        ("silent", Script::silent()),
        ("slow", Script::text(["Too late."]).first_delay(Duration::from_secs(5))),
        ("web page", Script::raw("<html>").content_type("text/html")),
    ];
    for (name, script) in failures {
        let fakes = Fakes::saying(script).await?;
        let stack = fakes.stack().env("LLM_FIRST_TOKEN_TIMEOUT_MS", "400").start().await?;
        let began = Instant::now();
        let reply = ask(&stack, question("device-1", "Write me a poem")).await?;
        assert_whole(&reply);
        assert!(reply.text().contains("cannot be reached right now"), "{name}: {}", reply.text());
        assert_eq!(reply.trailer("nexy-providers"), Some("llm=offline;tts=openai"), "{name}");
        assert!(began.elapsed() < Duration::from_secs(3), "{name}: {:?}", began.elapsed());
        stack.stop(&["retry", "breaker_state"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_that_is_cut_off_has_no_end_message() -> anyhow::Result<()> {
    let begun = || Script::text(["This is the beginning. ", "And this is the mid"]);
    let cuts = [
        ("cut", begun().cut()),
        ("reset", begun().reset()),
        ("error", begun().error("server_error", 500)),
        ("length", begun().finish("length")),
        ("filter", begun().finish("content_filter")),
        ("hang", begun().hang()),
    ];
    for (name, script) in cuts {
        let fakes = Fakes::saying(script).await?;
        let stack = fakes.stack().env("LLM_STALL_TIMEOUT_MS", "400").start().await?;
        let reply = ask(&stack, question("device-1", "Write me a poem")).await?;
        assert_eq!(
            reply.texts.first().map(String::as_str),
            Some("This is the beginning."),
            "{name}"
        );
        match name {
            "hang" => assert_refused(&reply, Code::DeadlineExceeded, "timeout"),
            _ => assert_refused(&reply, Code::Unavailable, "unavailable"),
        };
        let again = ask(&stack, question("device-1", "What did you say?")).await?;
        assert!(again.status.is_some());
        let asked = fakes.chat.requests();
        let messages = asked[1].body["messages"].as_array().expect("messages").len();
        assert_eq!(messages, 2, "{name}: half a reply was remembered");
        stack.stop(&["retry"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_a_model_does_besides_talking_is_not_taken_for_a_stall() -> anyhow::Result<()> {
    let pause = Duration::from_millis(300);
    let fragments = ["{", "\"app", "_name\"", ":\"Te", "legram\"", "}"];
    let call = Script::text(["Opening."]).and_tool_call("open_app", &fragments);
    let scripts = [
        // Its end is not followed by the connection's.
        (Script::text(["It is ten o'clock."]).hang_after_finish(), "It is ten o'clock.", 0),
        // A call that takes longer to write than any single wait.
        (call.token_delay(pause), "Opening.", 1),
        (Script::tool_call("open_app", &fragments).token_delay(pause), "Opening Telegram.", 1),
    ];
    for (script, expected, actions) in scripts {
        let fakes = Fakes::saying(script).await?;
        let stack = fakes.stack();
        let stack =
            stack.env("LLM_STALL_TIMEOUT_MS", "1200").env("LLM_FIRST_TOKEN_TIMEOUT_MS", "1200");
        let stack = stack.env("FORWARD_ASSISTANT_ACTIONS", "true").start().await?;
        let reply = ask(&stack, question("device-1", "Open Telegram")).await?;
        assert_whole(&reply);
        assert_eq!((reply.text().as_str(), reply.actions.len()), (expected, actions));
        assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=openai"));
        stack.stop(&[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_fail_over_only_the_first_provider_is_asked() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::status(500, "server_error")).await?;
    let stack = fakes.stack().env("USE_FALLBACK_MANAGER", "false").start().await?;
    let reply = ask(&stack, question("device-1", "Write me a poem")).await?;
    assert_refused(&reply, Code::Unavailable, "unavailable");
    stack.stop(&["retry"]).await
}

#[tokio::test]
async fn the_next_voice_takes_over_from_one_that_fails() -> anyhow::Result<()> {
    if !is_installed("espeak-ng") {
        return Ok(());
    }
    let silence = Audio::Silence(Duration::from_millis(300));
    let mut slow = speech_server::Script::tone();
    slow.first_chunk_after = Duration::from_secs(5);
    let failures = [
        ("500", speech_server::Script::refusing(Refusal::new(500, "server_error", "oops"))),
        ("silence", speech_server::Script::speaking(silence)),
        ("nothing", speech_server::Script::speaking(Audio::Nothing)),
        ("slow", slow),
    ];
    for (name, script) in failures {
        let fakes =
            Fakes::saying(Script::text(["This is a sentence. ", "This is another one."])).await?;
        fakes.speech.state().always(script);
        let stack = fakes.stack().env("TTS_FIRST_BYTE_TIMEOUT_MS", "800").start().await?;
        let reply = ask(&stack, question("device-1", "Say it")).await?;
        assert_whole(&reply);
        assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=espeak"), "{name}");
        assert_eq!(reply.trailer("nexy-degraded"), None, "{name}");
        assert!(reply.audio_seconds() > 1.5, "{name}: {}", reply.audio_seconds());
        stack.stop(&["retry"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn text_flows_when_no_voice_can_be_heard() -> anyhow::Result<()> {
    let builder = Stack::builder().env("TTS_PROVIDERS", "espeak");
    let stack = builder.env("ESPEAK_PROGRAM", "/nowhere/espeak-ng").start().await?;
    let reply = ask(&stack, question("device-1", "How are you?")).await?;
    assert!(reply.is_complete(), "{:?}", reply.status);
    assert_eq!((reply.text().as_str(), reply.chunks.len()), ("I am ready. How can I help?", 0));
    assert_eq!(reply.trailer("nexy-degraded"), Some("tts"));
    assert_eq!(reply.trailer("nexy-providers"), Some("llm=offline"));
    assert_eq!(reply.trailer("nexy-first-audio-ms"), None);
    let status = crate::support::gateway_json(&stack, "/status").await?;
    assert_eq!(status["workers"][0]["state"], "degraded", "{status}");
    stack.stop(&["retry", "degrade", "worker_state"]).await
}

#[tokio::test]
async fn a_voice_that_breaks_off_is_told_in_the_trailers() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["This is a sentence."])).await?;
    let mut cut = speech_server::Script::tone();
    cut.ending = Ending::CutAfter(12_000);
    fakes.speech.state().always(cut);
    let stack = fakes.stack().start().await?;
    let reply = ask(&stack, question("device-1", "Say it")).await?;
    assert!(reply.is_complete());
    assert_audio(&reply);
    assert_eq!(reply.trailer("nexy-degraded"), Some("tts"));
    stack.stop(&["retry", "degrade"]).await
}

#[tokio::test]
async fn a_model_that_thinks_for_long_is_bridged_once_and_only_to_the_ear() -> anyhow::Result<()> {
    let slow = Script::text(["This is the answer."]).first_delay(Duration::from_millis(1500));
    let fakes = Fakes::saying(slow).await?;
    let stack = fakes.stack().env("BRIDGE_AFTER_MS", "300").start().await?;
    let reply = ask(&stack, question("device-1", "Think about it")).await?;
    assert_eq!(reply.outline, ["audio", "text", "audio", "end"]);
    assert!(reply.is_complete());
    assert_audio(&reply);
    assert_eq!(reply.text(), "This is the answer.");
    // Half a second of bridge, and half a second of answer.
    assert!((0.9..1.1).contains(&reply.audio_seconds()), "{}", reply.audio_seconds());
    let heard = reply.first_audio.map(|time| time.as_secs_f64()).unwrap_or_default();
    assert!((0.25..1.2).contains(&heard), "heard after {heard} s");

    fakes.chat.state().set_default(Script::text(["At once."]));
    let quick = ask(&stack, question("device-1", "Be quick")).await?;
    assert_eq!(quick.outline, ["text", "audio", "end"]);
    stack.stop(&[]).await
}

#[tokio::test]
async fn the_connections_to_providers_stand_before_the_first_question() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["It is late."])).await?;
    let stack = fakes.stack().start().await?;
    let until = Instant::now() + SOON;
    while fakes.chat.accepted_connections() == 0 || fakes.speech.accepted_connections() == 0 {
        anyhow::ensure!(Instant::now() < until, "no connection was opened");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(fakes.chat.requests().is_empty(), "no model is asked");
    assert!(fakes.speech.requests().is_empty(), "no voice is asked");
    assert_whole(&ask(&stack, question("device-1", "What time is it?")).await?);
    assert_eq!(fakes.chat.accepted_connections(), 1, "the question used it");
    stack.stop(&[]).await
}
