//! What a client asks for in request metadata.

use std::str::FromStr;

use jiff::tz::TimeZone;
use nexy_config::ActionsTransport;
use nexy_types::{Language, SpeechRate};
use tonic::metadata::MetadataMap;

use crate::refusal::Refusal;

/// The longest voice or time-zone name that is passed on, in bytes.
pub(crate) const NAME_MAX_LEN: usize = 128;

/// Options of one StreamAudio call.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    /// How actions travel; `None` is the server's default.
    pub(crate) actions: Option<Actions>,
    /// `nexy-events: turn`.
    pub(crate) turn_events: bool,
    pub(crate) timezone: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) voice: Option<String>,
    pub(crate) speech_rate: Option<SpeechRate>,
}

/// How a client wants to get actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actions {
    /// Over this transport.
    Over(ActionsTransport),
    /// Not at all.
    None,
}

// === impl Options ===

impl Options {
    /// Reads and checks the metadata of a call.
    ///
    /// # Errors
    /// `validation_failed` for a value that makes no sense.
    pub(crate) fn parse(metadata: &MetadataMap) -> Result<Self, Refusal> {
        Ok(Self {
            actions: value(metadata, "nexy-actions")?.map(Actions::from_str).transpose()?,
            turn_events: match value(metadata, "nexy-events")? {
                None => false,
                Some("turn") => true,
                Some(_) => return Err(nonsense("nexy-events", "turn")),
            },
            timezone: value(metadata, "nexy-timezone")?.map(timezone).transpose()?,
            language: value(metadata, "nexy-language")?
                .map(|tag| {
                    Language::parse(tag).ok_or_else(|| nonsense("nexy-language", "a BCP 47 tag"))
                })
                .transpose()?,
            voice: value(metadata, "nexy-voice")?.map(voice).transpose()?,
            speech_rate: rate(metadata)?,
        })
    }
}

/// The speech rate that the metadata of a call asks for.
///
/// # Errors
/// `validation_failed` for one that makes no sense.
pub(crate) fn rate(metadata: &MetadataMap) -> Result<Option<SpeechRate>, Refusal> {
    value(metadata, "nexy-speech-rate")?.map(speech_rate).transpose()
}

/// Whether a text can be the name of a voice.
pub(crate) fn is_voice(name: &str) -> bool {
    (1..=NAME_MAX_LEN).contains(&name.len()) && !name.contains(char::is_control)
}

// === impl Actions ===

impl FromStr for Actions {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "mcp_prefix" => Ok(Self::Over(ActionsTransport::McpPrefix)),
            "action_message" => Ok(Self::Over(ActionsTransport::ActionMessage)),
            "none" => Ok(Self::None),
            _ => Err(nonsense("nexy-actions", "mcp_prefix, action_message or none")),
        }
    }
}

fn value<'a>(metadata: &'a MetadataMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    match metadata.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text.trim())),
        Some(Err(_)) => Err(nonsense(name, "printable ASCII")),
    }
}

fn timezone(name: &str) -> Result<String, Refusal> {
    let known = name.len() <= NAME_MAX_LEN && TimeZone::get(name).is_ok();
    known.then(|| name.to_owned()).ok_or_else(|| nonsense("nexy-timezone", "an IANA time zone"))
}

fn voice(name: &str) -> Result<String, Refusal> {
    let refusal = || nonsense("nexy-voice", "the name of a voice");
    is_voice(name).then(|| name.to_owned()).ok_or_else(refusal)
}

fn speech_rate(text: &str) -> Result<SpeechRate, Refusal> {
    text.parse()
        .ok()
        .and_then(|factor| SpeechRate::new(factor).ok())
        .ok_or_else(|| nonsense("nexy-speech-rate", "a number from 0.5 to 3.0"))
}

fn nonsense(name: &str, allowed: &str) -> Refusal {
    Refusal::invalid(format!("{name} must be {allowed}"))
}

#[cfg(test)]
mod tests;
