use std::time::Duration;

use nexy_telemetry::{Decision, Level, metrics};
use serde::Serialize;

const SCOPE: &str = "worker";

/// A provider did not serve; the next one of its list is asked.
#[derive(Debug, Serialize)]
pub(crate) struct Retry {
    /// `llm` or `tts`.
    pub(crate) stage: &'static str,
    pub(crate) provider: &'static str,
    /// Its name in metrics.
    #[serde(skip)]
    pub(crate) label: &'static str,
    /// Of the public taxonomy.
    pub(crate) error_type: &'static str,
    /// The provider's failure, free of user content.
    pub(crate) reason: String,
    #[serde(skip)]
    pub(crate) after: Duration,
}

/// A part of the reply is given up.
#[derive(Debug, Serialize)]
pub(crate) struct Degrade {
    pub(crate) stage: &'static str,
    pub(crate) reason: String,
}

/// The assistant asked for something that is not passed on.
#[derive(Debug, Serialize)]
pub(crate) struct ActionDropped {
    /// A word of a closed set; never the command or its values.
    pub(crate) reason: &'static str,
}

/// The reply had a shape that loses something.
#[derive(Debug, Serialize)]
pub(crate) struct ReplyWarning {
    pub(crate) warning: &'static str,
}

impl Decision for Retry {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "retry"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
    fn duration(&self) -> Option<Duration> {
        Some(self.after)
    }
    fn count(&self) {
        let outcome = if self.error_type == "timeout" { "timeout" } else { "error" };
        metrics::PROVIDER_CALLS.increment([self.label, outcome]);
    }
}

impl Decision for Degrade {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "degrade"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

impl Decision for ActionDropped {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "action_dropped"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

impl Decision for ReplyWarning {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "reply_warning"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}
