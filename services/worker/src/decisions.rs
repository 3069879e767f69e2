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

/// A provider's circuit breaker changed its state.
#[derive(Debug, Serialize)]
pub(crate) struct BreakerChanged {
    pub(crate) provider: &'static str,
    /// `closed`, `half_open` or `open`.
    pub(crate) state: &'static str,
    #[serde(rename = "pause_s", serialize_with = "seconds")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pause: Option<Duration>,
}

/// Nothing could be heard for too long, so that "one moment" was said.
#[derive(Debug, Serialize)]
pub(crate) struct BridgeSpoken {}

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

/// A screenshot was made to fit what a model reads.
#[derive(Debug, Serialize)]
pub(crate) struct ScreenshotConverted {
    /// Media types.
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) from_bytes: usize,
    pub(crate) to_bytes: usize,
    #[serde(skip)]
    pub(crate) took: Duration,
}

/// A screenshot could not be made to fit.
#[derive(Debug, Serialize)]
pub(crate) struct ScreenshotRefused {
    /// `unreadable`, `too_many_pixels`, `too_slow` or `failed`.
    pub(crate) reason: &'static str,
    pub(crate) bytes: usize,
}

/// An action is kept back until the user has agreed: they were asked.
#[derive(Debug, Serialize)]
pub(crate) struct ActionHeld {
    /// As the catalogue spells it.
    pub(crate) command: String,
    /// Why what the user said does not do.
    pub(crate) reason: &'static str,
}

/// The user has agreed to an action, and it is passed on.
#[derive(Debug, Serialize)]
pub(crate) struct ActionConfirmed {
    /// As the catalogue spells it.
    pub(crate) command: String,
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

impl Decision for BreakerChanged {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "breaker_state"
    }
    fn level(&self) -> Level {
        if self.state == "open" { Level::Warn } else { Level::Info }
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn seconds<S: serde::Serializer>(
    pause: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(pause.unwrap_or_default().as_secs())
}

impl Decision for BridgeSpoken {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "bridge_spoken"
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

impl Decision for ActionHeld {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "action_held"
    }
}

impl Decision for ActionConfirmed {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "action_confirmed"
    }
}

impl Decision for ScreenshotConverted {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "screenshot_converted"
    }
    fn duration(&self) -> Option<Duration> {
        Some(self.took)
    }
}

impl Decision for ScreenshotRefused {
    fn scope(&self) -> &'static str {
        SCOPE
    }
    fn decision(&self) -> &'static str {
        "screenshot_refused"
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
