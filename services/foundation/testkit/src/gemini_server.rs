//! A local server that speaks Gemini's `streamGenerateContent` wire format.
//!
//! How scripts are chosen and played: [`crate::model_server`]. What the real
//! service would refuse at its door is refused with the real error body: another
//! method or framing, and a request without a key.
//!
//! Source of the format: <https://ai.google.dev/api/generate-content>; of the
//! error details: <https://cloud.google.com/apis/design/errors>.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::model_server::{self, Format, ModelServer, Step};

pub use crate::model_server::Recorded;

const METHOD: &str = ":streamGenerateContent";
const KEY: &str = "x-goog-api-key";

/// A running server.
pub type GeminiServer = ModelServer<Gemini>;

/// What a server plays and what it has seen. Clones share both.
pub type GeminiState = model_server::State<Gemini>;

/// One reply on the wire; a whole one ends with `STOP` and usage.
pub type Script = model_server::Script<Gemini>;

/// Gemini's `generateContent`, streamed.
#[derive(Debug, Clone)]
pub struct Gemini;

/// An error object, as a body of its own and in the middle of a reply.
#[derive(Debug, Clone)]
pub struct GoogleError {
    code: u16,
    status: String,
    message: String,
    details: Vec<Value>,
    is_in_array: bool,
}

// === impl Gemini ===

impl Format for Gemini {
    const BASE_PATH: &'static str = "";
    const STOP: &'static str = "STOP";
    const DONE: Option<&'static str> = None;

    fn routes(state: GeminiState) -> Router {
        router(state)
    }

    fn prompt(body: &Value) -> &str {
        let parts = body["contents"].as_array().and_then(|all| all.last()?["parts"].as_array());
        let text =
            parts.and_then(|parts| parts.iter().rev().find_map(|part| part["text"].as_str()));
        text.unwrap_or_default()
    }

    fn opening() -> Option<Value> {
        None
    }

    fn words(text: &str) -> Value {
        part(json!({ "text": text }))
    }

    /// About a third of what is written counts as thoughts, as it does with
    /// models that think.
    fn ending(finish: Option<&str>, usage: Option<(u32, u32)>) -> Vec<Value> {
        let Some(reason) = finish else { return Vec::new() };
        let mut event = part(json!({ "text": "" }));
        event["candidates"][0]["finishReason"] = reason.into();
        if let Some((input, output)) = usage {
            let thoughts = output / 3;
            event["usageMetadata"] = json!({
                "promptTokenCount": input,
                "candidatesTokenCount": output - thoughts,
                "thoughtsTokenCount": thoughts,
                "totalTokenCount": input + output,
            });
        }
        vec![event]
    }
}

// === impl Script ===

impl Script {
    /// A refusal with this status, whose name is one of `google.rpc.Code`. Its
    /// message quotes a prompt, as real ones do.
    #[must_use]
    pub fn status(status: u16, name: &str) -> Self {
        Self::refusal(&GoogleError::new(status, name))
    }

    /// A refusal in full.
    #[must_use]
    pub fn refusal(error: &GoogleError) -> Self {
        Self::json(error.code, &error.body())
    }

    /// What a wrong key is answered.
    #[must_use]
    pub fn invalid_key() -> Self {
        let error = GoogleError::new(400, "INVALID_ARGUMENT")
            .message("API key not valid. Please pass a valid API key.")
            .reason("API_KEY_INVALID");
        Self::refusal(&error)
    }

    /// One function call.
    #[must_use]
    pub fn tool_call(name: &str, arguments: Value) -> Self {
        Self::text::<String>([]).and_tool_call(name, arguments)
    }

    /// A prompt that the provider does not answer.
    #[must_use]
    pub fn blocked(reason: &str) -> Self {
        let event = json!({
            "promptFeedback": { "blockReason": reason },
            "usageMetadata": { "promptTokenCount": 11, "totalTokenCount": 11 },
            "modelVersion": "test-model",
        });
        Self::empty().then(Step::Event(event))
    }

