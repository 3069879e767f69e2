//! How the listener wants to be spoken to, on its way to the voice.

use nexy_testkit::{azure_server, chat_server::Script, stack::question};

use serde_json::json;

use crate::support::{Fakes, ask_with, assert_whole};

/// Of a call.
type Metadata = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn language_voice_and_rate_of_a_call_reach_the_voice() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Es ist zehn Uhr."])).await?;
    fakes.chat.state().on_prompt("время", Script::text(["Сейчас десять часов."]));
    let azure = azure_server::start(azure_server::tone()).await?;
    let stack = fakes
        .stack()
        .env("AZURE_SPEECH_KEY", "key-of-the-voice")
        .env("AZURE_SPEECH_REGION", "nowhere")
        .env("AZURE_SPEECH_BASE_URL", azure.origin())
        .env("AZURE_VOICE_NAME", "en-US-AriaNeural")
        .start()
        .await?;
    let rows: [(&str, Metadata, [&str; 3]); 5] = [
        (
            "Wie spät ist es?",
            &[
                ("nexy-language", "de-AT"),
                ("nexy-voice", "de-AT-IngridNeural"),
                ("nexy-speech-rate", "1.5"),
            ],
            ["de-AT", "de-AT-IngridNeural", "+50%"],
        ),
        ("Wie spät ist es?", &[("nexy-language", "de")], ["de-DE", "de-DE-KatjaNeural", "+0%"]),
        ("Сколько время?", &[], ["ru-RU", "ru-RU-SvetlanaNeural", "+0%"]),
        // Faster than twice the speed it does not speak.
        (
            "Сколько время?",
            &[("nexy-speech-rate", "3")],
            ["ru-RU", "ru-RU-SvetlanaNeural", "+100%"],
        ),
        // A voice that does not speak the language of the reply does not say it.
        (
            "Сколько время?",
            &[("nexy-voice", "de-AT-IngridNeural"), ("nexy-speech-rate", "0.5")],
            ["ru-RU", "ru-RU-SvetlanaNeural", "-50%"],
        ),
    ];
    for (prompt, metadata, expected) in rows {
        assert_whole(&ask_with(&stack, question("device-1", prompt), metadata).await?);
        let body = azure.requests().pop().expect("a request").body;
        let asked = ["language", "voice", "rate"].map(|name| body[name].as_str().unwrap_or("-"));
        assert_eq!(asked, expected, "{prompt} {metadata:?}");
    }
    stack.stop(&[]).await?;

    // Another provider, whose voices have names without a language.
    let stack = fakes.stack().start().await?;
    let asked = question("device-1", "Wie spät ist es?");
    assert_whole(&ask_with(&stack, asked, &[("nexy-voice", "shimmer")]).await?);
    let body = fakes.speech.requests().pop().expect("a request").body;
    assert_eq!(body["voice"], "shimmer");
    stack.stop(&[]).await
}

#[tokio::test]
async fn every_voice_is_heard_at_the_rate_of_the_call() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["It is ten o'clock."])).await?;
    // The fake hums half a second whatever it is asked for.
    let rows = [("false", json!(null), [0.5, 1.0, 2.0, 3.0]), ("true", json!(3.0), [1.0; 4])];
    for (takes_speed, speed, times) in rows {
        let stack = fakes.stack().env("TTS_OPENAI_TAKES_SPEED", takes_speed).start().await?;
        for (rate, times) in ["0.5", "1", "2", "3"].into_iter().zip(times) {
            let asked = question("device-1", "What time is it?");
            let reply = ask_with(&stack, asked, &[("nexy-speech-rate", rate)]).await?;
            assert_whole(&reply);
            let heard = reply.audio_seconds() * times / 0.5;
            assert!((heard - 1.0).abs() < 0.03, "{takes_speed} {rate}: {heard} of the length");
        }
        assert_eq!(fakes.speech.requests().pop().expect("a request").body["speed"], speed);
        stack.stop(&[]).await?;
    }
    Ok(())
}
