//! One reply, put together from its events. Plain and synchronous.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use super::fault;
use crate::{
    Delta, Error, FinishReason, ProviderCode, Refusal, ToolCall, Usage,
    flow::{self, Progress},
};

/// A reply while it comes in.
#[derive(Default)]
pub(super) struct Reply {
    ready: VecDeque<Delta>,
    tokens: Tokens,
    finish: Option<FinishReason>,
    has_begun: bool,
    is_closed: bool,
}

/// `GenerateContentResponse`. What a search found is not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    /// Thoughts are not spoken.
    thought: Option<bool>,
    function_call: Option<Call>,
}

#[derive(Deserialize)]
struct Call {
    name: Option<String>,
    args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

/// `UsageMetadata`.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: Option<u32>,
    /// What a tool found is read by the model like a prompt.
    tool_use_prompt_token_count: Option<u32>,
    candidates_token_count: Option<u32>,
    thoughts_token_count: Option<u32>,
}

// === impl Reply ===

impl Reply {
    fn chunk(&mut self, chunk: Chunk) -> Result<(), Error> {
        if let Some(error) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            return Err(fault::in_stream(error));
        }
        if let Some(tokens) = chunk.usage_metadata {
            self.tokens.update(tokens);
        }
        if let Some(reason) = chunk.prompt_feedback.and_then(|feedback| feedback.block_reason) {
            return Err(blocked(&reason));
        }
        match chunk.candidates.into_iter().flatten().next() {
            Some(candidate) => self.candidate(candidate),
            None => Ok(()),
        }
    }

    fn candidate(&mut self, candidate: Candidate) -> Result<(), Error> {
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.into_iter().flatten() {
            self.part(part);
        }
        match candidate.finish_reason.as_deref() {
            None | Some("" | "FINISH_REASON_UNSPECIFIED") => {}
            // Nothing that a model is given back could be made of it.
            Some("MALFORMED_FUNCTION_CALL") => {
                return Err(Error::Malformed("function call is malformed"));
            }
            Some(reason) => self.finish = Some(finish_reason(reason)),
        }
        Ok(())
    }

    fn part(&mut self, part: Part) {
        if part.thought == Some(true) {
            return;
        }
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            self.has_begun = true;
            self.ready.push_back(Delta::Text(text));
        }
        if let Some(call) = part.function_call {
            self.has_begun = true;
            self.ready.push_back(Delta::ToolCall(call.into()));
        }
    }
}

impl flow::Reply for Reply {
    /// An array is what comes from a server that ignores `alt=sse`, and how some
    /// errors come.
    fn accept(&mut self, data: &str) -> Result<Progress, Error> {
        let chunks: Vec<Chunk> = if data.trim_start().starts_with('[') {
            serde_json::from_str(data)
        } else {
            serde_json::from_str(data).map(|chunk| vec![chunk])
        }
        .map_err(|_| Error::Malformed("event is not a part of a reply"))?;
        for chunk in chunks {
            self.chunk(chunk)?;
        }
        // Only the end of the stream is the end.
        Ok(Progress::More)
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.is_closed {
            return Ok(());
        }
        let finish = self.finish.ok_or(Error::Truncated)?;
        self.is_closed = true;
        self.ready.extend(self.tokens.usage().map(Delta::Usage));
        self.ready.push_back(Delta::Finished(finish));
        Ok(())
    }

    fn next(&mut self) -> Option<Delta> {
        self.ready.pop_front()
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Some models give a reason with every chunk.
    fn is_done(&self) -> bool {
        false
    }
}

// === impl Call ===

impl From<Call> for ToolCall {
    fn from(call: Call) -> Self {
        let arguments = call.args.filter(|arguments| !arguments.is_null());
        Self {
            name: call.name.unwrap_or_default(),
            arguments_json: arguments.map_or_else(|| "{}".to_owned(), |args| args.to_string()),
        }
    }
}

// === impl Tokens ===

impl Tokens {
    /// Every event counts from the beginning, so the last word on each is right.
    fn update(&mut self, later: Self) {
        let last = |earlier: Option<u32>, later: Option<u32>| later.or(earlier);
        *self = Self {
            prompt_token_count: last(self.prompt_token_count, later.prompt_token_count),
            tool_use_prompt_token_count: last(
                self.tool_use_prompt_token_count,
                later.tool_use_prompt_token_count,
            ),
            candidates_token_count: last(self.candidates_token_count, later.candidates_token_count),
            thoughts_token_count: last(self.thoughts_token_count, later.thoughts_token_count),
        };
    }

    fn usage(&self) -> Option<Usage> {
        let sum = |one: Option<u32>, other: Option<u32>| match (one, other) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        };
        let input = sum(self.prompt_token_count, self.tool_use_prompt_token_count);
        let output = sum(self.candidates_token_count, self.thoughts_token_count);
        (input.is_some() || output.is_some())
            .then(|| Usage { input_tokens: input.unwrap_or(0), output_tokens: output.unwrap_or(0) })
    }
}

/// The prompt itself was not taken: another one may be.
fn blocked(reason: &str) -> Error {
    Error::Rejected(Refusal { code: ProviderCode::parse(reason), ..Refusal::default() })
}

fn finish_reason(name: &str) -> FinishReason {
    match name {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => {
            FinishReason::ContentFilter
        }
        _ if name.starts_with("IMAGE_") => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests;
