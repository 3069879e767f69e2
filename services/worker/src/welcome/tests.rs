use nexy_audio_generation::{
    Error, OutputFormat, ScriptedSynthesizer, SpeechSynthesizer, scripted::Step as Say,
};

use super::*;
use crate::providers::{BreakerSettings, Prices, VoicesSettings};

const SOUND: Duration = Duration::from_millis(100);
/// Of 48 kHz, 16 bits.
const BYTES_OF_SOUND: usize = 9600;

fn rate() -> SampleRate {
    SampleRate::new(48_000).unwrap()
}

fn voice(name: &'static str, steps: impl Into<Vec<Say>>) -> ScriptedSynthesizer {
    ScriptedSynthesizer::new(name, rate()).always(steps)
}

fn settings() -> Settings {
    Settings {
        cache_bytes: 1 << 20,
        keep_for: Duration::from_secs(3600),
        keep_stand_in_for: Duration::from_secs(3600),
        greeting_en: "Hello!".to_owned(),
        greeting_ru: "Привет!".to_owned(),
    }
}

fn welcomes(voices: &[&ScriptedSynthesizer], settings: Settings) -> Welcomes {
    let voices =
        voices.iter().map(|voice| Arc::new((*voice).clone()) as Arc<dyn SpeechSynthesizer>);
    let wait = Duration::from_secs(20);
    let breaker = BreakerSettings {
        threshold: 10,
        error_ratio: 1.0,
        min_requests: 100,
        window: wait,
        open_for: wait,
    };
    let format = OutputFormat { sample_rate: rate(), chunk_bytes: 4096 };
    let voices = Voices::of(
        voices.collect(),
        VoicesSettings {
            format,
            first_byte: wait,
            stall: wait,
            warm_up_after: Duration::ZERO,
            breaker,
            prices: Prices::default(),
        },
    );
    Welcomes::new(Arc::new(voices), settings)
}

fn greeting(text: &str) -> Greeting {
    Greeting { text: text.to_owned(), voice: None, language: None, rate: SpeechRate::NORMAL }
}

/// Bytes of a greeting, read to its end.
async fn heard(listening: &mut Listening) -> usize {
    listening.begun().await.unwrap();
    let mut bytes = 0;
    while let Some(frame) = listening.next().await.unwrap() {
        bytes += frame.len();
    }
    bytes
}

/// Aborted tasks are dropped by the runtime, which has to get a turn.
async fn until_quiet(voice: &ScriptedSynthesizer) {
    let quiet = async {
        while voice.active() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), quiet).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_greeting_leaves_while_it_is_spoken_and_its_repeat_from_the_cache() {
    let pause = Duration::from_secs(10);
    let voice = voice("espeak", [Say::Sound(SOUND), Say::Wait(pause), Say::Sound(SOUND)]);
    let welcomes = welcomes(&[&voice], settings());
    let began = tokio::time::Instant::now();
    let mut listening = welcomes.listen(greeting("Good morning, everybody.")).await;
    assert_eq!(listening.begun().await.unwrap(), "espeak");
    // 24 characters.
    assert!((listening.duration_sec() - 1.6).abs() < 0.01, "{}", listening.duration_sec());
    assert!(listening.next().await.unwrap().is_some());
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(heard(&mut listening).await > BYTES_OF_SOUND);
    assert_eq!(began.elapsed(), pause);

    let mut again = welcomes.listen(greeting("Good morning, everybody.")).await;
    assert!((again.duration_sec() - 0.2).abs() < 0.01, "by now it is known");
    assert_eq!(heard(&mut again).await, 2 * BYTES_OF_SOUND);
    assert_eq!((voice.utterances().len(), began.elapsed()), (1, pause));
    let quick = Greeting { rate: SpeechRate::new(2.0).unwrap(), ..greeting("Good morning.") };
    assert_eq!(heard(&mut welcomes.listen(quick).await).await, 2 * BYTES_OF_SOUND);
    assert!((voice.utterances()[1].rate.factor() - 2.0).abs() < 0.01);
}

#[tokio::test(start_paused = true)]
async fn simultaneous_requests_are_spoken_once_for_as_long_as_anybody_listens() {
    let pause = Duration::from_secs(10);
    let voice = voice("espeak", [Say::Sound(SOUND), Say::Wait(pause), Say::Sound(SOUND)]);
    let welcomes = welcomes(&[&voice], settings());
    let mut first = welcomes.listen(greeting("Hello")).await;
    assert!(first.next().await.unwrap().is_some());
    let mut second = welcomes.listen(greeting("Hello")).await;
    drop(first);
    assert_eq!(heard(&mut second).await, 2 * BYTES_OF_SOUND);
    assert_eq!(voice.utterances().len(), 1);

    let mut alone = welcomes.listen(greeting("Good night")).await;
    assert!(alone.next().await.unwrap().is_some());
    assert_eq!(voice.active(), 1);
    drop(alone);
    until_quiet(&voice).await;
    // It was not kept.
    assert_eq!(heard(&mut welcomes.listen(greeting("Good night")).await).await, 2 * BYTES_OF_SOUND);
    assert_eq!(voice.utterances().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn half_a_greeting_is_an_error_and_not_kept() {
    let voice = voice("espeak", [Say::Sound(SOUND)])
        .then([Say::Sound(SOUND), Say::Fail(Error::BrokenStream)])
        .then([Say::Fail(Error::BrokenStream)]);
    let welcomes = welcomes(&[&voice], settings());
    let mut broken = welcomes.listen(greeting("Hello")).await;
    assert!(broken.begun().await.is_ok());
    let failure = loop {
        match broken.next().await {
            Ok(frame) => assert!(frame.is_some()),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure.error_type, ErrorType::Unavailable);
    // Nor does it stand in the way of the next try, while somebody holds it.
    assert!(welcomes.listen(greeting("Hello")).await.begun().await.is_err());
    assert!(welcomes.speak(greeting("Hello")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_a_stand_in_spoke_is_not_kept_for_long() {
    let first = voice("azure", [Say::Sound(SOUND)]).then([Say::Fail(Error::BrokenStream)]);
    let second = voice("espeak", [Say::Sound(SOUND)]);
    let short = Settings { keep_stand_in_for: Duration::from_nanos(1), ..settings() };
    let welcomes = welcomes(&[&first, &second], short);
    for expected in ["espeak", "azure", "azure"] {
        let recording = welcomes.speak(greeting("Hello")).await;
        assert_eq!(recording.map(|spoken| spoken.method).ok(), Some(expected));
    }
    assert_eq!((first.utterances().len(), second.utterances().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded_in_bytes() {
    let voice = voice("espeak", [Say::Sound(SOUND)]);
    let small = Settings { cache_bytes: 3 * BYTES_OF_SOUND as u64, ..settings() };
    let welcomes = welcomes(&[&voice], small);
    for number in 0..50 {
        assert!(welcomes.speak(greeting(&format!("Hello number {number}"))).await.is_ok());
    }
    welcomes.cache.run_pending_tasks().await;
    assert!(welcomes.cache.weighted_size() <= 3 * BYTES_OF_SOUND as u64);
    assert!(welcomes.cache.entry_count() <= 3);
    assert!(welcomes.speaking.lock().unwrap().len() <= 1, "nothing is held of what is over");
}
