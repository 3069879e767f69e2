//! The decision log, read back from what the services write.
//!
//! Only the form of `nexy-telemetry`'s lines is known here, and which lines
//! end a turn; what they mean for operators is in `logs` and `guardrails`.

mod input;
mod reader;

use jiff::Timestamp;
use nexy_telemetry::Level;
use serde_json::{Map, Value};

pub(crate) use self::{
    input::{Input, stream},
    reader::{Entry, LogReader, Tally},
};

/// One line of the decision log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record<'a> {
    pub(crate) at: Timestamp,
    pub(crate) level: Level,
    pub(crate) scope: &'a str,
    /// The full RPC method.
    pub(crate) method: Option<&'a str>,
    pub(crate) decision: &'a str,
    pub(crate) ctx: Map<String, Value>,
    pub(crate) dur_ms: Option<u64>,
}

/// How an RPC ended; of StreamAudio, how a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    /// By the client or the user: neither a success nor an error.
    Interrupted,
    /// By admission: neither a success nor an error.
    Refused,
    Error,
}

/// The gRPC code of what admission refuses.
pub(crate) const REFUSED: &str = "RESOURCE_EXHAUSTED";
/// The gRPC code of what the client or the user stopped.
pub(crate) const CANCELLED: &str = "CANCELLED";
/// The gRPC code of a service without a worker or a provider.
pub(crate) const UNAVAILABLE: &str = "UNAVAILABLE";
/// The RPC whose unit is the turn.
pub(crate) const STREAM_AUDIO: &str = "StreamAudio";

// === impl Record ===

impl<'a> Record<'a> {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// What is missing, out of order or malformed.
    pub(crate) fn parse(line: &'a str) -> Result<Self, &'static str> {
        let (ts, rest) = field("ts=", line).ok_or("no ts at its beginning")?;
        let at = timestamp(ts).ok_or("ts is no UTC time in milliseconds")?;
        let (level, rest) = field("level=", rest).ok_or("no level behind ts")?;
        let level = level_of(level).ok_or("no such level")?;
        let (scope, rest) = field("scope=", rest).ok_or("no scope behind level")?;
        let (method, rest) = match field("method=", rest) {
            Some((method, rest)) => (Some(method), rest),
            None => (None, rest),
        };
        let (decision, rest) = field("decision=", rest).ok_or("no decision where it belongs")?;
        let is_named = decision.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_named {
            return Err("decision is not [a-z_]+");
        }
        let json = rest.strip_prefix("ctx=").ok_or("no ctx behind decision")?;
        let (ctx, rest) = object(json)?;
        let dur_ms = match rest.strip_prefix(" dur_ms=") {
            Some(number) => Some(number.parse().map_err(|_| "dur_ms is no number")?),
            None if rest.is_empty() => None,
            None => return Err("something else behind ctx"),
        };
        Ok(Self { at, level, scope, method, decision, ctx, dur_ms })
    }

    /// A member of `ctx` that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.ctx.get(name).and_then(Value::as_str)
    }

    /// A member of `ctx` that is a whole number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.ctx.get(name).and_then(Value::as_u64)
    }

    /// The short name of the method, e.g. `StreamAudio`.
    pub(crate) fn rpc(&self) -> Option<&'a str> {
        self.method.map(|method| method.rsplit('/').next().unwrap_or(method))
    }

    /// How an RPC ended, if this line is about that.
    pub(crate) fn end(&self) -> Option<End> {
        self.method?;
        match (self.decision, self.text("grpc_code")) {
            ("complete", _) => Some(End::Complete),
            ("abort", _) | ("error", Some(CANCELLED)) => Some(End::Interrupted),
            ("error", Some(REFUSED)) => Some(End::Refused),
            ("error", _) => Some(End::Error),
            _ => None,
        }
    }

    /// How a turn ended, if this line is about that. A call on which nothing was
    /// asked is no turn, unless it was refused or failed.
    pub(crate) fn turn_end(&self) -> Option<End> {
        let end = self.end().filter(|_| self.rpc() == Some(STREAM_AUDIO))?;
        let told = ["session_id", "first_text_ms", "first_audio_ms"];
        let was_asked = told.iter().any(|name| self.ctx.contains_key(*name));
        (was_asked || matches!(end, End::Refused | End::Error)).then_some(end)
    }

    /// What an RPC's latency is taken to be, in milliseconds: of an end with
    /// audio the time to its first, because a spoken reply lasts as long as it
    /// speaks; else, of a success, how long it took. What failed quickly must not
    /// make the service look quick. The services count in the same way.
    pub(crate) fn latency_ms(&self) -> Option<u64> {
        let end = self.end()?;
        let whole = self.dur_ms.filter(|_| end == End::Complete);
        self.number("first_audio_ms").or(whole)
    }
}

/// A value behind its name, and what is behind the space after it.
fn field<'a>(name: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let found = text.strip_prefix(name)?.split_once(' ')?;
    Some(found).filter(|(value, _)| !value.is_empty())
}

/// Nothing but `2026-11-20T10:00:00.123Z`.
fn timestamp(text: &str) -> Option<Timestamp> {
    let pattern = b"0000-00-00T00:00:00.000Z";
    let fits = |(byte, expected): (u8, &u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        expected => byte == *expected,
    };
    if text.len() != pattern.len() || !text.bytes().zip(pattern).all(fits) {
        return None;
    }
    text.parse().ok()
}

fn level_of(word: &str) -> Option<Level> {
    let levels = [Level::Info, Level::Warn, Level::Error, Level::Debug, Level::Trace];
    levels.into_iter().find(|level| level.as_str() == word)
}

/// A JSON object at the beginning of a text, and what is behind it.
fn object(text: &str) -> Result<(Map<String, Value>, &str), &'static str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    match values.next() {
        Some(Ok(ctx)) => Ok((ctx, text.get(values.byte_offset()..).unwrap_or_default())),
        Some(Err(_)) | None => Err("ctx is no JSON object"),
    }
}

#[cfg(test)]
mod tests;
