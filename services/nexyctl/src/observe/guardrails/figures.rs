use serde::{Deserialize, Serialize};

use crate::observe::{
    decision_log::{End, Record, STREAM_AUDIO, UNAVAILABLE},
    spread::Spread,
};

/// What was counted, of turns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// All that ended.
    pub(super) turns: u64,
    pub(super) good: u64,
    pub(super) errors: u64,
    /// Stopped by the client or the user.
    pub(super) interrupted: u64,
    /// By admission.
    pub(super) refused: u64,
    /// Of the errors, those without a worker or a provider.
    pub(super) unavailable: u64,
    /// Times that a provider was given up for the next one; none when no worker
    /// was looked at.
    pub(super) retries: Option<u64>,
    /// 95th percentile of the latency, in milliseconds.
    pub(super) first_audio_p95_ms: Option<f64>,
    /// How many latencies there are.
    pub(super) latencies: u64,
}

/// Figures, where they come from, and what they are held against.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    pub(super) figures: Figures,
    /// What was looked at, for people.
    pub(super) source: String,
    /// What else is worth knowing.
    pub(super) notes: Vec<String>,
    /// Or why there is none.
    pub(super) day: Result<Day, String>,
}

/// The present, and the hours before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Day {
    pub(super) present: Figures,
    /// Those in which anything happened, at most 24.
    pub(super) hours: Vec<Figures>,
}

/// Counts turns of a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Count {
    figures: Figures,
    latencies: Spread,
    retries: u64,
    /// Lines that say that admission refused; for ends that say so too.
    refusals: u64,
}

// === impl Figures ===

impl Figures {
    /// Turns that are good or bad.
    pub(super) const fn judged(&self) -> u64 {
        self.good + self.errors
    }

    pub(super) fn error_ratio(&self) -> Option<f64> {
        ratio(self.errors, self.judged())
    }

    pub(super) fn refusal_ratio(&self) -> Option<f64> {
        ratio(self.refused, self.turns)
    }

    /// Retries for each turn; a turn can have several.
    pub(super) fn retry_ratio(&self) -> Option<f64> {
        ratio(self.retries?, self.turns)
    }

    pub(super) fn abort_ratio(&self) -> Option<f64> {
        ratio(self.interrupted, self.turns)
    }

    pub(super) fn unavailable_ratio(&self) -> Option<f64> {
        ratio(self.unavailable, self.turns)
    }
}

// === impl Count ===

impl Count {
    pub(super) fn take(&mut self, record: &Record<'_>) {
        let is_about_turns = record.rpc() == Some(STREAM_AUDIO);
        match record.decision {
            "retry" => self.retries += 1,
            "stream_rejected" | "rate_limit_exceeded" if is_about_turns => self.refusals += 1,
            _ => {}
        }
        let Some(end) = record.turn_end() else { return };
        let Figures { turns, good, errors, interrupted, refused, unavailable, .. } =
            &mut self.figures;
        *turns += 1;
        match end {
            End::Complete => *good += 1,
            End::Interrupted => *interrupted += 1,
            End::Refused => *refused += 1,
            End::Error => *errors += 1,
        }
        *unavailable += u64::from(record.text("grpc_code") == Some(UNAVAILABLE));
        if let Some(latency) = record.latency_ms() {
            self.latencies.add(latency);
        }
    }

    /// What was counted; of retries only where they could have been seen.
    pub(super) fn figures(&self, workers: Workers) -> Figures {
        let mut figures = self.figures.clone();
        // Each refusal has an end line; where a log lost it, the other is there.
        figures.refused = figures.refused.max(self.refusals);
        figures.turns = figures.turns.max(figures.judged() + figures.interrupted + figures.refused);
        figures.latencies = self.latencies.count();
        figures.first_audio_p95_ms = self.latencies.percentile(95).map(as_f64);
        figures.retries = (workers == Workers::Seen).then_some(self.retries);
        figures
    }
}

/// Whether anything of a worker was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workers {
    Seen,
    Unseen,
}

pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| as_f64(part) / as_f64(whole))
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds stay far below 2^52")]
pub(super) const fn as_f64(count: u64) -> f64 {
    count as f64
}
