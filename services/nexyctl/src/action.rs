use nexy_proto::streaming::ActionMessage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something the assistant asks the app to do, in either transport.
///
/// Holds the user's words: no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Action {
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) args: Map<String, Value>,
}

/// A text chunk, read.
pub(crate) enum Chunk {
    /// Text for display.
    Text(String),
    /// An action in the prefix transport.
    Action(Action),
    /// An action that cannot be read.
    Malformed,
}

/// What marks a text chunk as an action (Docs/PROTOCOL.md, "Actions").
const PREFIX: &str = "__MCP__";
/// The only event of the prefix transport.
const COMMAND_REQUEST: &str = "mcp.command_request";

/// The JSON behind the prefix.
#[derive(Deserialize)]
struct Envelope {
    event: String,
    payload: Action,
}

// === impl Chunk ===

impl Chunk {
    /// Tells text and action apart.
    pub(crate) fn read(chunk: String) -> Self {
        let Some(json) = chunk.strip_prefix(PREFIX) else { return Self::Text(chunk) };
        match serde_json::from_str::<Envelope>(json) {
            Ok(envelope) if envelope.event == COMMAND_REQUEST => Self::Action(envelope.payload),
            Ok(_) | Err(_) => Self::Malformed,
        }
    }

    /// The other transport: a message of its own.
    pub(crate) fn of_message(message: &ActionMessage) -> Self {
        serde_json::from_str(&message.action_json).map_or(Self::Malformed, Self::Action)
    }
}

// === impl Action ===

impl Action {
    /// The arguments as people read them: strings bare, the rest as JSON.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (&str, String)> {
        self.args.iter().map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name.as_str(), text)
        })
    }
}

#[cfg(test)]
mod tests;
