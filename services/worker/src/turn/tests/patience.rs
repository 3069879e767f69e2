//! Providers that are slow, or fail again and again.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_model_that_keeps_failing_is_left_alone_and_then_tried_again() {
    let first = Arc::new(ScriptedModel::new("openai", vec![Step::Hang]));
    let second = Arc::new(ScriptedModel::saying("offline", "I am here for you."));
    let bench = Bench::new(vec![first.clone(), second], vec![Arc::new(voice("espeak"))]);
    for _ in 0..3 {
        assert_eq!(bench.ask("Hello").await.took, Duration::from_secs(2));
    }
    // Nobody waits for it any more.
    assert_eq!(bench.ask("Hello").await.took, Duration::ZERO);
    assert_eq!(first.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_moment_is_said_when_nothing_can_be_heard_for_long() {
    let late = |ms| vec![Step::Delay(Duration::from_millis(ms)), Step::text("Yes."), Step::stop()];
    for (delay, expected) in [(1400, 0), (1900, 100)] {
        let model = ScriptedModel::new("openai", late(delay));
        let spoken = voice("espeak");
        let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(spoken.clone())]);
        let heard = bench.ask("Ты здесь?").await;
        assert_eq!(heard.bridge_ms(), expected, "{delay} ms");
        assert_eq!(heard.texts(), ["Yes."], "it is not part of the reply");
        assert_eq!(heard.audio_ms(), 100);
        let said: Vec<_> = spoken.utterances().into_iter().map(|said| said.text).collect();
        // Spoken ahead, so that it is there when it is needed.
        assert!(said.contains(&"Секунду.".to_owned()));
    }
}

/// A listener who wants another voice and rate than anybody before.
fn quick(prompt: &str) -> Question {
    let listener = Listener {
        voice: Some("Quick".to_owned()),
        rate: nexy_types::SpeechRate::new(2.5).unwrap(),
        ..Listener::default()
    };
    Question { listener, ..question(prompt) }
}

#[tokio::test(start_paused = true)]
async fn one_moment_is_spoken_ahead_for_a_voice_and_rate_of_ones_own() {
    let slow = [Say::Wait(Duration::from_millis(700)), Say::Sound(Duration::from_millis(100))];
    let spoken = voice("espeak").always(slow);
    let steps = vec![Step::Delay(Duration::from_millis(1450)), Step::text("Yes."), Step::stop()];
    let model = ScriptedModel::new("openai", steps);
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(spoken.clone())]);
    for asked in [1, 2] {
        // The reply's own audio begins after 2150 ms.
        let heard = bench.answer(quick("Are you there?")).await;
        assert_eq!((heard.bridge_ms(), heard.audio_ms()), (100, 100));
        let said = spoken.utterances();
        let bridges: Vec<_> = said.iter().filter(|said| said.text == "One moment.").collect();
        assert_eq!(bridges.len(), 1, "turn {asked}: by then it is in the cache");
        assert_eq!(bridges[0].voice.as_deref(), Some("Quick"));
        assert!((bridges[0].rate.factor() - 2.5).abs() < 0.01);
    }
}

#[tokio::test(start_paused = true)]
async fn the_usual_one_moment_stands_in_for_a_voice_that_hangs_at_the_listeners_speed() {
    let spoken = voice("espeak")
        .then([Say::Sound(Duration::from_millis(100))])
        .then([Say::Sound(Duration::from_millis(100))])
        .always([Say::Stall]);
    let model = ScriptedModel::new("openai", vec![Step::Hang]);
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(spoken)]);
    // As at the start of the process.
    bench.pipeline.bridges.prepare().await;
    let heard = bench.answer(quick("Are you there?")).await;
    // 100 ms at 2.5 times the usual speed, but for the last two periods.
    assert!((36..=50).contains(&heard.bridge_ms()), "{} ms", heard.bridge_ms());
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_was_not_used_for_long_is_warmed_up_while_the_model_thinks() {
    let late = vec![Step::Delay(Duration::from_millis(300)), Step::text("Yes."), Step::stop()];
    let model = ScriptedModel::new("openai", late);
    let spoken = voice("espeak");
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(spoken.clone())]);
    for _ in 0..3 {
        let heard = bench.ask("Are you there?").await;
        assert_eq!(heard.audio_ms(), 100);
        assert_eq!(heard.took, Duration::from_millis(300), "nobody waits for the warm-up");
        assert_eq!(spoken.warm_ups(), 1, "and it is not repeated while the voice is in use");
    }
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_keeps_failing_is_left_alone() {
    let broken = Say::Fail(nexy_audio_generation::Error::BrokenStream);
    let scripts = [
        (vec![Say::Sound(Duration::from_millis(100)), broken], true),
        (vec![Say::Silence(Duration::from_millis(100))], false),
        (vec![Say::Stall], false),
    ];
    for (script, is_heard) in scripts {
        let model = ScriptedModel::saying("openai", "It is ten o'clock.");
        let first = ScriptedSynthesizer::new("tts_openai", rate()).always(script);
        let voices: Vec<Arc<dyn SpeechSynthesizer>> =
            vec![Arc::new(first.clone()), Arc::new(voice("espeak"))];
        let bench = Bench::new(vec![Arc::new(model)], voices);
        for _ in 0..3 {
            let outcome = bench.ask("What time is it?").await.ended.outcome;
            // Another voice speaks unless the first was heard.
            assert_eq!(outcome.degraded.is_empty(), !is_heard);
        }
        let asked = first.utterances().len();
        let heard = bench.ask("What time is it?").await;
        assert_eq!(heard.ended.outcome.tts, "espeak");
        assert_eq!(heard.took, Duration::ZERO);
        assert_eq!(first.utterances().len(), asked, "it was not asked again");
    }
}
