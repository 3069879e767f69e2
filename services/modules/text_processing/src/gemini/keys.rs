//! The keys of one account, or of two.

use std::sync::atomic::{AtomicBool, Ordering};

use nexy_telemetry::{Decision, Level};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{Error, http};

/// One or two keys, and which of them worked last.
pub(super) struct Keys {
    first: HeaderValue,
    second: Option<HeaderValue>,
    is_second_preferred: AtomicBool,
}

/// One of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Key {
    First,
    Second,
}

/// A key is no longer used because another one works in its place.
#[derive(Debug, Serialize)]
pub(super) struct KeySwitched {
    pub(super) provider: &'static str,
    /// The key that is used from now on.
    pub(super) to: Key,
    /// What became of the other one: an error's fixed name.
    pub(super) reason: &'static str,
}

// === impl Keys ===

impl Keys {
    pub(super) fn new(first: &SecretString, second: Option<&SecretString>) -> Result<Self, Error> {
        let first = value(first)?.ok_or(Error::Settings("key is empty"))?;
        let second = second.map(value).transpose()?.flatten();
        // The same key again would be refused again.
        let second = second.filter(|second| *second != first);
        Ok(Self { first, second, is_second_preferred: AtomicBool::new(false) })
    }

    pub(super) fn preferred(&self) -> Key {
        if self.is_second_preferred.load(Ordering::Relaxed) { Key::Second } else { Key::First }
    }

    pub(super) fn other_than(&self, key: Key) -> Option<Key> {
        match key {
            Key::First => self.second.is_some().then_some(Key::Second),
            Key::Second => Some(Key::First),
        }
    }

    pub(super) fn prefer(&self, key: Key) {
        self.is_second_preferred.store(key == Key::Second, Ordering::Relaxed);
    }

    pub(super) fn value(&self, key: Key) -> HeaderValue {
        match (key, &self.second) {
            (Key::Second, Some(second)) => second.clone(),
            (Key::First, _) | (Key::Second, None) => self.first.clone(),
        }
    }
}

// === impl KeySwitched ===

impl Decision for KeySwitched {
    fn scope(&self) -> &'static str {
        "text_processing"
    }
    fn decision(&self) -> &'static str {
        "key_switched"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

/// `None` for a blank one.
fn value(key: &SecretString) -> Result<Option<HeaderValue>, Error> {
    let key = key.expose_secret().trim();
    if key.is_empty() { Ok(None) } else { http::secret(key).map(Some) }
}
