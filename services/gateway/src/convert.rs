//! The border between the public messages, the internal ones, and our types.

use bytes::Bytes;
use nexy_config::{ActionsTransport, Settings};
use nexy_proto::{
    streaming::{
        ActionMessage, AudioChunk, StreamResponse, TurnEvent, stream_response::Content, turn_event,
    },
    worker as pb,
};
use nexy_types::{ACTION_MARK, SessionId, TurnNumber};
use serde_json::json;

use crate::{options::Options, screenshot::Screenshot, validate::Incoming};

/// How samples are written: signed 16-bit little-endian.
pub(crate) const DTYPE: &str = "int16";

/// A question, ready for a worker.
pub(crate) struct Question<'a> {
    pub(crate) turn: TurnNumber,
    pub(crate) incoming: &'a Incoming,
    pub(crate) prompt: String,
    pub(crate) screenshot: Option<Screenshot>,
    pub(crate) options: &'a Options,
    pub(crate) actions_enabled: bool,
    /// What the user was asked to agree to just before.
    pub(crate) waiting: Option<pb::Action>,
}

pub(crate) fn respond_request(question: Question<'_>) -> pb::RespondRequest {
    let Question { turn, incoming, prompt, screenshot, options, actions_enabled, waiting } =
        question;
    let (screen_width, screen_height) = incoming.screen;
    pb::RespondRequest {
        turn: turn.0,
        hardware_id: incoming.device.as_str().to_owned(),
        session_id: incoming.session.as_str().to_owned(),
        prompt,
        screenshot: screenshot.map(|Screenshot { format, data }| pb::Screenshot {
            data,
            mime: format.mime().to_owned(),
            screen_width,
            screen_height,
        }),
        listener: Some(pb::Listener {
            language: options.language.as_ref().map(ToString::to_string).unwrap_or_default(),
            voice: options.voice.clone().unwrap_or_default(),
            speech_rate: options.speech_rate.map(|rate| rate.factor()).unwrap_or_default(),
            timezone: options.timezone.clone().unwrap_or_default(),
        }),
        actions_enabled,
        waiting,
        // Whoever sends it knows what is left.
        budget_ms: 0,
    }
}

pub(crate) fn response(content: Content) -> StreamResponse {
    StreamResponse { content: Some(content) }
}

/// The format that the settings promise, until a worker says otherwise.
pub(crate) fn promised_format(settings: &Settings) -> pb::AudioFormat {
    pb::AudioFormat { sample_rate: settings.audio.sample_rate, channels: settings.audio.channels }
}

pub(crate) fn audio_chunk(pcm: Bytes, format: pb::AudioFormat) -> AudioChunk {
    AudioChunk {
        audio_data: pcm,
        dtype: DTYPE.to_owned(),
        shape: Vec::new(),
        sample_rate: signed(format.sample_rate),
        channels: signed(format.channels),
    }
}

/// An action over a transport. The arguments are the model's own JSON.
pub(crate) fn action(
    action: &pb::Action,
    session: &SessionId,
    transport: ActionsTransport,
) -> Content {
    let args: serde_json::Value = serde_json::from_str(&action.args_json).unwrap_or_default();
    let payload =
        json!({ "session_id": session.as_str(), "command": action.command, "args": args });
    match transport {
        ActionsTransport::McpPrefix => {
            let event = json!({ "event": "mcp.command_request", "payload": payload });
            Content::TextChunk(format!("{ACTION_MARK}{event}"))
        }
        ActionsTransport::ActionMessage => Content::ActionMessage(ActionMessage {
            action_json: payload.to_string(),
            session_id: session.as_str().to_owned(),
            feature_id: None,
        }),
    }
}

/// The configured name of a transport.
pub(crate) const fn transport_name(transport: ActionsTransport) -> &'static str {
    match transport {
        ActionsTransport::McpPrefix => "mcp_prefix",
        ActionsTransport::ActionMessage => "action_message",
    }
}

pub(crate) fn turn_event(turn: u32, kind: turn_event::Kind, reason: &str) -> StreamResponse {
    let event = TurnEvent { turn, kind: kind.into(), reason: reason.to_owned() };
    response(Content::TurnEvent(event))
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
