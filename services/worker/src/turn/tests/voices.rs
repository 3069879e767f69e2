//! Voices and models that fail, and are needed all the same.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_segment_that_nobody_could_say_does_not_mute_the_rest() {
    let text = "This is the first one. This is the second one. This is the third one. \
                This is the fourth one. This is the fifth one.";
    let fault = || Say::Fail(nexy_audio_generation::Error::BrokenStream);
    // In the middle of it, or before its first sound.
    for first in [vec![fault()], vec![Say::Sound(Duration::from_millis(100)), fault()]] {
        let spoken = voice("espeak").then(first);
        let model = ScriptedModel::saying("openai", text);
        let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(spoken)]);
        let heard = bench.ask("Count").await;
        assert_eq!((heard.texts().len(), heard.ended.outcome.tts), (5, "espeak"));
        assert!(heard.audio_ms() >= 400, "{} ms", heard.audio_ms());
        assert_eq!(heard.ended.outcome.degraded, ["tts"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_broke_off_once_is_asked_again_before_nobody_speaks() {
    let fault = || Say::Fail(nexy_audio_generation::Error::BrokenStream);
    let text = "This is the first one. This is the second one. This is the third one. \
                This is the fourth one. This is the fifth one.";
    let first = ScriptedSynthesizer::new("tts_openai", rate())
        .then([Say::Sound(Duration::from_millis(100)), fault()])
        .always([Say::Sound(Duration::from_millis(100))]);
    let second = ScriptedSynthesizer::new("espeak", rate()).always([fault()]);
    let model = ScriptedModel::saying("openai", text);
    let voices: [Arc<dyn SpeechSynthesizer>; 2] = [Arc::new(first), Arc::new(second)];
    let bench = Bench::new(vec![Arc::new(model)], voices.to_vec());
    let heard = bench.ask("Count").await;
    assert_eq!((heard.texts().len(), heard.ended.outcome.tts), (5, "tts_openai"));
    assert_eq!(heard.audio_ms(), 500, "every segment is heard");
}

#[tokio::test(start_paused = true)]
async fn the_last_voice_and_the_last_model_are_always_asked() {
    let fault = || Say::Fail(nexy_audio_generation::Error::BrokenStream);
    let mut last = voice("espeak");
    for _ in 0..4 {
        last = last.then([fault()]);
    }
    let down = || Step::Error(ModelError::Unavailable(Refusal::default()));
    let well = vec![Step::text("It is ten o'clock."), Step::stop()];
    let scripts = (0..4).map(|_| vec![down()]).chain([well]);
    let model = Arc::new(ScriptedModel::queue("openai", scripts));
    let first = broken_voice();
    let bench =
        Bench::new(vec![model.clone()], vec![Arc::new(first.clone()), Arc::new(last.clone())]);
    for _ in 0..4 {
        assert_eq!(bench.ask("What time is it?").await.error(), ErrorType::Unavailable);
    }
    // Its breaker has been open since the third.
    for asked in 1..=4 {
        let heard = bench.ask("What time is it?").await;
        assert_eq!((heard.audio_ms(), last.utterances().len()), (0, asked));
        assert_eq!(heard.ended.outcome.degraded, ["tts"]);
    }
    // And so have those of both voices.
    let heard = bench.ask("What time is it?").await;
    assert_eq!((heard.audio_ms(), heard.ended.outcome.tts), (100, "espeak"));
    assert_eq!(model.requests().len(), 9);
    assert_eq!(first.utterances().len(), 3, "the first is left alone");
}
