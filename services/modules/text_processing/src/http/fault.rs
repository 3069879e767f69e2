//! Refusals: what all providers have in common.
//!
//! Only the status and the provider's own code are kept; its message can echo
//! the prompt.

use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use reqwest::{
    Response,
    header::{DATE, HeaderMap, HeaderName, RETRY_AFTER},
};
use serde_json::Value;

use crate::{Error, Refusal};

/// A finer hint than `Retry-After`, in milliseconds.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// A longer wait than this says no more than "later".
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer that is a refusal.
pub(crate) struct Refused {
    pub(crate) status: u16,
    /// What the headers ask for.
    pub(crate) retry_after: Option<Duration>,
    /// Null when it is not JSON, or too long.
    pub(crate) body: Value,
}

// === impl Refused ===

impl Refused {
    pub(crate) async fn read(answer: Response, max_bytes: usize) -> Self {
        let status = answer.status().as_u16();
        let retry_after = retry_after(answer.headers());
        let body = short_body(answer, max_bytes).await;
        let body = body.and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        Self { status, retry_after, body }
    }
}

/// What a status stands for. 499 is what nginx and Google call a request that
/// was cancelled.
pub(crate) fn classify(status: u16, refusal: Refusal) -> Error {
    match status {
        401 | 403 => Error::Unauthorized(refusal),
        429 => Error::RateLimited(refusal),
        408 | 409 | 425 | 499 | 500..=599 => Error::Unavailable(refusal),
        _ => Error::Rejected(refusal),
    }
}

/// `{"error": {…}}`, or the same in an array (Gemini), or the object itself.
pub(crate) fn error_object(body: &Value) -> &Value {
    let body = body.get(0).unwrap_or(body);
    body.get("error").unwrap_or(body)
}

/// A provider's wait in seconds; `None` when it is not a length of time.
pub(crate) fn wait(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(RETRY_AFTER_MAX))
}

async fn short_body(mut answer: Response, max_bytes: usize) -> Option<BytesMut> {
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

    if let Some(milliseconds) = number(&RETRY_AFTER_MS) {
        return wait(milliseconds / 1000.0);
    }
    if let Some(seconds) = number(&RETRY_AFTER) {
        return wait(seconds);
    }
    let sent = date(&DATE).unwrap_or_else(SystemTime::now);
    let until = date(&RETRY_AFTER)?.duration_since(sent).unwrap_or_default();
    wait(until.as_secs_f64())
}

#[cfg(test)]
mod tests;
