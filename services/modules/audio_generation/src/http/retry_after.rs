//! How long a server asks to be left alone.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// A longer wait than this says no more than "later".
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `retry-after-ms` (milliseconds, OpenAI's own) or else `retry-after`
/// (seconds, with a fraction if need be, or a date; RFC 9110 §10.2.3), but not
/// more than a day. A date is measured against the answer's own date, where it
/// has one; one that has passed means now, and anything unreadable nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |name: &str| httpdate::parse_http_date(text(name)?).ok();
    let millis = text("retry-after-ms").and_then(|millis| seconds(millis, 1000.0));
    let wait = millis.or_else(|| {
        seconds(text(RETRY_AFTER.as_str())?, 1.0).or_else(|| {
            let until = date(RETRY_AFTER.as_str())?;
            let sent = date(DATE.as_str()).unwrap_or(now);
            Some(until.duration_since(sent).unwrap_or_default())
        })
    });
    wait.map(|wait| wait.min(LONGEST))
}

/// A number of which `per_second` make a second.
fn seconds(text: &str, per_second: f64) -> Option<Duration> {
    let number = text.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(number / per_second).ok()
}

#[cfg(test)]
mod tests;
