use std::{error::Error as StdError, io, process::ExitCode, time::Duration};

use nexy_types::{ErrorClass, ErrorType};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Exit code of a turn that was interrupted, as shells write SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// Exit code of a service, and of a command that reads the same configuration,
/// when the configuration is wrong (`EX_USAGE` of sysexits.h).
pub(crate) const WRONG_CONFIG: u8 = 64;
/// Exit code of a command line that makes no sense, as clap has it.
const USAGE: u8 = 2;

/// An option that makes no sense in company of the others, or names a file that
/// cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Why a call to the server failed, as a person is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    /// The server's own name of the error; none when the failure is not the
    /// server's own, e.g. a broken connection.
    pub(crate) error_type: Option<String>,
    /// The gRPC code.
    pub(crate) code: String,
    pub(crate) message: String,
    /// How long to wait before the next try, if a retry can help.
    pub(crate) retry_after_ms: Option<u64>,
    #[serde(skip)]
    advice: Option<&'static str>,
}

// === impl Failure ===

impl Failure {
    pub(crate) fn of_status(status: &Status) -> Self {
        let error_type = status.get_details_error_info().map(|info| info.reason);
        let kind = error_type.as_deref().and_then(ErrorType::from_wire);
        let retry = status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay)
            .or_else(|| kind.and_then(ErrorType::retry_after));
        Self {
            advice: kind.map_or_else(|| advice_by_status(status), advice_by_type),
            error_type,
            code: code_name(status.code()).to_owned(),
            message: message_of(status),
            retry_after_ms: retry.map(millis),
        }
    }

    /// A failure that the server reported in words and not in a status.
    pub(crate) fn in_words(message: String) -> Self {
        Self {
            error_type: None,
            code: code_name(Code::Ok).to_owned(),
            message,
            retry_after_ms: None,
            advice: None,
        }
    }

    /// What to do about it, as a sentence.
    pub(crate) fn advice(&self) -> Option<String> {
        match self.retry_after_ms {
            Some(wait) => Some(format!("Try again in {} s.", wait.div_ceil(1000))),
            None => self.advice.map(str::to_owned),
        }
    }

    /// Name and message: `session_busy: a turn is already running`.
    pub(crate) fn title(&self) -> String {
        match (self.error_type.as_deref(), self.code.as_str()) {
            (Some(name), _) => format!("{name}: {}", self.message),
            // Told in words, with a status that says all is well.
            (None, "OK") => self.message.clone(),
            (None, code) => format!("{code}: {}", self.message),
        }
    }
}

/// A connection that breaks has a status whose own text says little; its cause
/// says more.
fn message_of(status: &Status) -> String {
    match status.source() {
        Some(cause) => format!("the connection broke: {}", chain(cause)),
        None if status.message().is_empty() => "the server gave no reason".to_owned(),
        None => status.message().to_owned(),
    }
}

fn advice_by_type(kind: ErrorType) -> Option<&'static str> {
    match (kind, kind.class()) {
        (ErrorType::CancelledByUser, _) => None,
        (ErrorType::Internal, _) => Some("This is a fault of the server. One retry may help."),
        (_, ErrorClass::Permanent) => Some("The request has to change; a retry does not help."),
        (_, ErrorClass::Transient) => Some("Try again."),
    }
}

/// For statuses without details: they are made by something in between.
fn advice_by_status(status: &Status) -> Option<&'static str> {
    if status.source().is_some() {
        return Some("Try again. If the server speaks TLS, say https:// in --server.");
    }
    match status.code() {
        Code::Unavailable => Some("Nothing answers behind the server's door. Try again later."),
        Code::Internal | Code::Unknown | Code::Aborted => Some("The connection broke. Try again."),
        Code::Unimplemented => Some("Is this the gRPC port of a Nexy server?"),
        _ => None,
    }
}

/// The code's name in the gRPC specification.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Whole milliseconds, at most what fits.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An error and its causes in one line, each said once.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let part = next.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = next.source();
    }
    text
}

/// The first cause of a type, also inside an `io::Error`, which hides what it
/// wraps from `source`.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(here) = cause {
        if let Some(found) = here.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = here.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => here.source(),
        };
    }
    None
}

/// How the process ends when a command could not do its work, and what is said
/// about it: nothing when the reader of our output has left.
pub(crate) fn exit_of(error: &anyhow::Error) -> (ExitCode, Option<String>) {
    if find::<Usage>(error.as_ref()).is_some() {
        return (ExitCode::from(USAGE), Some(format!("error: {error}")));
    }
    let closed = error.downcast_ref::<io::Error>();
    if closed.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return (ExitCode::FAILURE, None);
    }
    (ExitCode::FAILURE, Some(format!("error: {}", chain(error.as_ref()))))
}

#[cfg(test)]
mod tests;
