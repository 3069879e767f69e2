use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Instant;

use super::{
    OTHER,
    decisions::DECISIONS,
    rpc::{LATENCY, REQUESTS, RPCS},
};

/// Compares the counters of now with those of the last [`Window::snapshot`].
#[derive(Debug)]
pub struct Window {
    since: Instant,
    seen: Seen,
}

/// The aggregate of a window. A rate with nothing to divide by is absent, not
/// 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// Length of the window in seconds.
    pub window_seconds: f64,
    /// Calls that ended, by RPC; of `StreamAudio`, turns.
    pub requests: BTreeMap<&'static str, u64>,
    /// 95th percentile of the latency in milliseconds, see
    /// [`super::rpc_ended`].
    pub p95_latency_ms: BTreeMap<&'static str, u64>,
    /// Errors among errors and successes. An interrupted or refused call is
    /// neither.
    pub error_rate: BTreeMap<&'static str, f64>,
    /// Refused calls among all calls.
    pub backpressure_refusal_rate: Option<f64>,
    /// Decisions per second.
    pub decision_rate: BTreeMap<&'static str, f64>,
}

#[derive(Debug, Default, Clone)]
struct Seen {
    requests: Vec<([&'static str; 2], u64)>,
    latency: BTreeMap<&'static str, Vec<u64>>,
    decisions: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    all: u64,
    ok: u64,
    cancelled: u64,
    refused: u64,
}

// === impl Window ===

impl Window {
    /// A window that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { since: Instant::now(), seen: Seen::now() }
    }

    /// What happened since the last snapshot, or since the window was made.
    /// The next window begins here.
    pub fn snapshot(&mut self) -> Snapshot {
        let (now, seen) = (Instant::now(), Seen::now());
        let seconds = now.duration_since(self.since).as_secs_f64();
        let snapshot = seen.since(&self.seen).aggregate(seconds);
        (self.since, self.seen) = (now, seen);
        snapshot
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Seen ===

impl Seen {
    fn now() -> Self {
        let rpcs = RPCS.iter().chain(&[OTHER]);
        Self {
            requests: REQUESTS.rows(),
            latency: rpcs.map(|rpc| (*rpc, LATENCY.counts([rpc]))).collect(),
            decisions: DECISIONS.rows().collect(),
        }
    }

    /// The difference. Numbers only grow, so it is never negative.
    fn since(&self, earlier: &Self) -> Self {
        let requests = self.requests.iter().zip(&earlier.requests);
        let latency = |rpc: &&'static str, counts: &Vec<u64>| {
            let before = earlier.latency.get(rpc).map(Vec::as_slice).unwrap_or_default();
            counts.iter().zip(before).map(|(now, then)| now.saturating_sub(*then)).collect()
        };
        let decisions = |name: &&'static str, count: u64| {
            count.saturating_sub(earlier.decisions.get(name).copied().unwrap_or_default())
        };
        Self {
            requests: requests
                .map(|((row, now), (_, then))| (*row, now.saturating_sub(*then)))
                .collect(),
            latency: self.latency.iter().map(|(rpc, now)| (*rpc, latency(rpc, now))).collect(),
            decisions: self
                .decisions
                .iter()
                .map(|(name, now)| (*name, decisions(name, *now)))
                .collect(),
        }
    }

    fn aggregate(&self, seconds: f64) -> Snapshot {
        let ends = self.ends();
        let (refused, all) = ends
            .values()
            .fold((0, 0), |(refused, all), ends| (refused + ends.refused, all + ends.all));
        let happened = self.decisions.iter().filter(|(_, count)| **count > 0);
        Snapshot {
            window_seconds: thousandths(seconds),
            requests: ends.iter().map(|(rpc, ends)| (*rpc, ends.all)).collect(),
            p95_latency_ms: self
                .latency
                .iter()
                .filter_map(|(rpc, counts)| Some((*rpc, p95_ms(counts, LATENCY.bounds())?)))
                .collect(),
            error_rate: ends
                .iter()
                .filter_map(|(rpc, ends)| Some((*rpc, ends.error_rate()?)))
                .collect(),
            backpressure_refusal_rate: ratio(refused, all),
            decision_rate: happened
                .filter(|_| seconds > 0.0)
                .map(|(name, count)| (*name, thousandths(as_f64(*count) / seconds)))
                .collect(),
        }
    }

    /// By RPC, where any call ended.
    fn ends(&self) -> BTreeMap<&'static str, Ends> {
        let mut by_rpc = BTreeMap::<_, Ends>::new();
        for ([rpc, code], count) in self.requests.iter().filter(|(_, count)| *count > 0) {
            let ends = by_rpc.entry(*rpc).or_default();
            ends.all += count;
            match *code {
                "OK" => ends.ok += count,
                "CANCELLED" => ends.cancelled += count,
                "RESOURCE_EXHAUSTED" => ends.refused += count,
                _ => {}
            }
        }
        by_rpc
    }
}

// === impl Ends ===

impl Ends {
    fn error_rate(&self) -> Option<f64> {
        let judged = self.all - self.cancelled - self.refused;
        ratio(judged - self.ok, judged)
    }
}

/// The 95th percentile in milliseconds, by linear interpolation inside its
/// bucket, as Prometheus does it.
fn p95_ms(counts: &[u64], bounds: &[u64]) -> Option<u64> {
    let all: u64 = counts.iter().sum();
    let rank = as_f64(all) * 0.95;
    let (mut below, mut from) = (0, 0);
    for (position, count) in counts.iter().filter(|_| all > 0).enumerate() {
        let Some(to) = bounds.get(position) else { break };
        if *count > 0 && as_f64(below + count) >= rank {
            let share = (rank - as_f64(below)) / as_f64(*count);
            return Some(whole(as_f64(from) + as_f64(to - from) * share) / 1_000);
        }
        below += count;
        from = *to;
    }
    // Beyond the last bound, or nothing at all.
    bounds.last().filter(|_| all > 0).map(|bound| bound / 1_000)
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| thousandths(as_f64(part) / as_f64(whole) * 100.0) / 100.0)
}

/// Rounded to three decimals: enough to read, short enough to log.
fn thousandths(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bucket's bound: not negative, and far below 2^52"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
