//! When a provider is left alone, as plain code: events in, decisions out.

mod recent;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use nexy_config::Settings;
use nexy_telemetry::metrics;

use self::recent::Recent;
use crate::decisions::BreakerChanged;

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakerSettings {
    /// Failures in a row that open it.
    pub(crate) threshold: u32,
    /// The share of failures that opens it too, where they come one by one.
    pub(crate) error_ratio: f64,
    /// Requests that a share needs to mean something.
    pub(crate) min_requests: u32,
    /// How far back requests count for the share.
    pub(crate) window: Duration,
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
    health: Mutex<Health>,
}

/// A request to a provider, from the breaker's leave to its verdict. One that is
/// dropped without a verdict has found out nothing: the next one may.
#[derive(Debug)]
pub(crate) struct Admission {
    breaker: Arc<Breaker>,
    asked: Instant,
}

/// How the provider is.
#[derive(Debug)]
struct Health {
    state: State,
    recent: Recent,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        /// In a row.
        failures: u32,
    },
    Open {
        since: Instant,
        until: Instant,
    },
    /// One request is finding out.
    HalfOpen {
        since: Instant,
        until: Instant,
    },
}

// === impl BreakerSettings ===

impl From<&Settings> for BreakerSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            threshold: settings.llm.circuit_breaker_threshold,
            error_ratio: settings.llm.circuit_breaker_error_ratio,
            min_requests: settings.llm.circuit_breaker_min_requests,
            window: settings.llm.circuit_breaker_window,
            open_for: settings.llm.circuit_breaker_timeout,
        }
    }
}

// === impl Health ===

impl Health {
    const CLEAN: Self = Self { state: State::Closed { failures: 0 }, recent: Recent::NONE };
}

// === impl Breaker ===

impl Breaker {
    pub(crate) fn new(provider: &'static str, settings: BreakerSettings) -> Self {
        Self { provider, settings, health: Mutex::new(Health::CLEAN) }
    }

    /// Leave to ask the provider now, if it may be asked; the last one that there
    /// is may always be: without it there would be no answer for certain.
    pub(crate) fn admit(self: &Arc<Self>, is_last: bool) -> Option<Admission> {
        let asked = Instant::now();
        let is_admitted = self.admits(asked) || is_last;
        is_admitted.then(|| Admission { breaker: Arc::clone(self), asked })
    }

    fn admits(&self, now: Instant) -> bool {
        self.edit(|Health { state, .. }| match *state {
            State::Closed { .. } => true,
            State::Open { until, .. } | State::HalfOpen { until, .. } if now < until => false,
            // A probe whose caller never reported is forgotten after a pause.
            State::Open { since, .. } | State::HalfOpen { since, .. } => {
                *state = State::HalfOpen { since, until: now + self.settings.open_for };
                self.show(*state);
                self.report("half_open", None);
                true
            }
        })
    }

    /// The provider has served a request to its end that it was `asked` then.
    fn succeeded(&self, asked: Instant, now: Instant) {
        self.edit(|health| match &mut health.state {
            State::Closed { failures } => {
                *failures = 0;
                health.recent.note(true, now, self.settings.window);
            }
            // It was on its way before the trouble began.
            State::Open { since, .. } | State::HalfOpen { since, .. } if asked < *since => {}
            // What was before the pause says nothing about now.
            State::Open { .. } | State::HalfOpen { .. } => {
                *health = Health::CLEAN;
                self.show(health.state);
                self.report("closed", None);
            }
        });
    }

    /// The provider has failed.
    fn failed(&self, fault: Fault, now: Instant) {
        let BreakerSettings { threshold, open_for, window, .. } = self.settings;
        self.edit(|Health { state, recent }| {
            let too_many = match state {
                State::Closed { failures } => {
                    *failures += 1;
                    recent.note(false, now, window);
                    *failures >= threshold || self.is_too_large_a_share(recent, now)
                }
                State::Open { .. } | State::HalfOpen { .. } => true,
            };
            let pause = match fault.leave_alone {
                Some(asked) => asked.max(open_for),
                None if too_many => open_for,
                None => return,
            };
            if !matches!(state, State::Open { .. }) {
                self.report("open", Some(pause));
            }
            let until = now.checked_add(pause).unwrap_or(now + open_for);
            *state = match *state {
                // What it asked for before still holds.
                State::Open { until: before, .. } => {
                    State::Open { since: now, until: until.max(before) }
                }
                State::Closed { .. } | State::HalfOpen { .. } => State::Open { since: now, until },
            };
            self.show(*state);
        });
    }

    /// A request ended without a verdict: its listener left, or it was refused
    /// for what was in it.
    fn gave_up(&self, now: Instant) {
        self.edit(|Health { state, .. }| {
            if let State::HalfOpen { until, .. } = state {
                *until = now;
            }
        });
    }

    fn is_too_large_a_share(&self, recent: &Recent, now: Instant) -> bool {
        let BreakerSettings { error_ratio, min_requests, window, .. } = self.settings;
        let (requests, failures) = recent.count(now, window);
        requests >= min_requests && f64::from(failures) >= error_ratio * f64::from(requests)
    }

    /// For `/status`: whether it is left alone now.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.edit(|health| matches!(health.state, State::Open { until, .. } if now < until))
    }

    /// In the metrics. An open breaker admits the next request when its pause is
    /// over, whether one comes or not: from then on it is half open.
    fn show(&self, state: State) {
        let label = [self.provider];
        match state {
            State::Closed { .. } => metrics::BREAKER_STATE.set(label, 0),
            State::HalfOpen { .. } => metrics::BREAKER_STATE.set(label, 1),
            State::Open { until, .. } => metrics::BREAKER_STATE.set_until(label, 2, until, 1),
        }
    }

    fn report(&self, state: &'static str, pause: Option<Duration>) {
        nexy_telemetry::emit(&BreakerChanged { provider: self.provider, state, pause });
    }

    fn edit<T>(&self, change: impl FnOnce(&mut Health) -> T) -> T {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Admission ===

impl Admission {
    /// The provider has served the request to its end.
    pub(crate) fn succeeded(self) {
        self.breaker.succeeded(self.asked, Instant::now());
    }

    /// The provider has failed.
    pub(crate) fn failed(self, fault: Fault) {
        self.breaker.failed(fault, Instant::now());
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        // After a verdict nothing is half open.
        self.breaker.gave_up(Instant::now());
    }
}

#[cfg(test)]
mod tests;
