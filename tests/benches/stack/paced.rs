//! Replies as real providers give them: word by word, and a voice that thinks.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nexy_testkit::{
    chat_server,
    speech_server::{self, Audio},
    stack::{Reply, Stack, question},
};
use nexy_tests::report::{Report, Target};
use tokio::{task::JoinSet, time::timeout};
use tonic::Request;

use crate::{
    burst,
    latency::{self, OWN_P99_MS, Times},
    providers::{self, Providers},
};

/// From the question to the model's first token.
const FIRST_TOKEN: Duration = Duration::from_millis(300);

/// Between two tokens.
const TOKEN: Duration = Duration::from_millis(20);

/// From a request for speech to its first byte.
const FIRST_BYTE: Duration = Duration::from_millis(80);

/// 36 tokens, 3 sentences.
const REPLY: [&str; 36] = [
    "Good",
    " morning",
    ".",
    " The",
    " weather",
    " is",
    " fine",
    " today",
    ",",
    " and",
    " it",
    " will",
    " stay",
    " so",
    " until",
    " the",
    " evening",
    ",",
    " when",
    " some",
    " rain",
    " may",
    " come",
    " in",
    " from",
    " the",
    " west",
    ".",
    " Take",
    " a",
    " hat",
    " and",
    " an",
    " umbrella",
    " then",
    ".",
];

/// Waits of the model before it says what ends its first clause: for the first
/// token, and for each of three more.
const WAITS_FOR_CLAUSE: usize = 4;

/// Four sentences, written at once, each of them long enough to be a segment.
const FOUR: &str = "This is the first sentence. And this is the second one. \
                    Here comes the third of them. The fourth is the last.";

/// What each of the four has to wait for.
const SLOW_VOICE: Duration = Duration::from_millis(300);

/// Conversations at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) lanes: u32,
    /// Between the beginnings of two of them.
    apart: Duration,
    /// Turns of each.
    turns: usize,
}

pub(crate) const FEW: Crowd = Crowd { lanes: 8, apart: Duration::from_millis(37), turns: 30 };

/// About as many as one gateway takes on in production.
const MANY: Crowd = Crowd { lanes: 48, apart: Duration::from_millis(9), turns: 10 };

/// Replies of four sentences, one after the other.
const FOURS: usize = 20;

/// A turn takes about a second; one that takes this long is lost.
const TURN: Duration = Duration::from_secs(20);

/// How late speech may begin after the first speakable clause, the voice's own
/// time not counted.
const AFTER_CLAUSE_MS: f64 = 60.0;

/// For one reply of 36 tokens and 3 sentences.
const WORKER_CPU_MS: f64 = 1.5;

/// What makes this program the client that it compares the worker with.
pub(crate) const BARE_CLIENT: &str = "--bare-client";

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    replies_word_by_word(report).await?;
    four_sentences(report).await
}

/// A model that takes its time for each token, and a voice that thinks.
pub(crate) async fn word_by_word() -> anyhow::Result<Providers> {
    let chat = chat_server::Script::text(REPLY).first_delay(FIRST_TOKEN).token_delay(TOKEN);
    let voice = speech_server::Script { head_after: FIRST_BYTE, ..speech_server::Script::tone() };
    Providers::playing(chat, voice).await
}

async fn replies_word_by_word(report: &mut Report) -> anyhow::Result<()> {
    let providers = word_by_word().await?;
    let stack = providers.configure(Stack::builder()).start().await?;
    // Until what runs in the background after a start has settled.
    heard(&stack, "warm-up").await?;
    let cpu = || -> anyhow::Result<[f64; 2]> {
        let worker = stack.worker.as_ref().context("no worker")?;
        let gateway = stack.gateway.as_ref().context("no gateway")?;
        Ok([burst::seconds_of(worker)?, burst::seconds_of(gateway)?])
    };
    let (mut heard_turns, mut direct_turns) = (Vec::new(), Vec::new());
    let before = cpu()?;
    for round in 0..FEW.turns {
        let turn = format!("direct-{round}");
        // Side by side: what the machine does to one it does to the other.
        let (direct, heard) =
            tokio::try_join!(providers.ask_for(&turn), lanes(&stack, FEW, round))?;
        direct_turns.push((turn, direct.clause + direct.voice));
        heard_turns.extend(heard);
    }
    let few = FEW.ms_of_turn(before, cpu()?);
    let before = cpu()?;
    for round in 0..MANY.turns {
        lanes(&stack, MANY, round).await?;
    }
    let many = MANY.ms_of_turn(before, cpu()?);
    let (mut own, mut requests) = (Times::new()?, Times::new()?);
    let held = providers.held();
    for (turn, took) in direct_turns {
        requests.note(took.saturating_sub(held.back(&turn, WAITS_FOR_CLAUSE)?));
    }
    let floor = Duration::from_secs_f64(requests.ms(0.5) / 1e3);
    for (turn, took) in heard_turns {
        own.note(took.saturating_sub(held.back(&turn, WAITS_FOR_CLAUSE)? + floor));
    }
    let what = "word by word: two requests of a direct client, waits taken off, p50";
    report.add(what, "ms", Target::None, requests.ms(0.5));
    let what = "word by word: first audio above the floor";
    latency::tell(&own, what, Some(OWN_P99_MS), report);
    let what = "word by word: speech after the first clause, less the voice's own time";
    report.add(what, "ms", Target::Below(AFTER_CLAUSE_MS), own.ms(1.0));
    drop(stack);
    for (crowd, [worker, gateway]) in [(FEW, few), (MANY, many)] {
        let who = format!("word by word, {} conversations: CPU of", crowd.lanes);
        let target = Target::Below(WORKER_CPU_MS);
        report.add(format!("{who} the worker for a turn"), "ms", target, worker);
        report.add(format!("{who} the gateway for a turn"), "ms", Target::None, gateway);
        let bare = bare_client_cpu(&providers, crowd).await?;
        let what = format!("{who} a bare HTTP client for the same requests");
        report.add(what, "ms", Target::None, bare);
    }
    Ok(())
}

