//! Who gets a release while it is rolled out on the server's side.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{Problem, Version};

/// The share of the installations that are offered a release, in whole percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Percent(u8);

/// A name that an app gives itself once and sends with every check. It tells
/// nothing about anybody, and still never reaches a log: no `Debug` shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InstallId<'a>(&'a str);

/// The longest name, in bytes.
const MAX_ID_BYTES: usize = 128;
/// Buckets in which the installations lie, 100 for each percent.
const BUCKETS: u64 = 10_000;

// === impl Percent ===

impl Percent {
    /// Everybody.
    pub const ALL: Self = Self(100);

    /// A share.
    ///
    /// # Errors
    /// When it is above 100.
    pub fn new(percent: u64) -> Result<Self, Problem> {
        u8::try_from(percent)
            .ok()
            .filter(|percent| *percent <= 100)
            .map(Self)
            .ok_or_else(|| Problem::new("rollout_percent", "must be a whole number from 0 to 100"))
    }

    /// Whether it is everybody.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.0 == 100
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether an installation belongs to this share for a release.
    ///
    /// Sticky and monotone: the bucket depends on the release and the id only,
    /// so raising the share takes the release away from nobody, and who is
    /// among the first of one release need not be among those of the next.
    #[must_use]
    pub fn includes(self, build: &Version, id: InstallId<'_>) -> bool {
        bucket(build, id) < u64::from(self.0) * (BUCKETS / 100)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

// === impl InstallId ===

impl<'a> InstallId<'a> {
    /// Reads what a client sent; none when it is no id.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let is_id = (1..=MAX_ID_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        is_id.then_some(Self(text))
    }
}

impl fmt::Debug for InstallId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallId").finish_non_exhaustive()
    }
}

fn bucket(build: &Version, id: InstallId<'_>) -> u64 {
    let digest = Sha256::new()
        .chain_update(build.as_str())
        // Neither of the two may hold it, so no pair looks like another one.
        .chain_update([0])
        .chain_update(id.0)
        .finalize();
    let first = digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
    first % BUCKETS
}

#[cfg(test)]
mod tests;
