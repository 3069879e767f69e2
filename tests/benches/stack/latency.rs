//! The stack's own part of the time to first audio, one stream at a time.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use nexy_proto::streaming::streaming_service_client::StreamingServiceClient;
use nexy_testkit::stack::{Reply, Stack, question};
use nexy_tests::report::{Report, Target};
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{footprint, providers::Providers};

/// Turns before the first that counts: connections, caches, allocators.
const WARM_UP: usize = 50;

/// Turns that count, for each way in.
const TURNS: usize = 400;

/// Turns of one conversation, as its memory knows them.
const CONVERSATION: usize = 10;

/// Before each question, so that what the turn before left to be written is not
/// measured with it. A listener pauses longer than that.
const PAUSE: Duration = Duration::from_millis(20);

/// A turn takes milliseconds; one that takes this long is lost.
const TURN: Duration = Duration::from_secs(10);

/// The target of contract-streaming: 5 ms at p99, on an idle machine.
pub(crate) const OWN_P99_MS: f64 = 5.0;

/// Microseconds, up to a minute.
pub(crate) struct Times(Histogram<u64>);

/// One way into the stack.
struct Way {
    client: StreamingServiceClient<Channel>,
    own: Times,
    whole: Times,
}

pub(crate) async fn measure(
    stack: &Stack,
    providers: &Providers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut door = Way::new(stack.tls_client().await?)?;
    let mut gateway = Way::new(stack.client().await?)?;
    let (mut clause, mut voice) = (Times::new()?, Times::new()?);
    let mut before = (Worker::ask(stack).await?, (0, 0), footprint::Cpu::now()?);
    for turn in 0..WARM_UP + TURNS {
        if turn == WARM_UP {
            before = (Worker::ask(stack).await?, providers.connections(), footprint::Cpu::now()?);
        }
        tokio::time::sleep(PAUSE).await;
        let direct = providers.ask().await?;
        let device = format!("bench-{}", turn / CONVERSATION);
        for way in [&mut door, &mut gateway] {
            let first_audio = way.first_audio(&device).await.context("take a turn")?;
            if turn >= WARM_UP {
                way.whole.note(first_audio);
                way.own.note(first_audio.saturating_sub(direct.clause + direct.voice));
            }
        }
        if turn >= WARM_UP {
            clause.note(direct.clause);
            voice.note(direct.voice);
        }
    }
    footprint::Cpu::now()?.tell_since(before.2, report);
    tell(&door.own, "own part of first audio, TLS and nginx", Some(OWN_P99_MS), report);
    tell(&gateway.own, "own part of first audio, without nginx", Some(OWN_P99_MS), report);
    tell(&door.whole, "whole time to first audio, TLS and nginx", None, report);
    tell(&clause, "direct: the model's first speakable clause", None, report);
    tell(&voice, "direct: the voice's first bytes", None, report);

    Worker::ask(stack).await?.tell_since(before.0, report);
    let (chat, speech) = providers.connections();
    let (chat, speech) = (chat - before.1.0, speech - before.1.1);
    report.add("new connections to the model in those turns", "", Target::None, chat as f64);
    report.add("new connections to the voice in those turns", "", Target::None, speech as f64);
    Ok(())
}

pub(crate) fn tell(times: &Times, what: &str, p99_below: Option<f64>, report: &mut Report) {
    for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)] {
        let target = match p99_below {
            Some(limit) if name == "p99" => Target::Below(limit),
            _ => Target::None,
        };
        report.add(format!("{what}, {name}"), "ms", target, times.ms(quantile));
    }
}

// === impl Times ===

impl Times {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, 60_000_000, 3)?))
    }

    pub(crate) fn note(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }
}

// === impl Way ===

impl Way {
    fn new(client: StreamingServiceClient<Channel>) -> anyhow::Result<Self> {
        Ok(Self { client, own: Times::new()?, whole: Times::new()? })
    }

    /// Asks one question, hears the whole reply, and tells when its audio began.
    async fn first_audio(&mut self, device: &str) -> anyhow::Result<Duration> {
        tokio::time::sleep(PAUSE).await;
        let reply = Reply::of(&mut self.client, question(device, "How is the weather?"));
        let reply = timeout(TURN, reply).await??;
        ensure!(reply.is_complete(), "the reply is not whole: {:?}", reply.status);
        reply.first_audio.context("no audio")
    }
}

/// A histogram of the metrics of a process.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    count: f64,
    sum: f64,
    /// Upper bounds in seconds, each with the number of turns below.
    buckets: Vec<(f64, f64)>,
}

/// What the worker says of itself.
struct Worker {
    /// The time to first audio less the waits for providers.
    own: Spent,
    /// Of that: recalling the device's memory.
    memory: Spent,
}

// === impl Worker ===

impl Worker {
    async fn ask(stack: &Stack) -> anyhow::Result<Self> {
        let url = format!("http://127.0.0.1:{}/metrics", stack.ports.worker_http);
        let metrics = footprint::get(&url).await?;
        Ok(Self {
            own: Spent::read(&metrics, "nexy_own_overhead_seconds", "")?,
            memory: Spent::read(&metrics, "nexy_stage_duration_seconds", "stage=\"memory\"")?,
        })
    }

    fn tell_since(self, before: Self, report: &mut Report) {
        let rows = [
            ("worker's own overhead, by its metric", self.own.since(before.own)),
            ("of that, recalling memory, by its metric", self.memory.since(before.memory)),
        ];
        for (what, spent) in rows {
            report.add(format!("{what}, mean"), "ms", Target::None, spent.mean_ms());
            report.add(format!("{what}, p99 is below"), "ms", Target::None, spent.p99_bound_ms());
        }
    }
}

// === impl Spent ===

impl Spent {
    /// From the Prometheus text format: the lines of a family with this label.
    pub(crate) fn read(metrics: &str, family: &str, label: &str) -> anyhow::Result<Self> {
        let mut spent = Self::default();
        for line in metrics.lines().filter(|line| line.contains(label)) {
            let Some(rest) = line.strip_prefix(family) else { continue };
            let (name, value) = rest.rsplit_once(' ').context("read a metric")?;
            let value: f64 = value.parse()?;
            if name.starts_with("_sum") {
                spent.sum += value;
            } else if name.starts_with("_count") {
                spent.count += value;
            } else if let Some((_, bound)) = name.split_once("le=\"") {
                let bound = bound.trim_end_matches("\"}");
                spent.buckets.push((bound.replace("+Inf", "inf").parse()?, value));
            }
        }
        Ok(spent)
    }

    pub(crate) fn since(mut self, before: Self) -> Self {
        self.count -= before.count;
        self.sum -= before.sum;
        for ((_, now), (_, then)) in self.buckets.iter_mut().zip(before.buckets) {
            *now -= then;
        }
        self
    }

    pub(crate) fn mean_ms(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count * 1e3)
    }

    /// How many of a hundred were over by the bound of a bucket.
    pub(crate) fn percent_within_ms(&self, bound: f64) -> Option<f64> {
        let bucket = self.buckets.iter().find(|(upper, _)| *upper * 1e3 >= bound);
        bucket.filter(|_| self.count > 0.0).map(|(_, within)| within / self.count * 100.0)
    }

    /// The least bucket that holds 99 of 100 turns.
    fn p99_bound_ms(&self) -> Option<f64> {
        let wanted = self.count * 0.99;
        let bucket = self.buckets.iter().find(|(_, count)| *count >= wanted && wanted > 0.0);
        bucket.map(|(bound, _)| bound * 1e3)
    }
}
