//! Refusals: HTTP statuses and error objects become [`Error`]s.
//!
//! Only the status and the provider's own code are kept; its message can echo
//! the prompt.

use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use serde_json::Value;

use crate::{Error, ProviderCode, Refusal};

/// A finer hint than `Retry-After`, in milliseconds.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// A longer wait than this says no more than "later".
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Codes of error objects that come without a status, as OpenAI and the
/// compatible servers write them, and the status each one stands for.
const CODES: &[(&str, u16)] = &[
    ("invalid_request_error", 400),
    ("context_length_exceeded", 400),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("permission_error", 403),
    ("model_not_found", 404),
    ("not_found_error", 404),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("insufficient_quota", 429),
    ("tokens", 429),
    ("requests", 429),
];

/// Reads a refusal. The body is read for its code only, and only if it is short.
pub(super) async fn of_answer(answer: reqwest::Response, max_bytes: usize) -> Error {
    let status = answer.status().as_u16();
    let retry_after = retry_after(answer.headers());
    let body = short_body(answer, max_bytes).await;
    let code = body
        .and_then(|body| serde_json::from_slice::<Value>(&body).ok())
        .and_then(|body| object_code(error_object(&body)));
    classify(status, Refusal { status: Some(status), code, retry_after })
}

/// An error object inside a reply that had been accepted.
pub(super) fn in_stream(error: &Value) -> Error {
    let code = object_code(error);
    let status = ["code", "status"]
        .iter()
        .filter_map(|key| error.get(key)?.as_u64())
        .find_map(|number| u16::try_from(number).ok());
    let meant = status.or_else(|| {
        let code = code.as_ref()?;
        CODES.iter().find(|(name, _)| *name == code.as_str()).map(|(_, status)| *status)
    });
    // What has no known name is the provider's trouble.
    classify(meant.unwrap_or(500), Refusal { status, code, retry_after: None })
}

/// An error object in a stream that has nothing around it (vLLM, llama.cpp), or
/// an array (Gemini). `None` when it is something else.
pub(super) fn bare(data: &str) -> Option<Error> {
    let body: Value = serde_json::from_str(data).ok()?;
    let error = error_object(&body);
    let is_error = error.get("message").is_some()
        && ["code", "type", "status"].iter().any(|key| error.get(key).is_some());
    is_error.then(|| in_stream(error))
}

fn classify(status: u16, refusal: Refusal) -> Error {
    match status {
        401 | 403 => Error::Unauthorized(refusal),
        429 => Error::RateLimited(refusal),
        408 | 409 | 425 | 500..=599 => Error::Unavailable(refusal),
        _ => Error::Rejected(refusal),
    }
}

/// `{"error": {…}}`, or the same in an array (Gemini), or the object itself.
fn error_object(body: &Value) -> &Value {
    let body = body.get(0).unwrap_or(body);
    body.get("error").unwrap_or(body)
}

/// The code where there is one in words, else the type.
fn object_code(error: &Value) -> Option<ProviderCode> {
    ["code", "type", "status"]
        .iter()
        .filter_map(|key| error.get(key)?.as_str())
        .find_map(ProviderCode::parse)
}

async fn short_body(mut answer: reqwest::Response, max_bytes: usize) -> Option<BytesMut> {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > max_bytes {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// `retry-after-ms`, or `Retry-After` in seconds, with a fraction too, or as a
/// date (RFC 9110 §10.2.3), which is measured against the answer's own date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &HeaderName| text(name)?.trim().parse::<f64>().ok();
    let date = |name: &HeaderName| httpdate::parse_http_date(text(name)?).ok();

    let wait = if let Some(milliseconds) = number(&RETRY_AFTER_MS) {
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    } else if let Some(seconds) = number(&RETRY_AFTER) {
        Duration::try_from_secs_f64(seconds).ok()
    } else {
        let sent = date(&DATE).unwrap_or_else(SystemTime::now);
        date(&RETRY_AFTER).map(|then| then.duration_since(sent).unwrap_or_default())
    };
    wait.map(|wait| wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;
