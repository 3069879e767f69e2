//! Conditional requests (RFC 9110 section 13).

use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderName, header};

/// What a client may hold already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// A strong entity tag, with its quotes.
    pub(super) etag: &'a str,
    /// In whole seconds.
    pub(super) last_modified: SystemTime,
}

// === impl Validators ===

impl Validators<'_> {
    /// Whether the client has it already, so that 304 is the answer.
    /// If-Modified-Since counts only without If-None-Match.
    pub(super) fn are_known(self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::IF_NONE_MATCH) {
            return headers
                .get_all(header::IF_NONE_MATCH)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag);
        }
        date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|since| self.last_modified <= since)
    }

    /// Whether a Range still means what the client believes, because nothing
    /// has changed since it got the first part.
    pub(super) fn allow_range(self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(header::IF_RANGE) else { return true };
        // A weak tag begins with W/ and never equals a strong one.
        value.to_str().is_ok_and(|value| value == self.etag)
            || date(headers, &header::IF_RANGE).is_some_and(|date| date == self.last_modified)
    }
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}