    /// One JSON array, as the service answers when nobody asks for events.
    #[must_use]
    pub fn document(text: &str) -> Self {
        let chunks: Vec<Value> = [Gemini::words(text)]
            .into_iter()
            .chain(Gemini::ending(Some(Gemini::STOP), Some((11, 7))))
            .collect();
        Self::json(200, &chunks.into())
    }

    /// Adds a function call after the text.
    #[must_use]
    pub fn and_tool_call(self, name: &str, arguments: Value) -> Self {
        let call = json!({ "functionCall": { "name": name, "args": arguments } });
        self.and_tokens([part(call)])
    }

    /// Thinks aloud first.
    #[must_use]
    pub fn thought(self, thought: &str) -> Self {
        let thought = json!({ "text": thought, "thought": true, "thoughtSignature": "c2ln" });
        self.first(Step::Event(part(thought)))
    }

    /// Reports an error after the tokens, as an event.
    #[must_use]
    pub fn error(self, error: &GoogleError) -> Self {
        self.cut().then(Step::Event(error.body()))
    }

    /// Reports an error after the tokens, as JSON that is not an event.
    #[must_use]
    pub fn bare_error(self, error: &GoogleError) -> Self {
        self.cut().then(Step::Raw(format!("{}\n", error.body()).into()))
    }

    /// The same in many lines, as the service prints it; then says nothing more
    /// and keeps the connection open.
    #[must_use]
    pub fn bare_error_and_hang(self, error: &GoogleError) -> Self {
        let lines = format!("{:#}", error.body());
        self.cut().then(Step::Raw(lines.into())).then(Step::Hang)
    }
}

// === impl GoogleError ===

impl GoogleError {
    /// An error without details. Its message quotes a prompt, as real ones do.
    #[must_use]
    pub fn new(code: u16, status: &str) -> Self {
        Self {
            code,
            status: status.to_owned(),
            message: "the prompt was: SECRET".to_owned(),
            details: Vec::new(),
            is_in_array: false,
        }
    }

    /// Says something else.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// Adds `ErrorInfo` with this reason.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        self.detail("ErrorInfo", json!({ "reason": reason, "domain": "googleapis.com" }))
    }

    /// Adds `RetryInfo`, e.g. with `34.07s`.
    #[must_use]
    pub fn retry_delay(self, delay: &str) -> Self {
        self.detail("RetryInfo", json!({ "retryDelay": delay }))
    }

    /// Adds `QuotaFailure` with this quota.
    #[must_use]
    pub fn quota(self, quota_id: &str) -> Self {
        self.detail("QuotaFailure", json!({ "violations": [{ "quotaId": quota_id }] }))
    }

    /// Comes in an array of one element.
    #[must_use]
    pub fn in_array(mut self) -> Self {
        self.is_in_array = true;
        self
    }

    fn detail(mut self, kind: &str, mut detail: Value) -> Self {
        detail["@type"] = format!("type.googleapis.com/google.rpc.{kind}").into();
        self.details.push(detail);
        self
    }

    fn body(&self) -> Value {
        let mut error =
            json!({ "code": self.code, "message": self.message, "status": self.status });
        if !self.details.is_empty() {
            error["details"] = self.details.clone().into();
        }
        let body = json!({ "error": error });
        if self.is_in_array { json!([body]) } else { body }
    }
}

/// The endpoint, from the root.
pub fn router(state: GeminiState) -> Router {
    Router::new()
        .route("/v1beta/models/{call}", post(generate))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn generate(
    State(state): State<GeminiState>,
    Path(call): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let refusal = if !call.ends_with(METHOD) || uri.query() != Some("alt=sse") {
        Some(Script::status(404, "NOT_FOUND"))
    } else if !headers.contains_key(KEY) {
        Some(Script::status(403, "PERMISSION_DENIED"))
    } else {
        None
    };
    match refusal {
        Some(refusal) => state.refuse((uri, headers, &body), refusal).await,
        None => state.answer(uri, headers, &body).await,
    }
}

/// A chunk that carries this part.
fn part(part: Value) -> Value {
    json!({
        "candidates": [{ "content": { "parts": [part], "role": "model" }, "index": 0 }],
        "modelVersion": "test-model",
        "responseId": "test-response",
    })
}
