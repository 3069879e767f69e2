use std::time::{Duration, Instant};

/// When a stream on which nothing moves is closed.
#[derive(Debug, Clone, Copy)]
pub struct IdleWatch {
    patience: Duration,
    last_move: Instant,
}

// === impl IdleWatch ===

impl IdleWatch {
    /// Watches from `now` on. A stream is idle after the time-out and closed
    /// after the grace.
    #[must_use]
    pub fn new(timeout: Duration, grace: Duration, now: Instant) -> Self {
        Self { patience: timeout + grace, last_move: now }
    }

    /// Something moved, in either direction.
    pub fn moved(&mut self, now: Instant) {
        self.last_move = now;
    }

    /// When to close the stream if nothing moves until then.
    #[must_use]
    pub fn closes_at(&self) -> Instant {
        self.last_move + self.patience
    }
}

#[cfg(test)]
mod tests;