/// What it costs another process to make the requests of a turn and to throw
/// the answers away, in milliseconds.
async fn bare_client_cpu(providers: &Providers, crowd: Crowd) -> anyhow::Result<f64> {
    let program = std::env::current_exe()?;
    let [chat, speech] = providers.urls();
    let mut command = tokio::process::Command::new(program);
    let lanes = crowd.lanes.to_string();
    command.args([BARE_CLIENT, chat.as_str(), speech.as_str(), &lanes]).kill_on_drop(true);
    let output = timeout(TURN * 10, command.output()).await??;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ticks: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(ticks / crowd.all_turns() * 1e3)
}

/// The other process: asks for as many replies as the worker does, in as many
/// lanes, and prints the seconds of CPU that it took.
pub(crate) async fn bare_client(chat: &str, speech: &str, lanes: &str) -> anyhow::Result<f64> {
    let lanes: u32 = lanes.parse()?;
    let crowd = if lanes == FEW.lanes { FEW } else { MANY };
    let client = reqwest::Client::builder().no_proxy().build()?;
    for _ in 0..crowd.turns {
        let mut turns = JoinSet::new();
        for lane in 0..crowd.lanes {
            let (client, chat, speech) = (client.clone(), chat.to_owned(), speech.to_owned());
            turns.spawn(async move {
                tokio::time::sleep(crowd.apart * lane).await;
                providers::drain(&client, &chat, &providers::question("any")).await?;
                for _ in 0..3 {
                    providers::drain(&client, &speech, &providers::utterance("any")).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = timeout(TURN, turns.join_next()).await? {
            done??;
        }
    }
    burst::seconds_of_pid(std::process::id())
}

/// As many turns at once as there are lanes; the name and the time to first audio
/// of each.
pub(crate) async fn lanes(
    stack: &Stack,
    crowd: Crowd,
    round: usize,
) -> anyhow::Result<Vec<(String, Duration)>> {
    let client = stack.client().await?;
    let mut turns = JoinSet::new();
    for lane in 0..crowd.lanes {
        let mut client = client.clone();
        // A new conversation now and then, as memory knows them.
        let device = format!("paced-{lane}-{}", round / 10);
        turns.spawn(async move {
            tokio::time::sleep(crowd.apart * lane).await;
            let turn = format!("lane-{}-{lane}-{round}", crowd.lanes);
            let question = question(&device, &format!("How is the weather? {turn}"));
            let mut question = Request::new(tokio_stream::once(question));
            question.metadata_mut().insert("nexy-voice", turn.parse()?);
            anyhow::Ok((Reply::of_request(&mut client, question).await?, turn))
        });
    }
    let mut heard = Vec::new();
    while let Some(reply) = timeout(TURN, turns.join_next()).await? {
        let (reply, turn) = reply??;
        ensure!(reply.is_complete(), "the reply is not whole: {:?}", reply.status);
        heard.push((turn, reply.first_audio.context("no audio")?));
    }
    Ok(heard)
}

// === impl Crowd ===

impl Crowd {
    pub(crate) fn all_turns(self) -> f64 {
        f64::from(self.lanes) * self.turns as f64
    }

    /// From the seconds of two processes before and after, for each turn.
    fn ms_of_turn(self, before: [f64; 2], after: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|process| (after[process] - before[process]) / self.all_turns() * 1e3)
    }
}

async fn four_sentences(report: &mut Report) -> anyhow::Result<()> {
    let chat = chat_server::Script::text(FOUR.split_inclusive(' '));
    let voice = speech_server::Script {
        head_after: SLOW_VOICE,
        ..speech_server::Script::speaking(Audio::Tone { hz: 440, lasting: Duration::from_secs(1) })
    };
    let providers = Providers::playing(chat, voice).await?;
    let stack = providers.configure(Stack::builder()).start().await?;
    heard(&stack, "warm-up").await?;
    let mut slowest = Duration::ZERO;
    for turn in 0..FOURS {
        let began = Instant::now();
        let reply = heard(&stack, &format!("four-{turn}")).await?;
        ensure!(reply.texts.len() == 4, "not four segments: {}", reply.texts.len());
        slowest = slowest.max(began.elapsed());
    }
    let one_by_one = (SLOW_VOICE * 4).as_secs_f64() * 1e3;
    report.add(
        "four sentences, each with 300 ms of voice: one by one",
        "ms",
        Target::None,
        one_by_one,
    );
    // Two of them waiting for each other would take twice the voice's time.
    let target = Target::Below(SLOW_VOICE.as_secs_f64() * 2e3);
    let what = format!("the whole reply, heard, slowest of {FOURS}");
    report.add(what, "ms", target, slowest.as_secs_f64() * 1e3);
    Ok(())
}

async fn heard(stack: &Stack, device: &str) -> anyhow::Result<Reply> {
    let mut client = stack.client().await?;
    let reply = Reply::of(&mut client, question(device, "How is the weather?"));
    let reply = timeout(TURN, reply).await??;
    ensure!(reply.is_complete(), "the reply is not whole: {:?}", reply.status);
    Ok(reply)
}
