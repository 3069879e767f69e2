use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nexy_types::SpeechRate;

use crate::{
    Error, SpeechSynthesizer, Utterance,
    espeak::{
        EspeakSynthesizer,
        tests::{
            HEADER, SENTENCE, collect, fake, installed, is_alive, say, settings, until, utterance,
        },
    },
};

/// A program that writes its process id down and says what it is told.
fn echoing(warm_processes: usize) -> (tempfile::TempDir, EspeakSynthesizer) {
    let (folder, settings) = fake(&format!(
        r#"echo $$ >> "$(dirname "$0")/pids"; text=$(cat); {HEADER}; printf %s "$text""#
    ));
    (folder, EspeakSynthesizer::new(settings).keeping_warm(warm_processes))
}

/// All that were ever started, in order.
fn started(folder: &Path) -> Vec<u32> {
    let pids = std::fs::read_to_string(folder.join("pids")).unwrap_or_default();
    pids.lines().map(|pid| pid.parse().unwrap()).collect()
}

async fn until_started(folder: &Path, count: usize) -> Vec<u32> {
    until("the processes start", || started(folder).len() >= count).await;
    started(folder)
}

fn alive(folder: &Path) -> usize {
    started(folder).into_iter().filter(|process| is_alive(*process)).count()
}

fn leaves_nothing(process: u32) -> bool {
    !Path::new(&format!("/proc/{process}")).exists()
}

#[tokio::test]
async fn has_the_next_process_ready_and_uses_it_once() {
    let (folder, voice) = echoing(1);
    for (text, count) in [("ab", 2), ("cdef", 3), ("gh", 4)] {
        assert_eq!(say(&voice, utterance(text)).await, text.as_bytes());
        until_started(folder.path(), count).await;
    }
    until("only the one that waits is left", || alive(folder.path()) == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(started(folder.path()).len(), 4);
}

#[tokio::test]
async fn starts_none_ahead_unless_it_is_told_to() {
    let (folder, voice) = echoing(0);
    for _ in 0..2 {
        say(&voice, utterance("ab")).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(started(folder.path()).len(), 2);
    assert_eq!(alive(folder.path()), 0);
}

#[tokio::test]
async fn keeps_to_its_bound_and_to_the_manners_used_last() {
    let (folder, voice) = echoing(2);
    let at = |factor: f32| Utterance { rate: SpeechRate::new(factor).unwrap(), ..utterance("ab") };
    for (factor, count) in [(1.0, 2), (1.5, 4), (2.0, 6)] {
        say(&voice, at(factor)).await;
        until_started(folder.path(), count).await;
    }
    until("two are left", || alive(folder.path()) == 2).await;
    // The second manner is still there, the first has made room.
    say(&voice, at(1.5)).await;
    until_started(folder.path(), 7).await;
    say(&voice, at(1.0)).await;
    until_started(folder.path(), 9).await;
    until("two are left", || alive(folder.path()) == 2).await;
}

#[tokio::test]
async fn keeps_parallel_utterances_apart() {
    let (folder, voice) = echoing(4);
    let texts: Vec<String> = (0..4).map(|n| format!("text{n}!")).collect();
    for _ in 0..3 {
        let said = join_all(texts.iter().map(|text| say(&voice, utterance(text)))).await;
        assert!(said.iter().zip(&texts).all(|(said, text)| said == text.as_bytes()));
    }
    until("no more than allowed are left", || alive(folder.path()) <= 4).await;
}

#[tokio::test]
async fn leaves_no_process_behind() {
    let (folder, voice) = echoing(2);
    let begun = join_all(["ab", "cd"].map(|text| say(&voice, utterance(text)))).await;
    assert_eq!(begun.len(), 2);
    let processes = until_started(folder.path(), 4).await;
    drop(voice);
    // Not even a zombie.
    until("all are gone", || processes.iter().all(|process| leaves_nothing(*process))).await;
}

#[tokio::test]
async fn starts_another_when_the_one_that_waits_has_died() {
    let (folder, voice) = echoing(1);
    say(&voice, utterance("ab")).await;
    let waiting = until_started(folder.path(), 2).await[1];
    let killed = std::process::Command::new("kill").args(["-9", &waiting.to_string()]).status();
    assert!(killed.unwrap().success());
    until("it is dead", || !is_alive(waiting)).await;
    assert_eq!(say(&voice, utterance("cd")).await, b"cd");
}

#[tokio::test]
async fn is_replaced_when_the_listener_has_left_at_once() {
    let (folder, voice) = echoing(1);
    for count in 2..5 {
        let speech = voice.synthesize(utterance("ab")).await.unwrap();
        until_started(folder.path(), count).await;
        drop(speech);
    }
    assert_eq!(say(&voice, utterance("cd")).await, b"cd");
}

#[tokio::test]
async fn starts_nothing_ahead_of_a_program_that_fails() {
    let (folder, settings) = fake(r#"echo $$ >> "$(dirname "$0")/pids"; exit 3"#);
    let voice = EspeakSynthesizer::new(settings).keeping_warm(4);
    for _ in 0..2 {
        let refused = voice.synthesize(utterance("hi")).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    }
    assert_eq!(started(folder.path()).len(), 2);
}

/// Times to the first byte of the real program, shortest first.
async fn times(voice: &EspeakSynthesizer) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..40 {
        let began = Instant::now();
        let speech = voice.synthesize(utterance(SENTENCE)).await.unwrap();
        times.push(began.elapsed());
        assert!(collect(speech).await.unwrap().len() > 50_000);
        // The time in which the listener hears the sentence, shortened.
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    times.sort();
    times
}

#[tokio::test]
async fn is_quicker_to_the_first_byte() {
    let Some(cold) = installed(settings()).await else { return };
    let warm = EspeakSynthesizer::new(settings()).keeping_warm(2);
    assert_eq!(say(&cold, utterance(SENTENCE)).await, say(&warm, utterance(SENTENCE)).await);
    let (cold, warm) = (times(&cold).await, times(&warm).await);
    for (name, times) in [("cold", &cold), ("warm", &warm)] {
        println!("{name}: p50 {:.2?}, p90 {:.2?} to the first byte", times[20], times[36]);
    }
    assert!(warm[20] < cold[20], "{:?} is no less than {:?}", warm[20], cold[20]);
}
