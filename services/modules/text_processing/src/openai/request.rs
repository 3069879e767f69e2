//! The body of a request.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use nexy_types::Command;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{ChatRequest, Error, Image};

/// OpenAI itself has deprecated `max_tokens`, and its newer models refuse it;
/// the compatible servers know no other name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenLimit {
    MaxTokens,
    MaxCompletionTokens,
}

/// What is the same in every request of a model.
pub(super) struct Template {
    pub(super) model: String,
    pub(super) temperature: f32,
    pub(super) max_tokens: u32,
    pub(super) token_limit: TokenLimit,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    temperature: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts([Part<'a>; 2]),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

// === impl TokenLimit ===

impl TokenLimit {
    pub(super) fn of_host(host: Option<&str>) -> Self {
        if host == Some("api.openai.com") { Self::MaxCompletionTokens } else { Self::MaxTokens }
    }
}

// === impl Template ===

impl Template {
    pub(super) fn body(&self, request: &ChatRequest) -> Result<Bytes, Error> {
        let limit_as = |name| (self.token_limit == name).then_some(self.max_tokens);
        let system = &request.instructions();
        let body = Body {
            model: &self.model,
            messages: messages(request, system),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            temperature: self.temperature,
            max_tokens: limit_as(TokenLimit::MaxTokens),
            max_completion_tokens: limit_as(TokenLimit::MaxCompletionTokens),
            tools: request.commands.iter().map(tool).collect(),
        };
        serde_json::to_vec(&body)
            .map(Bytes::from)
            .map_err(|_| Error::Malformed("request cannot be written"))
    }
}

fn messages<'a>(request: &'a ChatRequest, system: &'a str) -> Vec<Message<'a>> {
    let earlier = request
        .history
        .iter()
        .flat_map(|exchange| [("user", &*exchange.user), ("assistant", &*exchange.assistant)]);
    // Some servers refuse a message without content.
    let mut messages: Vec<Message<'_>> = [("system", system)]
        .into_iter()
        .chain(earlier)
        .filter(|(_, text)| !text.is_empty())
        .map(|(role, text)| Message { role, content: Content::Text(text) })
        .collect();
    let content = match request.screen.image() {
        Some(image) => Content::Parts([
            Part::Text { text: &request.prompt },
            Part::ImageUrl { image_url: ImageUrl { url: data_uri(image) } },
        ]),
        None => Content::Text(&request.prompt),
    };
    messages.push(Message { role: "user", content });
    messages
}

fn data_uri(image: &Image) -> String {
    let mut uri = format!("data:{};base64,", image.format.mime());
    STANDARD.encode_string(&image.data, &mut uri);
    uri
}

/// A function declaration; its parameters are a JSON Schema.
fn tool(command: &Command) -> Value {
    let properties: Map<String, Value> = command
        .arguments
        .iter()
        .map(|argument| {
            let schema =
                json!({ "type": argument.kind.as_str(), "description": argument.description });
            (argument.name.clone(), schema)
        })
        .collect();
    let required: Vec<&str> = command
        .arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| argument.name.as_str())
        .collect();
    json!({
        "type": "function",
        "function": {
            "name": command.name,
            "description": command.description,
            "parameters": { "type": "object", "properties": properties, "required": required },
        },
    })
}
