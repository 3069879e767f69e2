use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use nexy_types::{Language, SampleRate, SpeechRate};
use tokio::time::Instant;

use super::{ScriptedSynthesizer, Step};
use crate::{Error, SpeechSynthesizer, Utterance};

fn voice() -> ScriptedSynthesizer {
    ScriptedSynthesizer::new("scripted", SampleRate::new(48_000).unwrap())
}

fn utterance() -> Utterance {
    Utterance {
        text: "private words".to_owned(),
        language: Language::english(),
        voice: Some("private voice".to_owned()),
        rate: SpeechRate::NORMAL,
    }
}

#[tokio::test(start_paused = true)]
async fn does_what_it_is_told_in_the_order_it_was_told() {
    let second = Duration::from_secs(1);
    let pcm = Bytes::from_static(&[1, 2, 3]);
    let voice = voice()
        .then([
            Step::Wait(second),
            Step::Pcm(pcm.clone()),
            Step::Wait(second),
            Step::Fail(Error::BrokenStream),
        ])
        .then([Step::Fail(Error::Unauthorized)])
        .then([])
        .always([Step::Sound(Duration::from_millis(10)), Step::Silence(Duration::from_millis(5))]);
    let began = Instant::now();
    let speech = voice.synthesize(utterance()).await.unwrap();
    assert_eq!(began.elapsed(), second);
    let items: Vec<_> = speech.pcm.collect().await;
    assert_eq!(items, [Ok(pcm), Err(Error::BrokenStream)]);
    assert_eq!(began.elapsed(), 2 * second);
    assert_eq!(voice.synthesize(utterance()).await.unwrap_err(), Error::Unauthorized);
    assert_eq!(voice.synthesize(utterance()).await.unwrap_err(), Error::Silent);
    for _ in 0..2 {
        let speech = voice.synthesize(utterance()).await.unwrap();
        let items: Vec<_> = speech.pcm.map(|chunk| chunk.unwrap().len()).collect().await;
        assert_eq!(items, [960, 480]);
    }
    assert_eq!(voice.utterances().len(), 5);
    assert_eq!((voice.active(), voice.cancelled()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn counts_the_replies_that_were_cancelled() {
    let sound = Step::Sound(Duration::from_millis(10));
    let voice = voice().then([Step::Stall]).then([sound, Step::Stall]);
    let stalled = tokio::time::timeout(Duration::from_secs(9), voice.synthesize(utterance()));
    assert!(stalled.await.is_err());
    assert_eq!(voice.cancelled(), 1);
    let speech = voice.synthesize(utterance()).await.unwrap();
    assert_eq!((voice.active(), voice.cancelled()), (1, 1));
    drop(speech);
    assert_eq!((voice.active(), voice.cancelled()), (0, 2));
}

#[tokio::test]
async fn says_nothing_without_a_script_and_shows_no_words() {
    let voice = voice();
    let error = voice.synthesize(utterance()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }));
    assert!(!format!("{voice:?} {:?}", utterance()).contains("private"));
}
