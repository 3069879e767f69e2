use std::{fmt, time::Duration};

use nexy_types::ErrorType;

/// The longest provider code that is kept, in bytes. Real ones are short words.
const CODE_MAX_BYTES: usize = 64;

/// Why a model has not given a whole reply.
///
/// Values hold a status and a provider's code at most: messages of providers can
/// echo the prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The settings cannot work. Names the setting.
    #[error("set up language model: {0}")]
    Settings(&'static str),
    /// The provider was too slow.
    #[error("wait for language model: {0}")]
    Timeout(Wait),
    /// The key is missing, wrong or not allowed to do this.
    #[error("call language model: unauthorized{0}")]
    Unauthorized(Refusal),
    /// The provider will never take this request: wrong model, path or content.
    #[error("call language model: rejected{0}")]
    Rejected(Refusal),
    /// Too many requests, or a quota is spent.
    #[error("call language model: rate limited{0}")]
    RateLimited(Refusal),
    /// Cannot be reached, overloaded or broken.
    #[error("call language model: unavailable{0}")]
    Unavailable(Refusal),
    /// The reply broke off.
    #[error("read language model: reply was cut off")]
    Truncated,
    /// What came is not the provider's wire format.
    #[error("read language model: {0}")]
    Malformed(&'static str),
}

/// What was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The connection.
    Connect,
    /// The first words after the request was sent.
    FirstToken,
    /// The next event of a reply that had begun.
    Stall,
}

/// How a provider said no.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The HTTP status; none when there was no answer at all, or when the
    /// refusal came inside a reply.
    pub status: Option<u16>,
    /// The provider's own name for it; `tls_not_accepted` is ours.
    pub code: Option<ProviderCode>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// What is used up does not come back within minutes: a day's quota, or the
    /// account's money.
    pub is_quota_spent: bool,
}

/// A provider's machine-readable name of an error, e.g. `model_not_found`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderCode(Box<str>);

// === impl Error ===

impl Error {
    /// A fixed name for metrics and traces.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Timeout(_) => "timeout",
            Self::Unauthorized(_) => "unauthorized",
            Self::Rejected(_) => "rejected",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable(_) => "unavailable",
            Self::Truncated => "truncated",
            Self::Malformed(_) => "malformed",
        }
    }

    /// What the client of this server is told when no other model answers.
    ///
    /// A provider's rate limit and its rejections are `unavailable`: the public
    /// `rate_limit_exceeded` and `validation_failed` are about the client.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::Timeout(_) => ErrorType::Timeout,
            Self::Settings(_) => ErrorType::Internal,
            Self::Unauthorized(_)
            | Self::Rejected(_)
            | Self::RateLimited(_)
            | Self::Unavailable(_)
            | Self::Truncated
            | Self::Malformed(_) => ErrorType::Unavailable,
        }
    }

    /// Whether the same model may answer the same request later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Unavailable(_) | Self::Truncated => true,
            Self::RateLimited(refusal) => !refusal.is_quota_spent,
            Self::Settings(_) | Self::Unauthorized(_) | Self::Rejected(_) | Self::Malformed(_) => {
                false
            }
        }
    }

    /// Whether the fault lies in this one request rather than in the model's
    /// health or settings. Such an error says nothing about the next request.
    #[must_use]
    pub fn is_about_the_request(&self) -> bool {
        // 404 is a wrong model or path: no request will fare better.
        matches!(self, Self::Rejected(refusal) if refusal.status != Some(404))
    }

    /// How long the provider asks to wait, where it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unauthorized(refusal)
            | Self::Rejected(refusal)
            | Self::RateLimited(refusal)
            | Self::Unavailable(refusal) => refusal.retry_after,
            Self::Settings(_) | Self::Timeout(_) | Self::Truncated | Self::Malformed(_) => None,
        }
    }
}

// === impl Wait ===

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection in time",
            Self::FirstToken => "no first words in time",
            Self::Stall => "reply stalled",
        })
    }
}

// === impl Refusal ===

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.code) {
            (None, None) => Ok(()),
            (Some(status), None) => write!(f, " (status {status})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (Some(status), Some(code)) => write!(f, " (status {status}, {code})"),
        }
    }
}

// === impl ProviderCode ===

impl ProviderCode {
    /// Takes a word of letters, digits, `_`, `-` and `.`. Anything else is prose
    /// and may hold the user's words, so it is not kept.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_code = (1..=CODE_MAX_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        is_code.then(|| Self(text.into()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
