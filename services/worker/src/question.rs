use bytes::Bytes;
use jiff::tz::TimeZone;
use nexy_types::{HardwareId, Language, SessionId, SpeechRate};

/// One question and who asks it. Holds user words: its `Debug` is not derived.
pub(crate) struct Question {
    pub(crate) device: HardwareId,
    pub(crate) session: SessionId,
    pub(crate) prompt: String,
    /// The image file of the user's screen.
    pub(crate) screenshot: Option<Bytes>,
    pub(crate) listener: Listener,
    /// Whether the assistant may ask the app for actions in this turn.
    pub(crate) actions_enabled: bool,
}

/// How the listener wants to be spoken to, as far as they said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listener {
    pub(crate) language: Option<Language>,
    pub(crate) voice: Option<String>,
    pub(crate) rate: SpeechRate,
    pub(crate) timezone: Option<TimeZone>,
}
