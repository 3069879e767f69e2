use std::time::{Duration, Instant};

/// Parts of the window: what leaves it leaves in steps of a tenth.
const PARTS: u32 = 10;

/// How the requests of the last while went, in a fixed amount of memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent {
    parts: [Part; PARTS as usize],
}

/// A tenth of the window, or longer when nothing was asked.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// When its first request was told; `None` before there is one.
    began: Option<Instant>,
    requests: u32,
    failures: u32,
}

// === impl Recent ===

impl Recent {
    pub(super) const NONE: Self =
        Self { parts: [Part { began: None, requests: 0, failures: 0 }; PARTS as usize] };

    /// Counts one request. The newest part stands first.
    pub(super) fn note(&mut self, went_well: bool, now: Instant, window: Duration) {
        let [Part { began, .. }, ..] = self.parts;
        let age = began.map(|began| now.saturating_duration_since(began));
        if age.is_none_or(|age| age >= window / PARTS) {
            self.parts.rotate_right(1);
            self.parts[0] = Part { began: Some(now), requests: 0, failures: 0 };
        }
        let [newest, ..] = &mut self.parts;
        newest.requests = newest.requests.saturating_add(1);
        newest.failures = newest.failures.saturating_add(u32::from(!went_well));
    }

    /// The requests within the window and the failures among them.
    pub(super) fn count(&self, now: Instant, window: Duration) -> (u32, u32) {
        let is_recent = |began: Instant| now.saturating_duration_since(began) < window;
        let recent = self.parts.iter().filter(|part| part.began.is_some_and(is_recent));
        recent.fold((0, 0), |(requests, failures), part| {
            (requests + part.requests, failures + part.failures)
        })
    }
}
