//! Many turns at once: how late their audio begins, and what a turn costs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nexy_testkit::stack::{Process, Reply, Stack, question};
use tokio::{task::JoinSet, time::timeout};

use nexy_tests::report::{Report, Target};

/// As many as one gateway takes on in production.
const AT_ONCE: usize = 50;

/// Bursts, one after the other.
const ROUNDS: usize = 6;

/// For one burst.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clock ticks per second of proc(5), the same on every Linux.
const TICKS: f64 = 100.0;

pub(crate) async fn measure(stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let client = stack.tls_client().await?;
    let mut first_audio = Vec::new();
    let (began, cpu) = (Instant::now(), cpu_seconds(stack)?);
    for round in 0..ROUNDS {
        let mut turns = JoinSet::new();
        for turn in 0..AT_ONCE {
            let mut client = client.clone();
            let device = format!("burst-{round}-{turn}");
            turns.spawn(async move {
                Reply::of(&mut client, question(&device, "How is the weather?")).await
            });
        }
        while let Some(reply) = timeout(PATIENCE, turns.join_next()).await? {
            let reply = reply??;
            ensure!(reply.is_complete(), "the reply is not whole: {:?}", reply.status);
            first_audio.push(reply.first_audio.context("no audio")?);
        }
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(stack)? - cpu);
    first_audio.sort_unstable();
    let at = |share: usize| {
        let place = (first_audio.len() * share / 100).min(first_audio.len().saturating_sub(1));
        first_audio.get(place).map(|time| time.as_secs_f64() * 1e3)
    };
    let turns = (ROUNDS * AT_ONCE) as f64;
    report.add("50 turns at once: first audio, p50", "ms", Target::None, at(50));
    report.add("50 turns at once: first audio, p95", "ms", Target::Below(600.0), at(95));
    report.add("50 turns at once: turns per second, all told", "", Target::None, turns / took);
    let per_turn = cpu / turns * 1e3;
    report.add("CPU of gateway and worker for a turn", "ms", Target::Below(13.0), per_turn);
    Ok(())
}

fn cpu_seconds(stack: &Stack) -> anyhow::Result<f64> {
    let services = [&stack.gateway, &stack.worker].into_iter().flatten();
    services.map(seconds_of).sum()
}

/// User and system time of proc(5) `stat`.
pub(crate) fn seconds_of(process: &Process) -> anyhow::Result<f64> {
    seconds_of_pid(process.id())
}

pub(crate) fn seconds_of_pid(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything; the numbers begin behind it.
    let (_, fields) = stat.rsplit_once(") ").context("read stat")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}
