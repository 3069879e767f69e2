//! What this service decides, as the decision log shows it.

use nexy_releases::{Channel, Percent, Problem};
use nexy_telemetry::{Decision, Level};
use serde::Serialize;

const SCOPE: &str = "releases";

/// A channel serves a release that it did not serve before.
#[derive(Debug, Serialize)]
pub(crate) struct ReleasePublished<'a> {
    pub(crate) channel: Channel,
    pub(crate) file: &'static str,
    pub(crate) version: &'a str,
    pub(crate) build: &'a str,
    pub(crate) artifact: &'a str,
    pub(crate) size: u64,
    pub(crate) critical: bool,
    /// Who is offered it.
    pub(crate) percent: Percent,
    /// Whether the bytes are here and were read and compared.
    pub(crate) bytes_checked: bool,
}

/// The same release is offered to others than before.
#[derive(Debug, Serialize)]
pub(crate) struct RolloutChanged<'a> {
    pub(crate) channel: Channel,
    pub(crate) file: &'static str,
    pub(crate) build: &'a str,
    pub(crate) percent: Percent,
    /// Why nobody is offered it any more, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) halted: Option<&'a str>,
}

/// A manifest that is served has a key that means nothing. One line for each,
/// once for each change of the manifest.
#[derive(Debug, Serialize)]
pub(crate) struct ManifestKeyUnknown<'a> {
    pub(crate) channel: Channel,
    pub(crate) file: &'static str,
    #[serde(flatten)]
    pub(crate) problem: &'a Problem,
}

/// A release is served without proof of where it comes from.
#[derive(Debug, Serialize)]
pub(crate) struct ReleaseUnsigned<'a> {
    pub(crate) channel: Channel,
    pub(crate) file: &'static str,
    pub(crate) version: &'a str,
    pub(crate) reason: &'static str,
}

/// A manifest is not served, and what was served before stays. One line for
/// each problem, once for each change of the manifest.
#[derive(Debug, Serialize)]
pub(crate) struct ReleaseRefused<'a> {
    pub(crate) channel: Channel,
    pub(crate) file: &'static str,
    #[serde(flatten)]
    pub(crate) problem: &'a Problem,
    /// What the channel serves instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) still_serving: Option<&'a str>,
}

/// A channel serves no release any more.
#[derive(Debug, Serialize)]
pub(crate) struct ReleaseWithdrawn<'a> {
    pub(crate) channel: Channel,
    pub(crate) file: &'static str,
    pub(crate) version: &'a str,
    pub(crate) build: &'a str,
    pub(crate) reason: &'static str,
    #[serde(skip)]
    pub(crate) level: Level,
}

/// A folder cannot be read; what is served stays as it is.
#[derive(Debug, Serialize)]
pub(crate) struct LibraryUnreadable<'a> {
    pub(crate) reason: &'a str,
}

// === impl Decision ===

impl Decision for ReleasePublished<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "release_published"
    }
}

impl Decision for RolloutChanged<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "rollout_changed"
    }
}

impl Decision for ManifestKeyUnknown<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "manifest_key_unknown"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

impl Decision for ReleaseUnsigned<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "release_unsigned"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

impl Decision for ReleaseRefused<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "release_refused"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

impl Decision for ReleaseWithdrawn<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "release_withdrawn"
    }
    fn level(&self) -> Level {
        self.level
    }
}

impl Decision for LibraryUnreadable<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "library_unreadable"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}
