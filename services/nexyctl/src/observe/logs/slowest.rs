use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use crate::observe::{
    decision_log::{End, Record, STREAM_AUDIO},
    sheet::{Cell, Sheet},
    spread::Spread,
};

/// How many slow turns are kept.
const MOST: usize = 10;
/// Names of RPCs that are told apart; the product has about a dozen.
const RPCS: usize = 100;
const OTHERS: &str = "(others)";

/// The slowest turns, by their latency.
#[derive(Default)]
pub(super) struct Slowest(BinaryHeap<Reverse<(u64, Vec<String>)>>);

/// Calls by RPC.
#[derive(Default)]
pub(super) struct Calls(BTreeMap<(String, String), Call>);

#[derive(Default)]
struct Call {
    good: u64,
    errors: u64,
    refused: u64,
    interrupted: u64,
    latency: Spread,
}

// === impl Slowest ===

impl Slowest {
    pub(super) fn take(&mut self, record: &Record<'_>) {
        if record.rpc() != Some(STREAM_AUDIO) {
            return;
        }
        let Some(latency) = record.latency_ms() else { return };
        let least = self.0.peek().map(|Reverse((least, _))| *least);
        if self.0.len() >= MOST && least.is_some_and(|least| latency <= least) {
            return;
        }
        let mut words = vec![format!("{:.3}", record.at)];
        let told = ["grpc_code", "providers", "session_id", "trace_id"];
        words.extend(told.iter().map(|name| record.text(name).unwrap_or_default().to_owned()));
        self.0.push(Reverse((latency, words)));
        if self.0.len() > MOST {
            self.0.pop();
        }
    }

    pub(super) fn sheet(&self) -> Sheet {
        let columns = ["latency_ms", "ended", "grpc_code", "providers", "session_id", "trace_id"];
        let mut sheet = Sheet::new("slowest", "Slowest turns", &columns);
        let mut rows: Vec<_> = self.0.iter().map(|Reverse(row)| row).collect();
        rows.sort_by(|left, right| right.cmp(left));
        for (latency, words) in rows {
            let words =
                words.iter().map(|word| Cell::of(Some(word.as_str()).filter(|it| !it.is_empty())));
            sheet.row(std::iter::once(Cell::Millis(*latency)).chain(words).collect::<Vec<_>>());
        }
        sheet
    }
}

// === impl Calls ===

impl Calls {
    pub(super) fn take(&mut self, record: &Record<'_>) {
        let (Some(rpc), Some(end)) = (record.rpc(), record.end()) else { return };
        let key = (record.scope.to_owned(), rpc.to_owned());
        let is_told_apart = self.0.len() < RPCS || self.0.contains_key(&key);
        let others = || (OTHERS.to_owned(), OTHERS.to_owned());
        let call = self.0.entry(if is_told_apart { key } else { others() }).or_default();
        match end {
            End::Complete => call.good += 1,
            End::Interrupted => call.interrupted += 1,
            End::Refused => call.refused += 1,
            End::Error => call.errors += 1,
        }
        if let Some(latency) = record.latency_ms() {
            call.latency.add(latency);
        }
    }

    pub(super) fn sheet(&self) -> Sheet {
        let columns = [
            "rpc",
            "scope",
            "count",
            "good",
            "errors",
            "interrupted",
            "refused",
            "p50_ms",
            "p95_ms",
            "max_ms",
        ];
        let mut sheet = Sheet::new("rpcs", "Calls", &columns);
        for ((scope, rpc), call) in &self.0 {
            let Call { good, errors, refused, interrupted, latency } = call;
            sheet.row([
                Cell::Text(rpc.clone()),
                Cell::Text(scope.clone()),
                Cell::Count(good + errors + refused + interrupted),
                Cell::Count(*good),
                Cell::Count(*errors),
                Cell::Count(*interrupted),
                Cell::Count(*refused),
                Cell::millis(latency.percentile(50)),
                Cell::millis(latency.percentile(95)),
                Cell::millis(latency.max()),
            ]);
        }
        sheet
    }
}
