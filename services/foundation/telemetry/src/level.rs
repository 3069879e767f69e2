use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::decision::TARGET;

/// How much a decision matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Something is broken and somebody has to look.
    Error,
    /// Something was given up or refused.
    Warn,
    /// What the service does.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Every step.
    Trace,
}

/// A `LOG_LEVEL` that names no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidFilter;

// === impl Level ===

impl Level {
    /// The word in the log, e.g. `INFO`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    pub(crate) fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

/// Which events are printed, from a level or a list such as `info,h2=debug`.
///
/// A bare level is about decisions. Everything else is printed at WARN and
/// above, or at the bare level where that is stricter; below that only where
/// the list names its target.
pub(crate) fn filter(directives: &str) -> Result<Targets, InvalidFilter> {
    let mut decisions = LevelFilter::INFO;
    let mut named = Targets::new();
    for directive in directives.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (Some(target), level),
            None => (None, directive),
        };
        let level = LevelFilter::from_str(level).map_err(|_| InvalidFilter)?;
        match target {
            Some(target) => named = named.with_target(target.to_owned(), level),
            None => decisions = level,
        }
    }
    Ok(named.with_default(decisions.min(LevelFilter::WARN)).with_target(TARGET, decisions))
}

#[cfg(test)]
mod tests;
