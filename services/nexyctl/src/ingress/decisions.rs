//! What the ingress reports, in the same form as the services.

use std::borrow::Cow;

use anyhow::Context as _;
use nexy_telemetry::{Decision, Guard, Level};
use serde::Serialize;

const SCOPE: &str = "ingress";

/// The start-up banner.
#[derive(Debug, Serialize)]
pub(super) struct Listening<'a> {
    pub(super) service: &'static str,
    pub(super) version: &'static str,
    pub(super) nginx: String,
    pub(super) http: String,
    pub(super) tls: String,
    /// What testers trust.
    pub(super) certificate: Cow<'a, str>,
    /// Its fingerprint, for comparison with what a client sees.
    pub(super) sha256: Option<String>,
    pub(super) self_signed: bool,
}

/// The door stays shut.
#[derive(Debug, Serialize)]
pub(super) struct StartFailed {
    pub(super) reason: String,
}

/// A self-signed certificate was made.
#[derive(Debug, Serialize)]
pub(super) struct CertificateMade<'a> {
    pub(super) certificate: Cow<'a, str>,
}

/// nginx was told to take a new configuration, or could not be.
#[derive(Debug, Serialize)]
pub(super) struct Reloaded {
    pub(super) accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// Names of upstreams that stand for no address; calls to them are refused.
#[derive(Debug, Serialize)]
pub(super) struct Unresolved {
    /// Those of one service in one item.
    pub(super) names: Vec<String>,
}

/// A step of the way out.
#[derive(Debug, Serialize)]
pub(super) struct Leaving {
    pub(super) phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<&'static str>,
}

/// nginx ended otherwise than in peace.
#[derive(Debug, Serialize)]
pub(super) struct NginxEnded {
    pub(super) status: String,
}

/// A line of nginx's error log.
#[derive(Debug, Serialize)]
pub(super) struct NginxLine<'a> {
    #[serde(skip)]
    level: Level,
    target: &'static str,
    message: &'a str,
}

/// Starts the decision log.
pub(super) fn start(settings: &nexy_config::Settings) -> anyhow::Result<Guard> {
    nexy_telemetry::init(nexy_telemetry::Settings {
        service: "nexy-ingress",
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: settings.env.as_str().to_owned(),
        level: settings.logging.level.clone(),
        resource: Vec::new(),
        otlp: None,
        id_hash_key: None,
    })
    .context("start the decision log")
}

// === impl Listening ===

impl Decision for Listening<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "listening"
    }
}

// === impl StartFailed ===

impl Decision for StartFailed {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "start_failed"
    }
    fn level(&self) -> Level {
        Level::Error
    }
}

// === impl CertificateMade ===

impl Decision for CertificateMade<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "certificate_made"
    }
}

// === impl Reloaded ===

impl Decision for Reloaded {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "ingress_reloaded"
    }
    fn level(&self) -> Level {
        if self.accepted { Level::Info } else { Level::Warn }
    }
}

// === impl Unresolved ===

impl Decision for Unresolved {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "upstream_unresolved"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

// === impl Leaving ===

impl Decision for Leaving {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "shutdown"
    }
}

// === impl NginxEnded ===

impl Decision for NginxEnded {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "nginx_ended"
    }
    fn level(&self) -> Level {
        Level::Error
    }
}

// === impl NginxLine ===

impl<'a> NginxLine<'a> {
    /// From `2026/11/20 10:00:00 [error] 7#7: *1 connect() failed …, client: …`.
    ///
    /// What follows `, client: ` is cut off: it holds the request with its
    /// query string.
    pub(super) fn parse(line: &'a str) -> Self {
        let bracketed = line.split_once(" [").and_then(|(_, rest)| rest.split_once("] "));
        let (level, rest) = bracketed.unwrap_or(("", line));
        let message = rest.split_once(", client: ").map_or(rest, |(message, _)| message);
        let level = match level {
            "emerg" | "alert" | "crit" | "error" => Level::Error,
            "warn" => Level::Warn,
            "debug" => Level::Debug,
            _ => Level::Info,
        };
        Self { level, target: "nginx", message }
    }
}

impl Decision for NginxLine<'_> {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "dependency_log"
    }
    fn level(&self) -> Level {
        self.level
    }
}
