use std::{collections::VecDeque, marker::PhantomData, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;

use super::Format;

/// One reply on the wire: status, headers and what follows, step by step.
///
/// The constructors give whole replies; the modifiers make them slow, odd,
/// broken or wrong.
#[derive(Debug, Clone)]
pub struct Script<F> {
    status: u16,
    headers: HeaderMap,
    before: Vec<Step>,
    tokens: Vec<Value>,
    after: Vec<Step>,
    finish: Option<&'static str>,
    usage: Option<(u32, u32)>,
    is_done_sent: bool,
    header_delay: Duration,
    token_delay: Duration,
    line_end: &'static str,
    chunk_bytes: Option<usize>,
    is_silent: bool,
    /// The tokens are repeated for ever.
    is_endless: bool,
    format: PhantomData<F>,
}

/// What goes on the wire next.
pub(super) enum Frame {
    Bytes(Bytes),
    Delay(Duration),
    Hang,
    Reset,
}

/// The frames of one reply, made as they are needed.
pub(super) struct Frames {
    pending: VecDeque<Frame>,
    repeated: Vec<Bytes>,
    pause: Duration,
}

/// One thing that happens after or before the tokens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Event(Value),
    Raw(Bytes),
    Delay(Duration),
    Hang,
    Reset,
}

// === impl Script ===

