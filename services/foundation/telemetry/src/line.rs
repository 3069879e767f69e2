use std::{borrow::Cow, fmt};

use jiff::Timestamp;

use crate::Level;

/// One record of the decision log, without its line end.
///
/// The order of the fields and their spelling are a contract with everything
/// that reads logs: `nexyctl`, the guardrails and the dashboards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) at: Timestamp,
    pub(crate) level: Level,
    pub(crate) scope: &'a str,
    pub(crate) method: Option<&'a str>,
    pub(crate) decision: &'a str,
    /// JSON made by [`one_line_json`].
    pub(crate) ctx: &'a str,
    pub(crate) dur_ms: Option<u64>,
}

/// Serialises a value as a JSON object that holds no character which any
/// reader could take for a line end. What is not an object is `{}`.
pub(crate) fn one_line_json(value: &impl serde::Serialize) -> String {
    match serde_json::to_string(value) {
        Ok(json) if json.starts_with('{') => without_breaks(json),
        Ok(_) => "{}".to_owned(),
        // Only a map with keys that are no strings comes here.
        Err(_) => r#"{"ctx_error":"not serialisable"}"#.to_owned(),
    }
}

/// Adds a member to a JSON object. `name` and `value` need no escaping.
pub(crate) fn append_member(json: &mut String, name: &str, value: &str) {
    if json.pop() != Some('}') {
        return;
    }
    if !json.ends_with('{') {
        json.push(',');
    }
    json.push_str(&format!("\"{name}\":\"{value}\"}}"));
}

/// JSON leaves DEL, the C1 controls and the Unicode separators bare. They can
/// only stand inside strings, so an escape keeps the meaning.
fn without_breaks(json: String) -> String {
    if !json.chars().any(breaks) {
        return json;
    }
    json.chars().fold(String::with_capacity(json.len() + 16), |mut out, c| {
        if breaks(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}

fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A value that stands bare between spaces.
fn bare(value: &str) -> Cow<'_, str> {
    let fits = |c: char| !c.is_whitespace() && !breaks(c);
    if !value.is_empty() && value.chars().all(fits) {
        return Cow::Borrowed(value);
    }
    if value.is_empty() {
        return Cow::Borrowed("_");
    }
    Cow::Owned(value.chars().map(|c| if fits(c) { c } else { '_' }).collect())
}

/// The name of a decision: `[a-z_]+` whatever is given.
fn name(value: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_lowercase() || c == '_';
    if !value.is_empty() && value.chars().all(fits) {
        return Cow::Borrowed(value);
    }
    if value.is_empty() {
        return Cow::Borrowed("unnamed");
    }
    Cow::Owned(value.chars().map(|c| if fits(c) { c } else { '_' }).collect())
}

// === impl Line ===

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, level, scope, method, decision, ctx, dur_ms } = self;
        write!(f, "ts={at:.3} level={} scope={}", level.as_str(), bare(scope))?;
        if let Some(method) = method {
            write!(f, " method={}", bare(method))?;
        }
        write!(f, " decision={} ctx={ctx}", name(decision))?;
        if let Some(dur_ms) = dur_ms {
            write!(f, " dur_ms={dur_ms}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
