use std::{collections::BTreeMap, time::Duration};

use nexy_config::FlagChange;
use nexy_telemetry::{Decision, Level};
use serde::Serialize;

const SCOPE: &str = "runtime";

/// A setting is wrong; the process does not start.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigInvalid {
    pub(crate) problem: String,
}

impl Decision for ConfigInvalid {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "config_invalid"
    }
    fn level(&self) -> Level {
        Level::Error
    }
}

/// The service could not be brought up, or broke while it served.
#[derive(Debug, Serialize)]
pub(crate) struct Failed {
    #[serde(skip)]
    pub(crate) decision: &'static str,
    pub(crate) reason: String,
}

impl Decision for Failed {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        self.decision
    }
    fn level(&self) -> Level {
        Level::Error
    }
}

/// The start-up banner: the service can be reached.
#[derive(Debug, Serialize)]
pub(crate) struct Listening {
    pub(crate) service: &'static str,
    pub(crate) version: String,
    pub(crate) environment: &'static str,
    pub(crate) endpoints: BTreeMap<&'static str, String>,
}

impl Decision for Listening {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "listening"
    }
}

/// A phase of the shutdown.
#[derive(Debug, Serialize)]
pub(crate) struct ShutdownPhase {
    pub(crate) phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<&'static str>,
    #[serde(skip)]
    pub(crate) since: Option<Duration>,
}

impl Decision for ShutdownPhase {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "shutdown"
    }
    fn duration(&self) -> Option<Duration> {
        self.since
    }
}

/// What had flags change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// SIGHUP.
    Signal,
    /// The overlay file.
    File,
    /// Somebody with the admin token set it.
    Set,
    /// Somebody with the admin token gave it back to the configuration.
    Reset,
}

/// Flags were read again, or the new ones refused.
#[derive(Debug, Serialize)]
pub(crate) struct Reloaded {
    pub(crate) accepted: bool,
    pub(crate) cause: Cause,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
}

impl Decision for Reloaded {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "config_reloaded"
    }
    fn level(&self) -> Level {
        if self.accepted { Level::Info } else { Level::Warn }
    }
}

/// The files of a certificate have changed.
#[derive(Debug, Serialize)]
pub(crate) struct CertificateReloaded {
    pub(crate) accepted: bool,
    pub(crate) certificate: String,
    /// Why the old one stays in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Decision for CertificateReloaded {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "certificate_reloaded"
    }
    fn level(&self) -> Level {
        if self.accepted { Level::Info } else { Level::Warn }
    }
}

/// The aggregate of the last window.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct MetricsSnapshot(pub(crate) nexy_telemetry::metrics::Snapshot);

impl Decision for MetricsSnapshot {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "metrics_snapshot"
    }
}

/// A flag has another value than before, or is set by itself and was not, or
/// the other way round: the audit log of flags.
#[derive(Debug, Serialize)]
pub(crate) struct FlagChanged {
    pub(crate) name: &'static str,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) cause: Cause,
    /// Who set it, as they call themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl FlagChanged {
    /// By the sources.
    pub(crate) fn reloaded(change: &FlagChange, cause: Cause) -> Self {
        let FlagChange { name, from, to } = change;
        let [from, to] = [from, to].map(ToString::to_string);
        Self { name, from, to, cause, by: None, reason: None }
    }
}

impl Decision for FlagChanged {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "flag_changed"
    }
}

/// Requests to the admin routes without the token.
#[derive(Debug, Serialize)]
pub(crate) struct AdminDenied {
    /// With those that were not written down before.
    pub(crate) count: u64,
}

impl Decision for AdminDenied {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "admin_denied"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}
