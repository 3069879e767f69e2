//! How a question is taken in, answered and delivered.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::Feature;

/// How much one gateway takes on, and when it lets go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backpressure {
    /// Streams open at the same time.
    pub max_concurrent_streams: usize,
    /// Incoming messages per second on one stream; 0 turns the limit off.
    pub max_message_rate_per_second: u32,
    /// How long nothing may move on a stream.
    pub idle_timeout: Duration,
    /// Added to the idle time-out before the stream is closed.
    pub grace_period: Duration,
    /// How long collected partial text waits for its COMMIT.
    pub collect_ttl: Duration,
    /// Sessions whose partial text is kept.
    pub collect_max_entries: usize,
    /// Bytes of partial text and screenshots kept, all sessions together.
    pub collect_max_bytes: usize,
    /// How long an interrupt waits for its turns to fall silent.
    pub interrupt_timeout: Duration,
}

/// Things that can be ramped up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// The answering pipeline.
    pub use_module_coordinator: Feature,
    /// Memory and actions.
    pub use_workflow_integrations: Feature,
    /// Fail-over from one provider to the next.
    pub use_fallback_manager: Feature,
    /// Sending actions to clients.
    pub forward_assistant_actions: Feature,
}

/// Things that can be turned off at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KillSwitches {
    /// Stops the answering pipeline.
    pub disable_module_coordinator: bool,
    /// Leaves out memory and actions.
    pub disable_workflow_integrations: bool,
    /// Sends no actions to clients.
    pub disable_forward_assistant_actions: bool,
}

/// How a reply is cut into segments and spoken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Wait before a short spoken "one moment"; zero turns it off.
    pub bridge_after: Duration,
    /// What is said then, in English.
    pub bridge_en: String,
    /// What is said then, in Russian.
    pub bridge_ru: String,
    /// Shortest segment, in characters.
    pub stream_min_chars: usize,
    /// Shortest segment, in words.
    pub stream_min_words: usize,
    /// Shortest first segment, in words.
    pub stream_first_sentence_min_words: usize,
    /// Length in characters at which a segment is cut without a sentence end;
    /// 0 turns it off.
    pub force_flush_max_chars: usize,
    /// Whether a second session of a device is refused while one is running.
    pub prevent_concurrent_hardware_id_sessions: bool,
    /// Segments synthesised ahead of the one being delivered.
    pub look_ahead_segments: usize,
}

/// The audio that clients receive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, 1 or 2.
    pub channels: u32,
    /// Sample format: `int16`, signed 16-bit little-endian.
    pub format: String,
    /// Largest audio chunk in bytes: whole samples, at most 4096.
    pub streaming_chunk_size: usize,
}

/// Actions of the assistant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actions {
    /// How they travel unless the client asks for another way.
    pub transport: ActionsTransport,
    /// File with the catalogue of commands; `None` is the one that is compiled in.
    pub catalogue: Option<PathBuf>,
    /// How long the user's yes is waited for.
    pub confirm_within: Duration,
    /// Devices whose yes is waited for at the same time.
    pub confirm_max_devices: usize,
    /// Longest arguments that the user is asked about, in bytes of JSON.
    pub confirm_max_bytes: usize,
    /// How the user is asked in English; not blank.
    pub confirm_en: String,
    /// How the user is asked in Russian; not blank.
    pub confirm_ru: String,
    /// What is said with an action of a reply without words; not blank.
    pub doing_en: String,
    /// The same in Russian; not blank.
    pub doing_ru: String,
    /// What is said in place of a reply that only asked for what cannot be done;
    /// not blank.
    pub cannot_en: String,
    /// The same in Russian; not blank.
    pub cannot_ru: String,
}

/// How an action travels to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionsTransport {
    /// Inside a text chunk, behind `__MCP__`.
    McpPrefix,
    /// As `ActionMessage`.
    ActionMessage,
}

/// Limits on what a client may send.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Longest prompt, in characters.
    pub max_prompt_chars: usize,
    /// Largest screenshot, in decoded bytes.
    pub max_screenshot_bytes: usize,
}
