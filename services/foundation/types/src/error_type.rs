use std::{fmt, time::Duration};

/// Every way in which a request can fail, as clients see it.
///
/// The table with codes and client behaviour is in Docs/PROTOCOL.md; the two
/// mappings (to gRPC and to HTTP) stand once each, in the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// A deadline passed, or the providers' time-outs are exhausted.
    Timeout,
    /// Nothing moved on the stream for the configured time.
    StreamIdleTimeout,
    /// No worker, no provider, shutting down, or switched off.
    Unavailable,
    /// Stopped by the user or by the client.
    CancelledByUser,
    /// More streams than `backpressure.max_concurrent_streams`.
    StreamLimitExceeded,
    /// More incoming messages than `backpressure.max_message_rate_per_second`.
    RateLimitExceeded,
    /// A turn of this session is already running.
    SessionBusy,
    /// The request breaks a rule of the contract.
    ValidationFailed,
    /// A bug of ours.
    Internal,
}

/// Whether the same request can succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Retrying later can help.
    Transient,
    /// The request itself has to change.
    Permanent,
}

// === impl ErrorType ===

impl ErrorType {
    /// All variants, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::StreamIdleTimeout,
        Self::Unavailable,
        Self::CancelledByUser,
        Self::StreamLimitExceeded,
        Self::RateLimitExceeded,
        Self::SessionBusy,
        Self::ValidationFailed,
        Self::Internal,
    ];

    /// The name on the wire and in logs, e.g. `session_busy`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::StreamIdleTimeout => "stream_idle_timeout",
            Self::Unavailable => "unavailable",
            Self::CancelledByUser => "cancelled_by_user",
            Self::StreamLimitExceeded => "stream_limit_exceeded",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::SessionBusy => "session_busy",
            Self::ValidationFailed => "validation_failed",
            Self::Internal => "internal",
        }
    }

    /// The variant of a wire name.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether retrying the same request can help.
    #[must_use]
    pub const fn class(self) -> ErrorClass {
        match self {
            Self::CancelledByUser | Self::ValidationFailed | Self::Internal => {
                ErrorClass::Permanent
            }
            Self::Timeout
            | Self::StreamIdleTimeout
            | Self::Unavailable
            | Self::StreamLimitExceeded
            | Self::RateLimitExceeded
            | Self::SessionBusy => ErrorClass::Transient,
        }
    }

    /// How long a client should wait before it retries, where retrying helps.
    ///
    /// The contract fixes 60 s for a full server; the others are short because
    /// their cause passes quickly.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::StreamLimitExceeded => Some(Duration::from_secs(60)),
            Self::Timeout | Self::StreamIdleTimeout | Self::Unavailable => {
                Some(Duration::from_secs(1))
            }
            Self::RateLimitExceeded | Self::SessionBusy => Some(Duration::from_secs(2)),
            Self::CancelledByUser | Self::ValidationFailed | Self::Internal => None,
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl ErrorClass ===

impl ErrorClass {
    /// The name in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
        }
    }
}
