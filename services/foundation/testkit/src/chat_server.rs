//! A local server that speaks the OpenAI chat-completions wire format.
//!
//! How scripts are chosen and played: [`crate::model_server`].

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::model_server::{self, Format, ModelServer, Step};

pub use crate::model_server::Recorded;

/// A running server. Its base URL includes `/v1`.
pub type ChatServer = ModelServer<OpenAi>;

/// What a server plays and what it has seen. Clones share both.
pub type ChatState = model_server::State<OpenAi>;

/// One reply on the wire; a whole one ends with `stop`, usage and `[DONE]`.
pub type Script = model_server::Script<OpenAi>;

/// OpenAI's chat completions.
#[derive(Debug, Clone)]
pub struct OpenAi;

// === impl OpenAi ===

impl Format for OpenAi {
    const BASE_PATH: &'static str = "/v1";
    const STOP: &'static str = "stop";
    const DONE: Option<&'static str> = Some("[DONE]");

    fn routes(state: ChatState) -> Router {
        Router::new().nest(Self::BASE_PATH, router(state))
    }

    fn prompt(body: &Value) -> &str {
        let content = body["messages"].as_array().and_then(|all| all.last()?.get("content"));
        let text =
            content.and_then(|content| content.as_str().or_else(|| content[0]["text"].as_str()));
        text.unwrap_or_default()
    }

    fn opening() -> Option<Value> {
        Some(delta(json!({ "role": "assistant", "content": "" })))
    }

    fn words(text: &str) -> Value {
        delta(json!({ "content": text }))
    }

    fn ending(finish: Option<&str>, usage: Option<(u32, u32)>) -> Vec<Value> {
        let finish = finish.map(
            |reason| json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }),
        );
        let usage = usage.map(|(input, output)| {
            let usage = json!({ "prompt_tokens": input, "completion_tokens": output });
            json!({ "choices": [], "usage": usage })
        });
        finish.into_iter().chain(usage).collect()
    }
}

// === impl Script ===

impl Script {
    /// A refusal with this status, in OpenAI's form. Its message quotes a prompt,
    /// as real ones do.
    #[must_use]
    pub fn status(status: u16, code: &str) -> Self {
        let body = json!({
            "error": { "message": "the prompt was: SECRET", "type": "test_error", "code": code },
        });
        Self::json(status, &body)
    }

    /// One function call, in these fragments of its arguments.
    #[must_use]
    pub fn tool_call(name: &str, fragments: &[&str]) -> Self {
        Self::text::<String>([]).and_tool_call(name, fragments)
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
        Self::json(200, &body)
    }

    /// Adds a function call after the text.
    #[must_use]
    pub fn and_tool_call(self, name: &str, fragments: &[&str]) -> Self {
        let started =
            |token: &&Value| !token["choices"][0]["delta"]["tool_calls"][0]["id"].is_null();
        let index = self.tokens().iter().filter(started).count();
        let call = |call: Value| delta(json!({ "tool_calls": [call] }));
        let start = call(json!({
            "index": index, "id": format!("call_{index}"), "type": "function",
            "function": { "name": name, "arguments": "" },
        }));
        let rest = fragments
            .iter()
            .map(|fragment| call(json!({ "index": index, "function": { "arguments": fragment } })));
        self.and_tokens([start].into_iter().chain(rest)).finish("tool_calls")
    }

    /// Thinks aloud first, in the field that llama.cpp and vLLM use.
    #[must_use]
    pub fn reasoning(self, thought: &str) -> Self {
        let thought = delta(json!({ "reasoning_content": thought, "content": null }));
        self.first(Step::Event(thought))
    }

    /// Reports an error after the tokens.
    #[must_use]
    pub fn error(self, kind: &str, code: impl Into<Value>) -> Self {
        let error = json!({
            "error": { "message": "the prompt was: SECRET", "type": kind, "code": code.into() },
        });
        self.cut().then(Step::Event(error))
    }
}

/// The endpoint, to be mounted under `/v1`.
pub fn router(state: ChatState) -> Router {
    Router::new()
        .route("/chat/completions", post(complete))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn complete(
    State(state): State<ChatState>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    state.answer(uri, headers, &body).await
}

/// A chunk that carries this delta.
fn delta(delta: Value) -> Value {
    json!({
        "object": "chat.completion.chunk",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": null }],
    })
}
