use std::{borrow::Cow, fmt, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;
use nexy_types::{BoxFuture, Command, ImageFormat, Language};

use crate::{Error, prompt::SCREEN_WITHHELD};

/// Something that answers a question in text, a piece at a time.
pub trait LanguageModel: Send + Sync {
    /// A fixed lower-case name, as trailers, metrics and traces show it.
    fn name(&self) -> &'static str;

    /// The kinds of image files that it reads, the one to convert to first. None
    /// when it sees no images.
    fn image_formats(&self) -> &[ImageFormat];

    /// Starts a reply. The future is ready once the model has accepted the
    /// request; the words follow in the stream. Dropping either ends the request.
    ///
    /// The model bounds its own waits, for it alone knows what is progress: of a
    /// function call that is still being written no piece has come yet.
    fn reply(&self, request: Arc<ChatRequest>) -> BoxFuture<'static, Result<DeltaStream, Error>>;

    /// Does ahead of a request what it would have to wait for, such as the
    /// handshakes of a connection, at no cost. Nothing is asked.
    ///
    /// # Errors
    /// When the provider cannot be reached in time.
    fn warm_up(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// The pieces of one reply, in order. The last item is [`Delta::Finished`] or an
/// error; a stream that ends otherwise breaks the contract.
pub type DeltaStream = Pin<Box<dyn Stream<Item = Result<Delta, Error>> + Send>>;

/// One piece of a reply. `Debug` shows sizes, never words.
#[derive(Clone, PartialEq, Eq)]
pub enum Delta {
    /// The next words, cut anywhere between two characters. Never empty.
    Text(String),
    /// A native function call, sent once all of its fragments are in.
    ToolCall(ToolCall),
    /// What the reply cost. At most once, before the end.
    Usage(Usage),
    /// The reply is over. Always last.
    Finished(FinishReason),
}

/// A native function call.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The function's name as the model wrote it.
    pub name: String,
    /// Its arguments as the model wrote them: a JSON object if the model kept to
    /// its own format, which nobody has checked yet.
    pub arguments_json: String,
}

/// Tokens, as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt with everything around it.
    pub input_tokens: u32,
    /// Of the reply.
    pub output_tokens: u32,
}

/// Why a reply is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model has said what it had to say.
    Stop,
    /// The token limit cut it short.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
    /// A reason this server does not know.
    Other,
}

/// Everything a model may know of one question. `Debug` shows sizes, never words.
#[derive(Clone)]
pub struct ChatRequest {
    /// The system prompt, see [`crate::Prompt`]. Empty is none.
    pub system: String,
    /// Earlier exchanges of the conversation, oldest first.
    pub history: Vec<Exchange>,
    /// What the user says now.
    pub prompt: String,
    /// The user's screen.
    pub screen: Screen,
    /// The commands that are on. Empty means that none may be asked for.
    pub commands: Vec<Command>,
    /// The language to answer in when the prompt itself does not tell.
    pub language: Language,
    /// Now, in the user's time zone.
    pub now: jiff::Zoned,
    /// The request comes to the offline assistant only because every other
    /// model is out.
    pub outages: bool,
}

/// One question and its answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The user's words.
    pub user: String,
    /// The assistant's words.
    pub assistant: String,
}

/// What a model gets of the user's screen. `Debug` shows sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Screen {
    /// The user sent no screenshot.
    #[default]
    NotSent,
    /// The screenshot.
    Shown(Image),
    /// The user sent a screenshot, and the model does not get it: it cannot be
    /// read, or the model sees no images. The model has to know, or it would say
    /// that there is none, or make one up.
    Withheld,
}

/// An image file.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// One that the model reads.
    pub format: ImageFormat,
    /// The file's bytes, not encoded.
    pub data: Bytes,
}

// === impl Delta ===

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::ToolCall(call) => call.fmt(f),
            Self::Usage(usage) => usage.fmt(f),
            Self::Finished(reason) => write!(f, "Finished({reason:?})"),
        }
    }
}

// === impl ToolCall ===

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolCall({} bytes)", self.arguments_json.len())
    }
}

// === impl FinishReason ===

impl FinishReason {
    /// The name in traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::Other => "other",
        }
    }
}

// === impl ChatRequest ===

impl ChatRequest {
    /// The system prompt as it is sent: with a word about a screen that is not.
    pub(crate) fn instructions(&self) -> Cow<'_, str> {
        match self.screen {
            Screen::NotSent | Screen::Shown(_) => Cow::Borrowed(&self.system),
            Screen::Withheld => Cow::Owned(format!("{}{SCREEN_WITHHELD}", self.system)),
        }
    }
}

impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest")
            .field("history", &self.history.len())
            .field("prompt_bytes", &self.prompt.len())
            .field("screen", &self.screen)
            .field("commands", &self.commands.len())
            .field("language", &self.language)
            .field("outages", &self.outages)
            .finish_non_exhaustive()
    }
}

// === impl Exchange ===

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({} and {} bytes)", self.user.len(), self.assistant.len())
    }
}

// === impl Screen ===

impl Screen {
    /// The screenshot, if the model gets it.
    #[must_use]
    pub const fn image(&self) -> Option<&Image> {
        match self {
            Self::Shown(image) => Some(image),
            Self::NotSent | Self::Withheld => None,
        }
    }
}

// === impl Image ===

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.data.len())
    }
}
