//! These run the real program. Without it they fail in CI (`CI` is set) and are
//! skipped loudly elsewhere.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::StreamExt;
use nexy_types::{Language, SampleRate, SpeechRate};

use super::{EspeakSynthesizer, Settings};
use crate::{Error, OutputFormat, Speech, SpeechSynthesizer, Stage, Utterance, frames};

pub(super) const SENTENCE: &str = "The quick brown fox jumps over the lazy dog.";

pub(super) fn settings() -> Settings {
    Settings {
        program: PathBuf::from("espeak-ng"),
        voice: "auto".to_owned(),
        words_per_minute: 175,
        max_processes: 4,
        first_byte_timeout: Duration::from_secs(10),
        stall_timeout: Duration::from_secs(10),
    }
}

pub(super) fn utterance(text: &str) -> Utterance {
    Utterance {
        text: text.to_owned(),
        language: Language::of_text(text),
        voice: None,
        rate: SpeechRate::NORMAL,
    }
}

/// The voice, or `None` with a loud word when the program is not installed.
pub(super) async fn installed(settings: Settings) -> Option<EspeakSynthesizer> {
    let voice = EspeakSynthesizer::new(settings);
    match voice.probe().await {
        Ok(()) => Some(voice),
        Err(Error::NotInstalled { program }) if !in_ci() => {
            eprintln!("SKIPPED: {program} is not installed, nothing of it was tested");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "CI is the test runner's variable, not ours")]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// A program that plays espeak-ng: a shell script.
pub(super) fn fake(script: &str) -> (tempfile::TempDir, Settings) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("espeak-ng");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, Settings { program, ..settings() })
}

/// A WAV header of 22 050 Hz as the program writes it, for `printf`.
pub(super) const HEADER: &str = r"printf 'RIFF\044\360\377\177WAVEfmt \020\0\0\0\001\0\001\0\042\126\0\0\104\254\0\0\002\0\020\0data\0\360\377\177'";

