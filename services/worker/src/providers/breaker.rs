//! When a provider is left alone, as plain code: events in, decisions out.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nexy_config::Settings;
use nexy_telemetry::metrics;

use crate::decisions::BreakerChanged;

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakerSettings {
    /// Failures in a row that open it.
    pub(crate) threshold: u32,
    /// For how long it stays open when the provider does not say.
    pub(crate) open_for: Duration,
}

/// What went wrong, as far as the breaker cares.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fault {
    /// The provider asked to be left alone for so long: obeyed at once.
    pub(crate) leave_alone: Option<Duration>,
}

/// The breaker of one provider. Recovery is probed by one real request after
/// the pause, never by requests of its own.
#[derive(Debug)]
pub(crate) struct Breaker {
    provider: &'static str,
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One request is finding out.
    HalfOpen {
        until: Instant,
    },
}

// === impl BreakerSettings ===

impl From<&Settings> for BreakerSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            threshold: settings.llm.circuit_breaker_threshold,
            open_for: settings.llm.circuit_breaker_timeout,
        }
    }
}

// === impl Breaker ===

impl Breaker {
    pub(crate) fn new(provider: &'static str, settings: BreakerSettings) -> Self {
        Self { provider, settings, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether the provider may be asked now.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        self.edit(|state| match *state {
            State::Closed { .. } => true,
            State::Open { until } | State::HalfOpen { until } if now < until => false,
            // A probe whose caller never reported is forgotten after a pause.
            State::Open { .. } | State::HalfOpen { .. } => {
                *state = State::HalfOpen { until: now + self.settings.open_for };
                self.report("half_open", None);
                true
            }
        })
    }

    /// The provider has answered.
    pub(crate) fn succeeded(&self) {
        self.edit(|state| {
            if !matches!(state, State::Closed { .. }) {
                self.report("closed", None);
            }
            *state = State::Closed { failures: 0 };
        });
    }

    /// The provider has failed.
    pub(crate) fn failed(&self, fault: Fault, now: Instant) {
        self.edit(|state| {
            let failures = match *state {
                State::Closed { failures } => failures + 1,
                State::Open { .. } | State::HalfOpen { .. } => self.settings.threshold,
            };
            let pause = match fault.leave_alone {
                Some(asked) => Some(asked.max(self.settings.open_for)),
                None => (failures >= self.settings.threshold).then_some(self.settings.open_for),
            };
            let Some(pause) = pause else {
                *state = State::Closed { failures };
                return;
            };
            if !matches!(state, State::Open { .. }) {
                self.report("open", Some(pause));
            }
            let until = now.checked_add(pause).unwrap_or(now + self.settings.open_for);
            *state = State::Open { until };
        });
    }

    /// For `/status`: whether it is left alone now.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.edit(|state| matches!(*state, State::Open { until } if now < until))
    }

    fn report(&self, state: &'static str, pause: Option<Duration>) {
        let level = match state {
            "closed" => 0,
            "half_open" => 1,
            _ => 2,
        };
        metrics::BREAKER_STATE.set([self.provider], level);
        nexy_telemetry::emit(&BreakerChanged { provider: self.provider, state, pause });
    }

    fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
