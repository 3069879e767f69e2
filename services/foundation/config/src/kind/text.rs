//! The rules of single texts: each gives the normal form, or `None`.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The spellings that people use in environment variables.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Some(true),
        "false" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// Whole numbers, separated by commas.
pub(super) fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|part| part.trim().parse().ok()).collect()
}

/// A name, an IPv4 address, or an IPv6 address with or without brackets.
pub(super) fn host(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let is_name = !text.is_empty() && text.chars().all(allowed);
    let is_v6 = bare.parse::<std::net::Ipv6Addr>().is_ok();
    (is_name || is_v6).then(|| text.to_owned())
}

pub(super) fn address(text: &str) -> Option<String> {
    let (name, port) = text.rsplit_once(':')?;
    // Without brackets the last group of an IPv6 address would pass for a port.
    let is_host = host(name).is_some() && (!name.contains(':') || name.starts_with('['));
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    (is_host && is_port).then(|| text.to_owned())
}

/// Without the slash at the end, so that paths can be appended.
pub(super) fn url(schemes: &[&str], text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let well_formed = schemes.contains(&scheme)
        && !authority.is_empty()
        && !text.contains('@')
        && !text.contains(char::is_whitespace);
    well_formed.then(|| text.trim_end_matches('/').to_owned())
}

/// `sqlite::memory:` is an address too, so only the scheme is looked at.
pub(super) fn secret_url(schemes: &[&str], text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    (schemes.contains(&scheme) && !rest.is_empty()).then(|| text.to_owned())
}

pub(super) fn choice(words: &[&str], text: &str) -> Option<String> {
    words.iter().find(|word| text.eq_ignore_ascii_case(word)).map(|word| (*word).to_owned())
}

pub(super) fn timezone(text: &str) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(text).ok()?;
    zone.iana_name().map(str::to_owned)
}

/// Levels, or `target=level`, separated by commas.
pub(super) fn log_filter(text: &str) -> Option<String> {
    let directive = |part: &str| {
        let (target, level) = match part.trim().split_once('=') {
            Some((target, level)) => (Some(target), level),
            None => (None, part),
        };
        let level = choice(&["trace", "debug", "info", "warn", "error", "off"], level.trim())?;
        match target {
            None => Some(level),
            Some(target) => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
                let is_target = !target.is_empty() && target.chars().all(allowed);
                is_target.then(|| format!("{target}={level}"))
            }
        }
    };
    text.split(',').map(directive).collect::<Option<Vec<_>>>().map(|parts| parts.join(","))
}

pub(super) fn public_key(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).ok()?;
    (bytes.len() == 32).then(|| text.to_owned())
}

/// Pairs of a name and a value, `name=value` separated by commas, with `%2C` for
/// a comma in a value: the form of `OTEL_RESOURCE_ATTRIBUTES` and
/// `OTEL_EXPORTER_OTLP_HEADERS`,
/// <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
/// `None`: it is not that.
#[must_use]
pub fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let name = Some(name.trim()).filter(|name| !name.is_empty())?;
        Some((name.to_owned(), percent_decode(value.trim())?))
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(pair).collect()
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}
