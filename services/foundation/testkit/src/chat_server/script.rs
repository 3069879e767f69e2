use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use serde_json::{Value, json};

/// One reply on the wire: status, headers and what follows, step by step.
///
/// The constructors give whole replies; the modifiers make them slow, odd,
/// broken or wrong.
#[derive(Debug, Clone)]
pub struct Script {
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

#[derive(Debug, Clone)]
enum Step {
    Event(Value),
    Raw(Bytes),
    Delay(Duration),
    Hang,
    Reset,
}

// === impl Script ===

impl Script {
    /// A whole reply: the tokens, `stop`, usage of 11 and 7 tokens, `[DONE]`.
    pub fn text<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let tokens = tokens.into_iter().map(|token| delta(json!({ "content": token.into() })));
        Self {
            before: vec![Step::Event(delta(json!({ "role": "assistant", "content": "" })))],
            tokens: tokens.collect(),
            finish: Some("stop"),
            usage: Some((11, 7)),
            is_done_sent: true,
            ..Self::blank(200, "text/event-stream; charset=utf-8")
        }
    }

    /// A refusal with this status, in OpenAI's form. Its message quotes a prompt,
    /// as real ones do.
    #[must_use]
    pub fn status(status: u16, code: &str) -> Self {
        let body = json!({
            "error": { "message": "the prompt was: SECRET", "type": "test_error", "code": code },
        });
        Self {
            after: vec![Step::Raw(body.to_string().into())],
            ..Self::blank(status, "application/json")
        }
    }

    /// One function call, in these fragments of its arguments.
    #[must_use]
    pub fn tool_call(name: &str, fragments: &[&str]) -> Self {
        Self::text::<String>([]).and_tool_call(name, fragments)
    }

    /// A body as it is, called an event stream.
    pub fn raw(body: impl Into<Bytes>) -> Self {
        Self { after: vec![Step::Raw(body.into())], ..Self::blank(200, "text/event-stream") }
    }

    /// One JSON document, as servers answer that ignore `stream`.
    #[must_use]
    pub fn document(text: &str) -> Self {
        let body = json!({
            "object": "chat.completion",
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": text },
                "finish_reason": "stop",
            }],
            "usage": { "prompt_tokens": 11, "completion_tokens": 7 },
        });
        Self {
            after: vec![Step::Raw(body.to_string().into())],
            ..Self::blank(200, "application/json")
        }
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

    /// Adds a function call after the text.
    #[must_use]
    pub fn and_tool_call(mut self, name: &str, fragments: &[&str]) -> Self {
        let started =
            |token: &&Value| !token["choices"][0]["delta"]["tool_calls"][0]["id"].is_null();
        let index = self.tokens.iter().filter(started).count();
        let call = |call: Value| delta(json!({ "tool_calls": [call] }));
        self.tokens.push(call(json!({
            "index": index, "id": format!("call_{index}"), "type": "function",
            "function": { "name": name, "arguments": "" },
        })));
        self.tokens.extend(fragments.iter().map(|fragment| {
            call(json!({ "index": index, "function": { "arguments": fragment } }))
        }));
        self.finish = Some("tool_calls");
        self
    }

    /// Thinks aloud first, in the field that llama.cpp and vLLM use.
    #[must_use]
    pub fn reasoning(mut self, thought: &str) -> Self {
        let thought = delta(json!({ "reasoning_content": thought, "content": null }));
        self.before.push(Step::Event(thought));
        self
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

    /// Leaves `[DONE]` out.
    #[must_use]
    pub fn without_done(mut self) -> Self {
        self.is_done_sent = false;
        self
    }

    /// Gives another reason for the end, e.g. `length`.
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

    /// Sends everything but keeps the connection open after the last token's
    /// finish: no usage, no `[DONE]`.
    #[must_use]
    pub fn hang_after_finish(mut self) -> Self {
        self.usage = None;
        self.is_done_sent = false;
        self.then(Step::Hang)
    }

    /// Reports an error after the tokens.
    #[must_use]
    pub fn error(self, kind: &str, code: impl Into<Value>) -> Self {
        let error = json!({
            "error": { "message": "the prompt was: SECRET", "type": kind, "code": code.into() },
        });
        self.cut().then(Step::Event(error))
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
        }
    }

    fn then(mut self, step: Step) -> Self {
        self.after.push(step);
        self
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
        if let Some(reason) = self.finish {
            let finish =
                json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] });
            self.push(pending, &Step::Event(finish));
        }
        if let Some((input, output)) = self.usage {
            let usage = json!({ "prompt_tokens": input, "completion_tokens": output });
            self.push(pending, &Step::Event(json!({ "choices": [], "usage": usage })));
        }
        for step in &self.after {
            self.push(pending, step);
        }
        if self.is_done_sent {
            self.push_bytes(pending, &self.event("[DONE]"));
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

/// A chunk that carries this delta.
fn delta(delta: Value) -> Value {
    json!({
        "object": "chat.completion.chunk",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": null }],
    })
}
