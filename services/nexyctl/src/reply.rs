use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use nexy_proto::streaming::{
    StreamRequest, StreamResponse, stream_response::Content,
    streaming_service_client::StreamingServiceClient,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::StreamExt as _;
use tonic::{Request, Status, Streaming, metadata::MetadataMap, transport::Channel};

use crate::{
    action::{Action, Chunk},
    failure::Failure,
};

/// One thing that happens in a reply. Holds the user's words: no `Debug`.
pub(crate) enum Event {
    /// One segment of the text.
    Text(String),
    Audio(AudioFrame),
    Action(Action),
    /// Something was sent that cannot be read; what.
    Unreadable(&'static str),
    /// Progress of a browser task, in words.
    Browser(String),
    /// The reply is complete.
    End,
    /// What went wrong, in the server's words; the status follows.
    ErrorText(String),
    /// The stream ended with status OK.
    Closed(Trailers),
    /// The stream ended with another status, or broke.
    Failed(Failure, Trailers),
}

/// An event and when it came, counted from the moment the question was sent.
pub(crate) struct Timed {
    pub(crate) at: Duration,
    pub(crate) event: Event,
}

/// PCM as it was sent: signed 16-bit little-endian.
#[derive(Clone)]
pub(crate) struct AudioFrame {
    pub(crate) data: Bytes,
    pub(crate) format: AudioFormat,
}

/// What the label of a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioFormat {
    /// Hz.
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// `int16` in all that the contract allows.
    pub(crate) dtype: String,
}

/// What the server says about the turn once it is over: metadata whose names
/// begin with `nexy-`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct Trailers(pub(crate) BTreeMap<String, String>);

/// Bytes of one sample.
const SAMPLE_BYTES: usize = 2;

/// Asks one question and reports what comes, up to and including the end.
///
/// Sound and text wait in `events` when nobody takes them, and the server waits
/// with them. Dropping the future cancels the call.
pub(crate) async fn read(
    client: StreamingServiceClient<Channel>,
    request: Request<StreamRequest>,
    silence: Duration,
    events: mpsc::Sender<Timed>,
) {
    let clock = Clock { started: Instant::now(), events };
    let last = match follow(client, request, silence, &clock).await {
        Ok(trailers) => Event::Closed(trailers),
        Err(status) => Event::Failed(Failure::of_status(&status), Trailers::of(status.metadata())),
    };
    clock.report(last).await;
}

async fn follow(
    mut client: StreamingServiceClient<Channel>,
    request: Request<StreamRequest>,
    silence: Duration,
    clock: &Clock,
) -> Result<Trailers, Status> {
    let (metadata, extensions, question) = request.into_parts();
    let request = Request::from_parts(metadata, extensions, tokio_stream::once(question));
    let opened = within(silence, client.stream_audio(request)).await??;
    let mut stream: Streaming<StreamResponse> = opened.into_inner();
    while let Some(message) = within(silence, stream.next()).await? {
        if let Some(event) = message?.content.and_then(event_of)
            && !clock.report(event).await
        {
            // Nobody listens any more: dropping the stream cancels the call.
            return Err(Status::cancelled("the reply was abandoned"));
        }
    }
    let trailers = within(silence, stream.trailers()).await??;
    Ok(trailers.as_ref().map(Trailers::of).unwrap_or_default())
}

async fn within<T>(silence: Duration, waiting: impl Future<Output = T>) -> Result<T, Status> {
    tokio::time::timeout(silence, waiting).await.map_err(|_| {
        Status::deadline_exceeded(format!("nothing came for {} s", silence.as_secs_f64()))
    })
}

fn event_of(content: Content) -> Option<Event> {
    Some(match content {
        Content::TextChunk(chunk) => match Chunk::read(chunk) {
            Chunk::Text(text) => Event::Text(text),
            Chunk::Action(action) => Event::Action(action),
            Chunk::Malformed => Event::Unreadable("an action"),
        },
        Content::ActionMessage(message) => match Chunk::of_message(&message) {
            Chunk::Action(action) => Event::Action(action),
            Chunk::Text(_) | Chunk::Malformed => Event::Unreadable("an action"),
        },
        Content::AudioChunk(chunk) => {
            let (Ok(sample_rate), Ok(channels)) =
                (u32::try_from(chunk.sample_rate), u16::try_from(chunk.channels))
            else {
                return Some(Event::Unreadable("sound"));
            };
            let format = AudioFormat { sample_rate, channels, dtype: chunk.dtype };
            Event::Audio(AudioFrame { data: chunk.audio_data, format })
        }
        Content::EndMessage(_) => Event::End,
        Content::ErrorMessage(text) => Event::ErrorText(text),
        Content::BrowserProgress(progress) => Event::Browser(
            progress.error.or(progress.description).or(progress.action).unwrap_or_default(),
        ),
        // Comes only when it is asked for.
        Content::TurnEvent(_) => return None,
    })
}

// === impl AudioFrame ===

impl AudioFrame {
    /// How long the frame sounds.
    pub(crate) fn duration(&self) -> Duration {
        let format = &self.format;
        let samples = self.data.len() / SAMPLE_BYTES / usize::from(format.channels.max(1));
        let nanos = samples as u128 * 1_000_000_000 / u128::from(format.sample_rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Whether the bytes are what this program can save and play.
    pub(crate) fn is_playable(&self) -> bool {
        self.format.dtype == "int16" && self.format.sample_rate > 0 && self.format.channels > 0
    }

    /// The samples, channels interleaved; half a sample at the end is left out.
    pub(crate) fn samples(&self) -> impl Iterator<Item = i16> {
        self.data.as_chunks::<SAMPLE_BYTES>().0.iter().map(|pair| i16::from_le_bytes(*pair))
    }
}

// === impl Trailers ===

impl Trailers {
    fn of(metadata: &MetadataMap) -> Self {
        let pairs = metadata.iter().filter_map(|entry| match entry {
            tonic::metadata::KeyAndValueRef::Ascii(key, value) => {
                let value = value.to_str().ok()?;
                key.as_str().starts_with("nexy-").then(|| (key.to_string(), value.to_owned()))
            }
            tonic::metadata::KeyAndValueRef::Binary(..) => None,
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

// === Clock ===

/// Stamps events with the time since the question.
struct Clock {
    started: Instant,
    events: mpsc::Sender<Timed>,
}

impl Clock {
    /// False when nobody listens any more.
    async fn report(&self, event: Event) -> bool {
        let at = self.started.elapsed();
        self.events.send(Timed { at, event }).await.is_ok()
    }
}