pub(super) async fn collect(speech: Speech) -> Result<Vec<u8>, Error> {
    let chunks: Vec<Result<Bytes, Error>> = speech.pcm.collect().await;
    Ok(chunks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

pub(super) async fn say(voice: &EspeakSynthesizer, utterance: Utterance) -> Vec<u8> {
    collect(voice.synthesize(utterance).await.unwrap()).await.unwrap()
}

pub(super) async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let reached = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.expect(what);
}

pub(super) fn is_alive(process: u32) -> bool {
    // A zombie is dead too.
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

fn read_pid(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn speaks() {
    let Some(voice) = installed(settings()).await else { return };
    let began = Instant::now();
    let speech = voice.synthesize(utterance(SENTENCE)).await.unwrap();
    println!("time to first byte: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
    assert_eq!(speech.sample_rate, SampleRate::new(22_050).unwrap());
    let pcm = collect(speech).await.unwrap();
    let seconds = pcm.len() as f64 / 2.0 / 22_050.0;
    assert!((2.0..5.0).contains(&seconds), "{seconds} s");
    assert!(pcm.as_chunks::<2>().0.iter().any(|s| i16::from_le_bytes(*s) > 5000));
}

#[tokio::test]
async fn is_heard_through_frames_at_the_clients_rate() {
    let Some(voice) = installed(settings()).await else { return };
    let source = say(&voice, utterance(SENTENCE)).await.len() as f64 / 22_050.0;
    let speech = voice.synthesize(utterance(SENTENCE)).await.unwrap();
    let format = OutputFormat { sample_rate: SampleRate::new(48_000).unwrap(), chunk_bytes: 4096 };
    let frames: Vec<_> = frames(speech, format).collect().await;
    let bytes: usize = frames.into_iter().map(|frame| frame.unwrap().len()).sum();
    assert!((bytes as f64 / 48_000.0 - source).abs() < 0.005 * 2.0);
}

#[tokio::test]
async fn speaks_the_language_of_the_text() {
    let Some(voice) = installed(settings()).await else { return };
    let text = "Привет, как дела?";
    let in_language =
        |tag: &str| Utterance { language: Language::parse(tag).unwrap(), ..utterance(text) };
    let russian = say(&voice, in_language("ru")).await;
    let ukrainian = say(&voice, in_language("uk")).await;
    let unknown = say(&voice, in_language("qaa")).await;
    let english = say(&voice, in_language("en")).await;
    assert_ne!(russian, ukrainian);
    assert_ne!(russian, english);
    assert_eq!(unknown, english, "a language without a voice gets the default one");
}

#[tokio::test]
async fn falls_back_from_a_voice_it_does_not_know() {
    let Some(voice) = installed(settings()).await else { return };
    let with = |name: &str| Utterance { voice: Some(name.to_owned()), ..utterance(SENTENCE) };
    let plain = say(&voice, utterance(SENTENCE)).await;
    for unknown in ["alloy", "ru_RU-denis-medium", "+f3", "-w", "../../etc/passwd"] {
        assert_eq!(say(&voice, with(unknown)).await, plain, "{unknown}");
    }
    assert_ne!(say(&voice, with("en-us+f3")).await, plain);
    let unknown = EspeakSynthesizer::new(Settings { voice: "nobody".to_owned(), ..settings() });
    assert_eq!(say(&unknown, utterance(SENTENCE)).await, plain);
}

#[tokio::test]
async fn speaks_faster_and_slower() {
    let Some(voice) = installed(settings()).await else { return };
    let mut lengths = Vec::new();
    for factor in [0.5, 1.0, 2.0, 3.0] {
        let rate = SpeechRate::new(factor).unwrap();
        lengths.push(say(&voice, Utterance { rate, ..utterance(SENTENCE) }).await.len());
    }
    assert!(lengths.is_sorted_by(|a, b| a > b), "{lengths:?}");
}

/// Seconds of what clients hear of a speech.
async fn heard(speech: Speech) -> f64 {
    let format = OutputFormat { sample_rate: SampleRate::new(48_000).unwrap(), chunk_bytes: 4096 };
    let frames: Vec<_> = frames(speech, format).collect().await;
    frames.into_iter().map(|frame| frame.unwrap().len()).sum::<usize>() as f64 / 96_000.0
}

#[tokio::test]
async fn is_heard_as_fast_as_it_was_asked_for() {
    // At 350 words a minute most of the rates are beyond what the program does.
    for words_per_minute in [175, 350] {
        let settings = Settings { words_per_minute, ..settings() };
        let Some(voice) = installed(settings).await else { return };
        let normal = heard(voice.synthesize(utterance(SENTENCE)).await.unwrap()).await;
        for factor in [0.5, 0.75, 1.25, 1.5, 2.0, 2.5, 3.0] {
            let rate = SpeechRate::new(factor).unwrap();
            let asked = Utterance { rate, ..utterance(SENTENCE) };
            let seconds = heard(voice.synthesize(asked).await.unwrap()).await;
            let times = normal / seconds / f64::from(factor);
            println!("{words_per_minute} words a minute, {factor}: {times:.3} of what was asked");
            // The program itself is that inexact.
            assert!((times - 1.0).abs() < 0.12, "{words_per_minute}, {factor}: {times}");
        }
    }
}

#[tokio::test]
async fn is_as_long_as_what_is_left_of_the_rate_says() {
    let Some(voice) = installed(settings()).await else { return };
    let said = Bytes::from(say(&voice, utterance(SENTENCE)).await);
    let seconds = said.len() as f64 / 44_100.0;
    for factor in [0.5, 0.75, 1.25, 1.5, 2.0, 2.5, 3.0] {
        let rate_left = SpeechRate::new(factor).unwrap();
        let pcm = Box::pin(futures_util::stream::iter([Ok(said.clone())]));
        let sample_rate = SampleRate::new(22_050).unwrap();
        let times = seconds / heard(Speech { sample_rate, rate_left, pcm }).await;
        let exactness = times / f64::from(factor);
        assert!((exactness - 1.0).abs() < 0.01, "{times} times as fast, not {factor}");
    }
}

#[tokio::test]
async fn speaks_commands_instead_of_obeying_them() {
    let Some(voice) = installed(settings()).await else { return };
    let injected = say(&voice, utterance("[[h@l'oU]] there")).await;
    let spelled = say(&voice, utterance("  h@l'oU]] there")).await;
    assert_eq!(injected, spelled);
    // A NUL would end the text for the program.
    let cut = say(&voice, utterance("one\0 two three four five")).await;
    assert!(cut.len() > 2 * say(&voice, utterance("one")).await.len());
}

#[tokio::test]
async fn has_nothing_to_say_without_text() {
    let voice = EspeakSynthesizer::new(settings());
    for text in ["", "  \n ", "\u{1}"] {
        assert_eq!(voice.synthesize(utterance(text)).await.unwrap_err(), Error::Silent);
    }
}

#[tokio::test]
async fn says_when_the_program_is_missing() {
    let settings = Settings { program: PathBuf::from("espeak-ng-is-not-here"), ..settings() };
    let voice = EspeakSynthesizer::new(settings);
    let missing = Error::NotInstalled { program: "espeak-ng-is-not-here".to_owned() };
    assert_eq!(voice.probe().await, Err(missing.clone()));
    assert_eq!(voice.synthesize(utterance("hi")).await.unwrap_err(), missing);
    assert_eq!(
        missing.to_string(),
        "find speech program espeak-ng-is-not-here: it is not installed"
    );
}

#[tokio::test]
async fn says_when_the_program_fails() {
    let (_folder, settings) = fake("exit 3");
    let voice = EspeakSynthesizer::new(settings);
    assert!(matches!(voice.probe().await, Err(Error::Unavailable { .. })));
    let refused = voice.synthesize(utterance("hi")).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
}

#[tokio::test]
async fn passes_the_text_on_stdin_only() {
    let (folder, settings) = fake(&format!(
        r#"printf '%s\n' "$@" > "$(dirname "$0")/args"; cat > "$(dirname "$0")/stdin"; {HEADER}; printf xy"#
    ));
    let voice = EspeakSynthesizer::new(settings);
    assert_eq!(say(&voice, utterance("secret words")).await, b"xy");
    let args = std::fs::read_to_string(folder.path().join("args")).unwrap();
    assert_eq!(args, "--stdin\n--stdout\n-b\n1\n-v\nen-us\n-s\n175\n");
    let stdin = std::fs::read_to_string(folder.path().join("stdin")).unwrap();
    assert_eq!(stdin, "secret words");
}

#[tokio::test]
async fn kills_the_process_when_nobody_listens_any_more() {
    let (folder, settings) = fake(&format!(
        r#"echo $$ > "$(dirname "$0")/pid"; cat > /dev/null; {HEADER}; printf xy; exec sleep 600"#
    ));
    let voice = EspeakSynthesizer::new(settings);
    let mut speech = voice.synthesize(utterance("hi")).await.unwrap();
    assert!(speech.pcm.next().await.is_some());
    let process = read_pid(&folder.path().join("pid")).unwrap();
    assert!(is_alive(process));
    drop(speech);
    until("the process ends", || !is_alive(process)).await;
}

#[tokio::test]
async fn kills_the_process_when_the_request_is_dropped() {
    let (folder, settings) =
        fake(r#"echo $$ > "$(dirname "$0")/pid"; cat > /dev/null; exec sleep 600"#);
    let voice = EspeakSynthesizer::new(settings);
    let pid = folder.path().join("pid");
    let request = voice.synthesize(utterance("hi"));
    let early = tokio::time::timeout(Duration::from_millis(300), request).await;
    assert!(early.is_err());
    until("the script runs", || read_pid(&pid).is_some()).await;
    let process = read_pid(&pid).unwrap();
    until("the process ends", || !is_alive(process)).await;
}

#[tokio::test]
async fn does_not_wait_for_a_silent_process() {
    let (_folder, settings) = fake("cat > /dev/null; exec sleep 600");
    let settings = Settings { first_byte_timeout: Duration::from_millis(200), ..settings };
    let voice = EspeakSynthesizer::new(settings);
    let late = Error::Timeout { stage: Stage::FirstByte };
    assert_eq!(voice.synthesize(utterance("hi")).await.unwrap_err(), late);
}

#[tokio::test]
async fn does_not_wait_for_a_stalled_process() {
    let (_folder, settings) =
        fake(&format!("cat > /dev/null; {HEADER}; printf xy; exec sleep 600"));
    let settings = Settings { stall_timeout: Duration::from_millis(100), ..settings };
    let voice = EspeakSynthesizer::new(settings);
    let speech = voice.synthesize(utterance("hi")).await.unwrap();
    assert_eq!(collect(speech).await, Err(Error::Timeout { stage: Stage::Stall }));
}

#[tokio::test]
async fn reports_a_process_that_dies_in_the_middle() {
    let (_folder, settings) = fake(&format!("cat > /dev/null; {HEADER}; printf xy; kill -9 $$"));
    let voice = EspeakSynthesizer::new(settings);
    let speech = voice.synthesize(utterance("hi")).await.unwrap();
    assert_eq!(collect(speech).await, Err(Error::BrokenStream));
}

#[tokio::test]
async fn refuses_a_program_that_does_not_write_wav() {
    let (_folder, settings) = fake("cat > /dev/null; echo '<html>no</html>'");
    let voice = EspeakSynthesizer::new(settings);
    assert_eq!(voice.synthesize(utterance("hi")).await.unwrap_err(), Error::NotAudio);
}

#[tokio::test]
async fn runs_no_more_processes_than_allowed() {
    let (folder, settings) = fake(&format!(
        r#"cat > /dev/null; echo x >> "$(dirname "$0")/runs"; {HEADER}; printf xy; exec sleep 600"#
    ));
    let first_byte_timeout = Duration::from_millis(400);
    let voice =
        EspeakSynthesizer::new(Settings { max_processes: 2, first_byte_timeout, ..settings });
    let (one, two, three) = tokio::join!(
        voice.synthesize(utterance("one")),
        voice.synthesize(utterance("two")),
        voice.synthesize(utterance("three")),
    );
    let (one, _two) = (one.unwrap(), two.unwrap());
    assert_eq!(three.unwrap_err(), Error::Timeout { stage: Stage::Queue });
    let runs = std::fs::read_to_string(folder.path().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 2);
    drop(one);
    voice.synthesize(utterance("three")).await.unwrap();
}

#[tokio::test]
async fn is_not_occupied_by_a_slow_listener() {
    let settings = Settings { max_processes: 1, ..settings() };
    let Some(voice) = installed(settings).await else { return };
    // Nobody reads the first reply, yet the second gets the only place.
    let slow = voice.synthesize(utterance(SENTENCE)).await.unwrap();
    let quick = say(&voice, utterance(SENTENCE)).await;
    assert_eq!(collect(slow).await.unwrap(), quick);
}
