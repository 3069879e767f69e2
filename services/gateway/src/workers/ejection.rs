use std::time::{Duration, Instant};

/// When a worker gets no turns for a while though it says that it is well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EjectionSettings {
    /// Turns in a row that failed through its own fault.
    pub(crate) after_failures: u32,
    /// For how long the first time; each time after that twice as long.
    pub(crate) first: Duration,
    /// The longest time.
    pub(crate) longest: Duration,
}

/// How the turns of one worker went, as plain code: events in, decisions out.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// In a row.
    failures: u32,
    /// In a row, without a turn that went well between them.
    ejections: u32,
    until: Option<Instant>,
}

// === impl Record ===

impl Record {
    pub(super) fn is_ejected(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// A turn came to its end, whatever that was: the worker works.
    pub(super) fn served(&mut self) {
        *self = Self::default();
    }

    /// A turn broke. For how long the worker is ejected, if it is ejected by
    /// this.
    pub(super) fn failed(&mut self, now: Instant, settings: EjectionSettings) -> Option<Duration> {
        // What was on its way when it was ejected says nothing new.
        if self.is_ejected(now) {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        // One that comes back is on probation: the first failure is enough.
        if self.failures < settings.after_failures && self.ejections == 0 {
            return None;
        }
        let doubled = 1_u32.checked_shl(self.ejections).unwrap_or(u32::MAX);
        let time = settings.first.saturating_mul(doubled).min(settings.longest);
        self.failures = 0;
        self.ejections = self.ejections.saturating_add(1);
        self.until = now.checked_add(time);
        Some(time)
    }
}

#[cfg(test)]
mod tests;
