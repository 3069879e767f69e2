//! Refusals of Gemini.
//!
//! Source: <https://ai.google.dev/gemini-api/docs/troubleshooting> and the error
//! model of all Google APIs, <https://cloud.google.com/apis/design/errors>.

use std::time::Duration;

use serde_json::Value;

use crate::{
    Error, ProviderCode, Refusal,
    http::fault::{Refused, classify, error_object, wait},
};

/// `google.rpc.Code`, and the HTTP status that each one stands for
/// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>).
const CODES: &[(&str, u16)] = &[
    ("INVALID_ARGUMENT", 400),
    (FAILED_PRECONDITION, 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("ALREADY_EXISTS", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("UNIMPLEMENTED", 501),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

/// Says here that the key's project may not use the API: its country has no free
/// tier and it does not pay.
const FAILED_PRECONDITION: &str = "FAILED_PRECONDITION";

/// How the message of a wrong key begins, and the reason in its details.
const KEY_MESSAGE: &str = "API key ";
const KEY_REASON: &str = "API_KEY_";

/// The wait that some messages name and their details do not.
const WAIT_MESSAGE: &str = "retry in ";

/// How long a quota per minute takes to come back at most.
const MINUTE: Duration = Duration::from_secs(60);

/// What the details of an error say.
#[derive(Default)]
struct Details<'a> {
    reason: Option<&'a str>,
    retry_delay: Option<Duration>,
    quota_ids: Vec<&'a str>,
}

pub(super) fn of_answer(refused: &Refused) -> Error {
    let error = error_object(&refused.body);
    of_error(error, Some(refused.status), refused.retry_after)
}

/// An error object inside a reply that had been accepted.
pub(super) fn in_stream(error: &Value) -> Error {
    let status = error.get("code").and_then(Value::as_u64).and_then(|code| code.try_into().ok());
    of_error(error, status, None)
}

fn of_error(error: &Value, status: Option<u16>, retry_after: Option<Duration>) -> Error {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, message) = (text("status"), text("message"));
    let details = Details::of(error);
    let named = CODES.iter().find(|(known, _)| *known == name).map(|(_, status)| *status);
    // What has no known name is the provider's trouble.
    let meant = status.or(named).unwrap_or(500);
    let refusal = Refusal {
        status,
        code: details.reason.and_then(ProviderCode::parse).or_else(|| ProviderCode::parse(name)),
        retry_after: details
            .retry_delay
            .or_else(|| wait_in(message))
            .or(retry_after)
            .or_else(|| details.has_quota("PerMinute").then_some(MINUTE)),
        is_quota_spent: details.has_quota("PerDay"),
    };
    let is_about_the_key = meant == 400
        && (name == FAILED_PRECONDITION
            || message.starts_with(KEY_MESSAGE)
            || details.reason.is_some_and(|reason| reason.starts_with(KEY_REASON)));
    if is_about_the_key { Error::Unauthorized(refusal) } else { classify(meant, refusal) }
}

// === impl Details ===

impl<'a> Details<'a> {
    fn of(error: &'a Value) -> Self {
        let mut details = Self::default();
        for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| detail.get(key).and_then(Value::as_str);
            match text("@type").and_then(|name| name.rsplit('.').next()) {
                Some("ErrorInfo") => details.reason = text("reason"),
                Some("RetryInfo") => details.retry_delay = text("retryDelay").and_then(duration),
                Some("QuotaFailure") => details.quota_ids.extend(quota_ids(detail)),
                _ => {}
            }
        }
        details
    }

    fn has_quota(&self, period: &str) -> bool {
        self.quota_ids.iter().any(|id| id.contains(period))
    }
}

fn quota_ids(failure: &Value) -> impl Iterator<Item = &str> {
    let violations = failure.get("violations").and_then(Value::as_array);
    violations.into_iter().flatten().filter_map(|violation| violation.get("quotaId")?.as_str())
}

/// `Please retry in 12.3s.` somewhere in a message.
fn wait_in(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once(WAIT_MESSAGE)?;
    let word = rest.split_whitespace().next()?;
    duration(word.trim_end_matches(['.', ',', ';']))
}

/// `34.07s` as protobuf writes it; `900ms` and `1h2m3.5s` as Go does.
fn duration(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    wait(seconds)
}

#[cfg(test)]
mod tests;
