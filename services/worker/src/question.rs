use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use nexy_assistant_response::Action;
use nexy_types::{HardwareId, Language, SessionId, SpeechRate};

/// One question and who asks it. Holds user words: its `Debug` is not derived.
pub(crate) struct Question {
    pub(crate) device: HardwareId,
    pub(crate) session: SessionId,
    pub(crate) prompt: String,
    /// The image file of the user's screen.
    pub(crate) screenshot: Option<Bytes>,
    /// Width and height of that screen in pixels, if the client said.
    pub(crate) screen: Option<(u32, u32)>,
    pub(crate) listener: Listener,
    /// Whether the assistant may ask the app for actions in this turn.
    pub(crate) actions_enabled: bool,
    /// What the user was asked to agree to just before.
    pub(crate) waiting: Option<Action>,
    /// What is left of the turn's time for models, if another worker has used
    /// some of it.
    pub(crate) budget: Option<Duration>,
}

/// How the listener wants to be spoken to, as far as they said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listener {
    pub(crate) language: Option<Language>,
    pub(crate) voice: Option<String>,
    pub(crate) rate: SpeechRate,
    pub(crate) timezone: Option<TimeZone>,
}

// === impl Question ===

impl Question {
    /// The language to answer in when nothing else tells. A question that begins
    /// in Russian is Russian, whatever names are in it.
    pub(crate) fn language(&self) -> Language {
        self.listener.language.clone().unwrap_or_else(|| Language::to_say(&self.prompt, None))
    }
}
