use std::fmt;

use serde_json::{Map, Value};

/// One thing a reply holds. The parts come in the order of the reply.
#[derive(Clone, PartialEq)]
pub enum Part {
    /// Text to show and to say. All of a reply's speech, concatenated, is its
    /// text; a part may end anywhere, also inside a word.
    Speech(String),
    /// What the assistant asks the app to do. At most one in a reply.
    Action(ActionRequest),
    /// Something in the reply was not as it should be, for the decision log.
    Warning(Warning),
}

/// An action as the model wrote it. [`Catalogue::check`] says whether it may
/// be forwarded.
///
/// [`Catalogue::check`]: crate::Catalogue::check
#[derive(Clone, PartialEq)]
pub struct ActionRequest {
    /// The command, as written.
    pub command: String,
    /// Its arguments, unchanged. Numbers are as exact as `serde_json` keeps
    /// them: integers of 64 bits are exact, any other number is an `f64`.
    pub args: Map<String, Value>,
}

/// What was wrong with a reply. Holds nothing of what the model wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// A reply object has no `text`, or one that is not a string.
    TextMissing,
    /// A reply object ends before its last brace; its action is dropped.
    ObjectCutOff,
    /// A reply object is not JSON; its action is dropped.
    ObjectInvalid,
    /// A reply object is larger or deeper than any real one; its action is
    /// dropped.
    ObjectTooLarge,
    /// The command or the arguments are of the wrong JSON type; the action is
    /// dropped.
    ActionMalformed,
    /// The reply asks for more than one action; all but the first are dropped.
    ActionRepeated,
}

// === impl Part ===

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speech(text) => write!(f, "Speech({} bytes)", text.len()),
            Self::Action(request) => request.fmt(f),
            Self::Warning(warning) => write!(f, "Warning({warning:?})"),
        }
    }
}

// === impl ActionRequest ===

impl fmt::Debug for ActionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionRequest({} args)", self.args.len())
    }
}

// === impl Warning ===

impl Warning {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextMissing => "text_missing",
            Self::ObjectCutOff => "object_cut_off",
            Self::ObjectInvalid => "object_invalid",
            Self::ObjectTooLarge => "object_too_large",
            Self::ActionMalformed => "action_malformed",
            Self::ActionRepeated => "action_repeated",
        }
    }
}
