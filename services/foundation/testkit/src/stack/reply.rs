use std::time::{Duration, Instant};

use bytes::Bytes;
use nexy_proto::streaming::{
    AudioChunk, StreamRequest, StreamResponse, TurnEvent, stream_response::Content,
    streaming_service_client::StreamingServiceClient,
};
use tonic::{Code, Request, Status, Streaming, metadata::MetadataMap, transport::Channel};

/// Marks a text chunk that carries an action.
const MCP_PREFIX: &str = "__MCP__";

/// Everything that one call answered.
#[derive(Debug, Default)]
pub struct Reply {
    /// The text segments, in order.
    pub texts: Vec<String>,
    /// The audio chunks, in order.
    pub chunks: Vec<AudioChunk>,
    /// The actions, over either transport.
    pub actions: Vec<Action>,
    /// The end messages: one for each turn.
    pub ends: Vec<String>,
    /// The error messages.
    pub errors: Vec<String>,
    /// The turn events, for those who asked.
    pub events: Vec<TurnEvent>,
    /// The last status; `None` for OK.
    pub status: Option<Status>,
    /// The trailers.
    pub trailers: MetadataMap,
    /// What came in which order; many audio chunks in a row stand once.
    pub outline: Vec<String>,
    /// From the request to the first text.
    pub first_text: Option<Duration>,
    /// From the request to the first audio.
    pub first_audio: Option<Duration>,
}

/// An action as the client got it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The JSON behind the prefix.
    McpPrefix(serde_json::Value),
    /// The JSON of an `ActionMessage`.
    Message(serde_json::Value),
}

// === impl Reply ===

impl Reply {
    /// Asks one question as a shipped client does: one message, half-closed.
    ///
    /// # Errors
    /// When the call cannot be made at all.
    pub async fn of(
        client: &mut StreamingServiceClient<Channel>,
        question: StreamRequest,
    ) -> anyhow::Result<Self> {
        Self::of_request(client, Request::new(tokio_stream::once(question))).await
    }

    /// Makes a call with metadata of one's own.
    ///
    /// # Errors
    /// When the call cannot be made at all.
    pub async fn of_request<S>(
        client: &mut StreamingServiceClient<Channel>,
        request: Request<S>,
    ) -> anyhow::Result<Self>
    where
        S: tokio_stream::Stream<Item = StreamRequest> + Send + 'static,
    {
        let began = Instant::now();
        match client.stream_audio(request).await {
            Ok(response) => Ok(Self::collect(response.into_inner(), began).await),
            Err(status) => Ok(Self {
                trailers: status.metadata().clone(),
                status: Some(status),
                ..Self::default()
            }),
        }
    }

    /// Reads a response stream to its end.
    pub async fn collect(mut stream: Streaming<StreamResponse>, began: Instant) -> Self {
        let mut reply = Self::default();
        loop {
            match stream.message().await {
                Ok(Some(message)) => reply.take(message, began),
                Ok(None) => {
                    if let Ok(Some(trailers)) = stream.trailers().await {
                        reply.trailers = trailers;
                    }
                    return reply;
                }
                Err(status) => {
                    reply.trailers = status.metadata().clone();
                    reply.status = Some(status);
                    return reply;
                }
            }
        }
    }

    /// Files one message.
    pub fn take(&mut self, message: StreamResponse, began: Instant) {
        let item = item(&message);
        if item != "audio" || self.outline.last().is_none_or(|last| *last != item) {
            self.outline.push(item);
        }
        match message.content {
            Some(Content::TextChunk(text)) => match text.strip_prefix(MCP_PREFIX) {
                Some(json) => self.actions.push(Action::McpPrefix(parsed(json))),
                None => {
                    self.first_text.get_or_insert_with(|| began.elapsed());
                    self.texts.push(text);
                }
            },
            Some(Content::AudioChunk(chunk)) => {
                self.first_audio.get_or_insert_with(|| began.elapsed());
                self.chunks.push(chunk);
            }
            Some(Content::EndMessage(end)) => self.ends.push(end),
            Some(Content::ErrorMessage(error)) => self.errors.push(error),
            Some(Content::ActionMessage(action)) => {
                self.actions.push(Action::Message(parsed(&action.action_json)));
            }
            Some(Content::TurnEvent(event)) => self.events.push(event),
            Some(Content::BrowserProgress(_)) | None => {}
        }
    }

    /// The text of the reply.
    #[must_use]
    pub fn text(&self) -> String {
        self.texts.join(" ")
    }

    /// The audio of the reply, in seconds.
    #[must_use]
    pub fn audio_seconds(&self) -> f64 {
        let seconds = |chunk: &AudioChunk| {
            let samples = chunk.audio_data.len() / 2;
            samples as f64 / f64::from(chunk.sample_rate.max(1))
        };
        self.chunks.iter().map(seconds).sum()
    }

    /// All PCM in one row.
    #[must_use]
    pub fn pcm(&self) -> Bytes {
        self.chunks.iter().flat_map(|chunk| chunk.audio_data.iter().copied()).collect()
    }

    /// Whether the reply is proved whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ends.len() == 1 && self.status.is_none()
    }

    /// The code of the last status.
    #[must_use]
    pub fn code(&self) -> Code {
        self.status.as_ref().map_or(Code::Ok, Status::code)
    }

    /// One trailer as text, or nothing.
    #[must_use]
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.get(name)?.to_str().ok()
    }
}

fn item(message: &StreamResponse) -> String {
    match &message.content {
        Some(Content::TextChunk(text)) if text.starts_with(MCP_PREFIX) => "action".to_owned(),
        Some(Content::TextChunk(_)) => "text".to_owned(),
        Some(Content::AudioChunk(_)) => "audio".to_owned(),
        Some(Content::EndMessage(_)) => "end".to_owned(),
        Some(Content::ErrorMessage(_)) => "error".to_owned(),
        Some(Content::ActionMessage(_)) => "action".to_owned(),
        Some(Content::BrowserProgress(_)) => "progress".to_owned(),
        Some(Content::TurnEvent(event)) => {
            format!("{} {}", event.kind().as_str_name().to_lowercase(), event.turn)
        }
        None => "nothing".to_owned(),
    }
}

fn parsed(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap_or(serde_json::Value::Null)
}
