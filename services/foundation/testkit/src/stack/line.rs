use anyhow::{Context as _, ensure};
use serde_json::Value;

/// One line of the decision log, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// `INFO`, `WARN` …
    pub level: String,
    /// The module that decided.
    pub scope: String,
    /// The full RPC method, if any.
    pub method: Option<String>,
    /// What was decided.
    pub decision: String,
    /// A JSON object.
    pub ctx: Value,
    /// Milliseconds, if it took any.
    pub dur_ms: Option<u64>,
}

// === impl Line ===

impl Line {
    /// Reads a line as Docs/OPERATIONS.md describes it, and nothing else.
    ///
    /// # Errors
    /// Names the first field that is missing, out of order or malformed.
    pub fn parse(line: &str) -> anyhow::Result<Self> {
        let (ts, rest) = field("ts", line)?;
        ensure!(is_timestamp(ts), "ts is not a UTC time in milliseconds: {line}");
        let (level, rest) = field("level", rest)?;
        ensure!(matches!(level, "DEBUG" | "INFO" | "WARN" | "ERROR"), "no such level: {line}");
        let (scope, rest) = field("scope", rest)?;
        let (method, rest) = match field("method", rest) {
            Ok((method, rest)) => (Some(method.to_owned()), rest),
            Err(_) => (None, rest),
        };
        let (decision, rest) = field("decision", rest)?;
        let is_named = decision.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        ensure!(is_named && !decision.is_empty(), "decision is not [a-z_]+: {line}");
        let json = rest.strip_prefix("ctx=").with_context(|| format!("no ctx: {line}"))?;
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
        let ctx = values.next().with_context(|| format!("empty ctx: {line}"))??;
        ensure!(ctx.is_object(), "ctx is not an object: {line}");
        let dur_ms = match &json[values.byte_offset()..] {
            "" => None,
            rest => {
                let number = rest.strip_prefix(" dur_ms=").context("something behind ctx")?;
                Some(number.parse().with_context(|| format!("dur_ms is no number: {line}"))?)
            }
        };
        let [level, scope, decision] = [level, scope, decision].map(str::to_owned);
        Ok(Self { level, scope, method, decision, ctx, dur_ms })
    }

    /// A member of `ctx` as text, or nothing.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.ctx[name].as_str()
    }

    /// Whether somebody should look at it.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        matches!(self.level.as_str(), "WARN" | "ERROR")
    }

    /// Whether it ends what a `start` began.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.decision.as_str(), "complete" | "abort" | "error")
    }
}

/// `name=value` and what is behind the space after it.
fn field<'a>(name: &str, text: &'a str) -> anyhow::Result<(&'a str, &'a str)> {
    text.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('=')?.split_once(' '))
        .filter(|(value, _)| !value.is_empty())
        .with_context(|| format!("no {name} where it belongs: {text}"))
}

/// `2026-11-20T10:00:00.123Z`.
fn is_timestamp(text: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00.000Z";
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, expected)| match expected {
            b'0' => byte.is_ascii_digit(),
            expected => byte == *expected,
        })
}
