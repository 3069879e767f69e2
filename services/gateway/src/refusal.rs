//! The one mapping of errors to gRPC.

use nexy_types::ErrorType;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// `ErrorInfo.domain` of every status that we make.
const DOMAIN: &str = "nexy";

/// Why a request is not served, in the words of the public taxonomy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: ErrorType,
    /// For people; names no user content.
    pub(crate) message: String,
}

// === impl Refusal ===

impl Refusal {
    pub(crate) fn new(error: ErrorType, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }

    pub(crate) fn invalid(message: impl ToString) -> Self {
        Self::new(ErrorType::ValidationFailed, message.to_string())
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorType::Unavailable, message)
    }

    pub(crate) fn deadline_exceeded() -> Self {
        Self::new(ErrorType::Timeout, "the deadline of the call has passed")
    }

    /// The task of a call is gone without an end: it has panicked.
    pub(crate) fn ended_unexpectedly() -> Self {
        Self::new(ErrorType::Internal, "the call ended unexpectedly")
    }

    /// What a broken call to another of our services means to the client.
    pub(crate) fn of_peer(status: &Status) -> Self {
        match status.code() {
            Code::DeadlineExceeded => Self::new(ErrorType::Timeout, "the worker took too long"),
            Code::InvalidArgument => Self::new(ErrorType::Internal, "the worker refused the turn"),
            Code::Internal | Code::Unimplemented | Code::DataLoss => {
                Self::new(ErrorType::Internal, "the worker failed")
            }
            _ => Self::unavailable("the worker cannot be reached"),
        }
    }

    /// The status with its details: `ErrorInfo` always, `RetryInfo` where
    /// retrying helps, `QuotaFailure` where a limit is exhausted.
    pub(crate) fn to_status(&self) -> Status {
        let Self { error, message } = self;
        let mut details =
            ErrorDetails::with_error_info(error.as_str(), DOMAIN, std::collections::HashMap::new());
        if let Some(delay) = error.retry_after() {
            details.set_retry_info(Some(delay));
        }
        if grpc_code(*error) == Code::ResourceExhausted {
            details.add_quota_failure_violation(error.as_str(), message.as_str());
        }
        Status::with_error_details(grpc_code(*error), message.as_str(), details)
    }
}

/// The code of each error, as Docs/PROTOCOL.md lists them.
pub(crate) const fn grpc_code(error: ErrorType) -> Code {
    match error {
        ErrorType::Timeout | ErrorType::StreamIdleTimeout => Code::DeadlineExceeded,
        ErrorType::Unavailable => Code::Unavailable,
        ErrorType::CancelledByUser => Code::Cancelled,
        ErrorType::StreamLimitExceeded | ErrorType::RateLimitExceeded | ErrorType::SessionBusy => {
            Code::ResourceExhausted
        }
        ErrorType::ValidationFailed => Code::InvalidArgument,
        ErrorType::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests;
