use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The window over which messages are counted.
const WINDOW: Duration = Duration::from_secs(1);

/// Counts the incoming messages of one stream over a sliding second.
#[derive(Debug)]
pub struct MessageRate {
    per_second: u32,
    arrivals: VecDeque<Instant>,
}

/// One message too many within a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many messages: the limit is {per_second} per second on one stream")]
pub struct RateExceeded {
    /// `backpressure.max_message_rate_per_second`.
    pub per_second: u32,
}

// === impl MessageRate ===

impl MessageRate {
    /// Allows so many messages in any second; 0 allows any number.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second, arrivals: VecDeque::new() }
    }

    /// Counts a message that arrived now.
    ///
    /// # Errors
    /// When it is one more than allowed within the last second.
    pub fn admit(&mut self, now: Instant) -> Result<(), RateExceeded> {
        let per_second = self.per_second;
        if per_second == 0 {
            return Ok(());
        }
        while self.arrivals.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.arrivals.pop_front();
        }
        if self.arrivals.len() >= per_second as usize {
            return Err(RateExceeded { per_second });
        }
        self.arrivals.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
