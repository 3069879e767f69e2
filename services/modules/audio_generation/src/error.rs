use std::{fmt, time::Duration};

use nexy_types::{ErrorClass, ErrorType};

use crate::Utterance;

/// Why a voice did not speak, or stopped speaking.
///
/// No variant holds the text, nor the wording of a provider's error, which can
/// echo the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A setting that no voice can be made from.
    #[error("use setting {setting}")]
    InvalidSetting {
        /// The field of the provider's `Settings`.
        setting: &'static str,
    },
    /// The speech program is not on this machine.
    #[error("find speech program {program}: it is not installed")]
    NotInstalled {
        /// As configured.
        program: String,
    },
    /// The provider cannot be reached, or its program cannot be run.
    #[error("reach the voice: {reason}")]
    Unavailable {
        /// What failed.
        reason: &'static str,
    },
    /// The provider took too long.
    #[error("wait for the voice: {stage} timed out")]
    Timeout {
        /// What was waited for.
        stage: Stage,
    },
    /// The provider answered with a status that has no meaning of its own here.
    #[error("ask for speech: the provider answered {status}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// The provider's machine-readable `code` or `type`, if it has one.
        code: Option<String>,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The key is missing, wrong or expired.
    #[error("ask for speech: the provider does not accept the key")]
    Unauthorized,
    /// Too many requests, or the quota is used up.
    #[error("ask for speech: the provider's rate limit is reached")]
    RateLimited {
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The text is longer than the provider accepts.
    #[error("ask for speech: the text has {chars} characters, the provider takes {limit}")]
    TextTooLong {
        /// Characters in the text.
        chars: usize,
        /// Characters the provider takes.
        limit: usize,
    },
    /// The reply is something other than 16-bit mono PCM.
    #[error("read speech: the reply is not the audio that was asked for")]
    NotAudio,
    /// The audio broke off.
    #[error("read speech: the audio broke off")]
    BrokenStream,
    /// The reply ended without a sound.
    #[error("read speech: the reply is silent")]
    Silent,
    /// The reply goes on far longer than the text can take to say.
    #[error("read speech: the reply does not end")]
    Endless,
    /// Two sample rates that cannot be converted into each other.
    #[error("resample {from} Hz to {to} Hz")]
    Resample {
        /// Rate of the voice, in Hz.
        from: u32,
        /// Rate asked for, in Hz.
        to: u32,
    },
}

/// What was waited for when a time-out struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A free place among the speech processes.
    Queue,
    /// The connection.
    Connect,
    /// The first byte of audio.
    FirstByte,
    /// More audio after the first.
    Stall,
}

// === impl Error ===

impl Error {
    /// The client's view of the error, when no other voice is left.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::Timeout { .. } => ErrorType::Timeout,
            Self::InvalidSetting { .. } | Self::TextTooLong { .. } | Self::Resample { .. } => {
                ErrorType::Internal
            }
            Self::NotInstalled { .. }
            | Self::Unavailable { .. }
            | Self::Rejected { .. }
            | Self::Unauthorized
            | Self::RateLimited { .. }
            | Self::NotAudio
            | Self::BrokenStream
            | Self::Silent
            | Self::Endless => ErrorType::Unavailable,
        }
    }

    /// Whether the same voice can succeed with the same text a little later.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::RateLimited { .. }
            | Self::BrokenStream => ErrorClass::Transient,
            // 408 and 409 are retried by the providers' own SDKs too; 499 is a
            // provider that gave up on its own backend.
            Self::Rejected { status, .. }
                if *status >= 500 || matches!(*status, 408 | 409 | 499) =>
            {
                ErrorClass::Transient
            }
            Self::Rejected { .. }
            | Self::InvalidSetting { .. }
            | Self::NotInstalled { .. }
            | Self::Unauthorized
            | Self::TextTooLong { .. }
            | Self::NotAudio
            | Self::Silent
            | Self::Endless
            | Self::Resample { .. } => ErrorClass::Permanent,
        }
    }

    /// Whether the error says something about the health of the voice, so that
    /// its circuit breaker should count it. A request that no voice would take,
    /// a text that is too long or has no sound (`…`), and a queue that is full of
    /// our own work, do not.
    #[must_use]
    pub const fn blames_the_voice(&self) -> bool {
        !matches!(
            self,
            Self::TextTooLong { .. }
                | Self::Silent
                | Self::Timeout { stage: Stage::Queue }
                | Self::Rejected { status: 400 | 413 | 422, .. }
        )
    }

    /// Whether a voice said nothing to something that has a sound.
    #[must_use]
    pub fn is_silence_for(&self, utterance: &Utterance) -> bool {
        *self == Self::Silent && utterance.text.chars().any(char::is_alphanumeric)
    }

    /// How long the provider asked to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected { retry_after, .. } | Self::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// A name from a closed set, for metric labels and span fields.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::InvalidSetting { .. } => "invalid_setting",
            Self::NotInstalled { .. } => "not_installed",
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout { .. } => "timeout",
            Self::Rejected { .. } => "rejected",
            Self::Unauthorized => "unauthorized",
            Self::RateLimited { .. } => "rate_limited",
            Self::TextTooLong { .. } => "text_too_long",
            Self::NotAudio => "not_audio",
            Self::BrokenStream => "broken_stream",
            Self::Silent => "silent",
            Self::Endless => "endless",
            Self::Resample { .. } => "resample",
        }
    }
}

// === impl Stage ===

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "a free process",
            Self::Connect => "the connection",
            Self::FirstByte => "the first byte",
            Self::Stall => "the next byte",
        })
    }
}
