//! The body of a request.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use nexy_types::{Argument, Command};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{ChatRequest, Error, Image};

/// What is the same in every request of a model.
pub(super) struct Template {
    pub(super) temperature: f32,
    pub(super) max_tokens: u32,
    pub(super) google_search: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Value; 1]>,
    generation_config: GenerationConfig,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Model,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Part<'a> {
    Text(&'a str),
    InlineData(Blob),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    mime_type: &'static str,
    data: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    temperature: f32,
    max_output_tokens: u32,
}

// === impl Template ===

impl Template {
    pub(super) fn body(&self, request: &ChatRequest) -> Result<Bytes, Error> {
        let system = &*request.instructions();
        let body = Body {
            system_instruction: (!system.is_empty())
                .then(|| Content { role: None, parts: vec![Part::Text(system)] }),
            contents: contents(request),
            tools: self.tool(&request.commands).map(|tool| [tool]),
            generation_config: GenerationConfig {
                temperature: self.temperature,
                max_output_tokens: self.max_tokens,
            },
        };
        serde_json::to_vec(&body)
            .map(Bytes::from)
            .map_err(|_| Error::Malformed("request cannot be written"))
    }

    /// One or the other: see the module's page.
    fn tool(&self, commands: &[Command]) -> Option<Value> {
        if self.google_search {
            return Some(json!({ "googleSearch": {} }));
        }
        let functions: Vec<Value> = commands.iter().map(function).collect();
        (!functions.is_empty()).then(|| json!({ "functionDeclarations": functions }))
    }
}

fn contents(request: &ChatRequest) -> Vec<Content<'_>> {
    let mut contents = Vec::new();
    for exchange in &request.history {
        push(&mut contents, Role::User, text(&exchange.user));
        push(&mut contents, Role::Model, text(&exchange.assistant));
    }
    // An image goes before the words about it, as Google advises.
    push(
        &mut contents,
        Role::User,
        request.screen.image().map(|image| Part::InlineData(image.into())),
    );
    push(&mut contents, Role::User, text(&request.prompt));
    if contents.last().is_none_or(|last| last.role != Some(Role::User)) {
        // Nothing was said: whether that is a question is Gemini's to decide.
        push(&mut contents, Role::User, Some(Part::Text("")));
    }
    contents
}

/// Turns alternate, so what belongs to one role is one content.
fn push<'a>(contents: &mut Vec<Content<'a>>, role: Role, part: Option<Part<'a>>) {
    let Some(part) = part else { return };
    match contents.last_mut() {
        Some(last) if last.role == Some(role) => last.parts.push(part),
        _ => contents.push(Content { role: Some(role), parts: vec![part] }),
    }
}

/// `None` for a text without content, which Gemini refuses.
fn text(text: &str) -> Option<Part<'_>> {
    (!text.is_empty()).then_some(Part::Text(text))
}

/// A function declaration; its parameters are Gemini's subset of JSON Schema, in
/// which an object without properties is not allowed.
fn function(command: &Command) -> Value {
    let mut function = json!({ "name": command.name, "description": command.description });
    if !command.arguments.is_empty() {
        function["parameters"] = parameters(&command.arguments);
    }
    function
}

fn parameters(arguments: &[Argument]) -> Value {
    let properties: Map<String, Value> = arguments
        .iter()
        .map(|argument| {
            let kind = argument.kind.as_str().to_ascii_uppercase();
            let schema = json!({ "type": kind, "description": argument.description });
            (argument.name.clone(), schema)
        })
        .collect();
    let required: Vec<&str> = arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| argument.name.as_str())
        .collect();
    let mut schema = json!({ "type": "OBJECT", "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

// === impl Blob ===

impl From<&Image> for Blob {
    fn from(image: &Image) -> Self {
        Self { mime_type: image.format.mime(), data: STANDARD.encode(&image.data) }
    }
}