impl<F: Format> Script<F> {
    /// A whole reply: the tokens, a good end, usage of 11 and 7 tokens.
    pub fn text<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        Self {
            before: F::opening().map(Step::Event).into_iter().collect(),
            tokens: tokens.into_iter().map(|token| F::words(&token.into())).collect(),
            finish: Some(F::STOP),
            usage: Some((11, 7)),
            is_done_sent: true,
            ..Self::blank(200, "text/event-stream; charset=utf-8")
        }
    }

    /// A body as it is, called an event stream.
    pub fn raw(body: impl Into<Bytes>) -> Self {
        Self { after: vec![Step::Raw(body.into())], ..Self::blank(200, "text/event-stream") }
    }

    /// An event stream that ends at once.
    #[must_use]
    pub fn empty() -> Self {
        Self::blank(200, "text/event-stream")
    }

    /// This token, again and again with this pause, until the client leaves.
    #[must_use]
    pub fn endless(token: &str, pause: Duration) -> Self {
        Self { is_endless: true, ..Self::text([token]).token_delay(pause) }
    }

    /// The request is read and never answered, not even with a status.
    #[must_use]
    pub fn silent() -> Self {
        Self { is_silent: true, ..Self::empty() }
    }

    /// Waits before the first token; the headers are sent at once.
    #[must_use]
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.before.push(Step::Delay(delay));
        self
    }

    /// Waits before the headers.
    #[must_use]
    pub fn delay_headers(mut self, delay: Duration) -> Self {
        self.header_delay = delay;
        self
    }

    /// Waits between two tokens.
    #[must_use]
    pub fn token_delay(mut self, delay: Duration) -> Self {
        self.token_delay = delay;
        self
    }

    /// Cuts the byte stream into pieces of so many bytes.
    #[must_use]
    pub fn chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = Some(bytes.max(1));
        self
    }

    /// Ends lines with CR LF.
    #[must_use]
    pub fn crlf(mut self) -> Self {
        self.line_end = "\r\n";
        self
    }

    /// Leaves the data of the last event out, where the format has one.
    #[must_use]
    pub fn without_done(mut self) -> Self {
        self.is_done_sent = false;
        self
    }

    /// Gives another reason for the end.
    #[must_use]
    pub fn finish(mut self, reason: &'static str) -> Self {
        self.finish = Some(reason);
        self
    }

    /// Counts these tokens, input and output.
    #[must_use]
    pub fn usage(mut self, input: u32, output: u32) -> Self {
        self.usage = Some((input, output));
        self
    }

    /// Leaves the usage out.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// Closes the connection in good order after the tokens, before the model
    /// has finished.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.finish = None;
        self.usage = None;
        self.is_done_sent = false;
        self
    }

    /// Breaks the connection after the tokens.
    #[must_use]
    pub fn reset(self) -> Self {
        self.cut().then(Step::Reset)
    }

    /// Says nothing more after the tokens and keeps the connection open.
    #[must_use]
    pub fn hang(self) -> Self {
        self.cut().then(Step::Hang)
    }

    /// Sends everything but keeps the connection open after the model's finish:
    /// no usage, no last event.
    #[must_use]
    pub fn hang_after_finish(mut self) -> Self {
        self.usage = None;
        self.is_done_sent = false;
        self.then(Step::Hang)
    }

    /// Sets a response header. One that cannot be sent is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Claims another content type.
    #[must_use]
    pub fn content_type(self, value: &str) -> Self {
        self.header(CONTENT_TYPE.as_str(), value)
    }

    /// A JSON document.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::blank(status, "application/json").then(Step::Raw(body.to_string().into()))
    }

    /// Adds events that count as tokens.
    pub(crate) fn and_tokens(mut self, tokens: impl IntoIterator<Item = Value>) -> Self {
        self.tokens.extend(tokens);
        self
    }

    /// The events that count as tokens so far.
    pub(crate) fn tokens(&self) -> &[Value] {
        &self.tokens
    }

    /// Adds a step before the tokens.
    pub(crate) fn first(mut self, step: Step) -> Self {
        self.before.push(step);
        self
    }

    /// Adds a step after the tokens and the model's finish.
    pub(crate) fn then(mut self, step: Step) -> Self {
        self.after.push(step);
        self
    }

    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    pub(super) fn header_delay(&self) -> Duration {
        self.header_delay
    }

    pub(super) fn into_parts(mut self) -> (u16, HeaderMap, Frames) {
        let headers = std::mem::take(&mut self.headers);
        (self.status, headers, self.frames())
    }

    fn blank(status: u16, content_type: &'static str) -> Self {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers: HeaderMap::from_iter([content_type]),
            before: Vec::new(),
            tokens: Vec::new(),
            after: Vec::new(),
            finish: None,
            usage: None,
            is_done_sent: false,
            header_delay: Duration::ZERO,
            token_delay: Duration::ZERO,
            line_end: "\n",
            chunk_bytes: None,
            is_silent: false,
            is_endless: false,
            format: PhantomData,
        }
    }

    fn frames(&self) -> Frames {
        let mut pending = VecDeque::new();
        for step in &self.before {
            self.push(&mut pending, step);
        }
        for (at, token) in self.tokens.iter().enumerate() {
            if at > 0 && !self.token_delay.is_zero() {
                pending.push_back(Frame::Delay(self.token_delay));
            }
            self.push_bytes(&mut pending, &self.event(&token.to_string()));
        }
        let mut repeated = Vec::new();
        if self.is_endless {
            repeated = self.tokens.iter().map(|token| self.event(&token.to_string())).collect();
        } else {
            self.push_ending(&mut pending);
        }
        Frames { pending, repeated, pause: self.token_delay }
    }

    fn push_ending(&self, pending: &mut VecDeque<Frame>) {
        for event in F::ending(self.finish, self.usage) {
            self.push_bytes(pending, &self.event(&event.to_string()));
        }
        for step in &self.after {
            self.push(pending, step);
        }
        if let (true, Some(done)) = (self.is_done_sent, F::DONE) {
            self.push_bytes(pending, &self.event(done));
        }
    }

    fn push(&self, pending: &mut VecDeque<Frame>, step: &Step) {
        match step {
            Step::Event(event) => self.push_bytes(pending, &self.event(&event.to_string())),
            Step::Raw(bytes) => self.push_bytes(pending, bytes),
            Step::Delay(delay) => pending.push_back(Frame::Delay(*delay)),
            Step::Hang => pending.push_back(Frame::Hang),
            Step::Reset => pending.push_back(Frame::Reset),
        }
    }

    fn push_bytes(&self, pending: &mut VecDeque<Frame>, bytes: &Bytes) {
        let size = self.chunk_bytes.unwrap_or(bytes.len()).max(1);
        let pieces = bytes.chunks(size).map(|piece| Frame::Bytes(bytes.slice_ref(piece)));
        pending.extend(pieces);
    }

    fn event(&self, data: &str) -> Bytes {
        let end = self.line_end;
        format!("data: {data}{end}{end}").into()
    }
}

// === impl Frames ===

impl Frames {
    pub(super) fn next(&mut self) -> Option<Frame> {
        if self.pending.is_empty() && !self.repeated.is_empty() {
            self.pending.push_back(Frame::Delay(self.pause));
            self.pending.extend(self.repeated.iter().cloned().map(Frame::Bytes));
        }
        self.pending.pop_front()
    }
}
