//! The newest spans and metrics, in memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::{
    numbers::Numbers,
    span::{Span, TraceId},
};

/// A bounded ring of spans, where a new one pushes the oldest out, and the
/// metrics that were reported last.
#[derive(Debug)]
pub(super) struct Store {
    keep: usize,
    spans: Mutex<VecDeque<Span>>,
    numbers: Numbers,
}

/// A trace in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) trace_id: TraceId,
    /// The name of its first span.
    pub(super) name: String,
    pub(super) services: Vec<String>,
    /// Nanoseconds since 1970.
    pub(super) start_ns: u64,
    pub(super) duration_ms: f64,
    pub(super) spans: usize,
    pub(super) failed: bool,
}

// === impl Store ===

impl Store {
    /// `keep` is at least 1.
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, spans: Mutex::default(), numbers: Numbers::default() }
    }

    pub(super) fn add(&self, spans: impl Iterator<Item = Span>) {
        let mut kept = self.lock();
        for span in spans {
            if kept.len() >= self.keep {
                kept.pop_front();
            }
            kept.push_back(span);
        }
    }

    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The spans of a trace, by start; empty when it is not known.
    pub(super) fn trace(&self, id: TraceId) -> Vec<Span> {
        let mut spans: Vec<Span> =
            self.lock().iter().filter(|span| span.trace_id == id).cloned().collect();
        spans.sort_by_key(|span| (span.start_ns, span.span_id));
        spans
    }

    /// All traces, the newest first.
    pub(super) fn summaries(&self) -> Vec<Summary> {
        let kept = self.lock();
        let mut traces: HashMap<TraceId, Vec<&Span>> = HashMap::new();
        for span in kept.iter() {
            traces.entry(span.trace_id).or_default().push(span);
        }
        let mut summaries: Vec<Summary> =
            traces.into_iter().filter_map(|(id, spans)| Summary::of(id, &spans)).collect();
        summaries.sort_by_key(|summary| (std::cmp::Reverse(summary.start_ns), summary.trace_id));
        summaries
    }

    /// The newest trace of some work: those of a single span are mostly services
    /// asking each other how they are, and count only when there is nothing else.
    pub(super) fn latest(&self) -> Option<TraceId> {
        let summaries = self.summaries();
        let worth_a_look = summaries.iter().find(|summary| summary.spans > 1);
        worth_a_look.or_else(|| summaries.first()).map(|summary| summary.trace_id)
    }

    /// No code of ours can fail while it holds the lock, and spans are whole
    /// values: what is there can be read whatever happened.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Span>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Summary ===

impl Summary {
    fn of(trace_id: TraceId, spans: &[&Span]) -> Option<Self> {
        let first = spans.iter().min_by_key(|span| (span.start_ns, span.span_id))?;
        let end_ns = spans.iter().map(|span| span.end_ns).max()?;
        let mut services: Vec<String> = spans.iter().map(|span| span.service.clone()).collect();
        services.sort_unstable();
        services.dedup();
        Some(Self {
            trace_id,
            name: first.name.clone(),
            services,
            start_ns: first.start_ns,
            duration_ms: milliseconds(first.start_ns, end_ns),
            spans: spans.len(),
            failed: spans.iter().any(|span| span.error.is_some()),
        })
    }
}

/// Between two moments given in nanoseconds; clocks of two machines may make it
/// negative.
#[expect(clippy::cast_precision_loss, reason = "a microsecond in a hundred days is enough")]
pub(super) fn milliseconds(from_ns: u64, to_ns: u64) -> f64 {
    let between = i128::from(to_ns) - i128::from(from_ns);
    between as f64 / 1e6
}
