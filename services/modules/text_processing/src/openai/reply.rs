//! One reply, put together from its events. Plain and synchronous.

use std::{collections::VecDeque, mem};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::fault;
use crate::{
    Delta, Error, FinishReason, ToolCall, Usage,
    flow::{self, Progress},
};

/// The data of the last event, by OpenAI's convention.
const DONE: &str = "[DONE]";

/// A reply while it comes in.
pub(super) struct Reply {
    ready: VecDeque<Delta>,
    calls: Vec<Call>,
    call_bytes: usize,
    max_call_bytes: usize,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    has_begun: bool,
    is_closed: bool,
}

/// A function call whose fragments are still coming.
struct Call {
    index: u32,
    id: Option<String>,
    name: String,
    arguments: String,
}

/// `chat.completion.chunk`; with `message` for `delta` also `chat.completion`.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Option<Message>,
    finish_reason: Option<String>,
}

/// `reasoning_content` and its relatives are not read: thoughts are not spoken.
#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
    index: Option<u32>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

// === impl Reply ===

impl Reply {
    pub(super) fn new(max_call_bytes: usize) -> Self {
        Self {
            ready: VecDeque::new(),
            calls: Vec::new(),
            call_bytes: 0,
            max_call_bytes,
            usage: None,
            finish: None,
            has_begun: false,
            is_closed: false,
        }
    }

    fn choice(&mut self, choice: Choice) -> Result<(), Error> {
        if let Some(message) = choice.delta {
            let texts = [message.content, message.refusal].into_iter().flatten();
            for text in texts.filter(|text| !text.is_empty()) {
                self.has_begun = true;
                self.ready.push_back(Delta::Text(text));
            }
            for fragment in message.tool_calls.into_iter().flatten() {
                self.has_begun = true;
                self.fragment(fragment)?;
            }
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            let finish = finish_reason(&reason);
            self.finish = Some(finish);
            self.complete_calls(finish);
        }
        Ok(())
    }

    /// A fragment continues the call of its index; without one (Ollama), or with
    /// one index for all (Gemini), another id begins another call.
    fn fragment(&mut self, fragment: Fragment) -> Result<(), Error> {
        let id = fragment.id.filter(|id| !id.is_empty());
        let function = fragment.function.unwrap_or(Function { name: None, arguments: None });
        let name = function.name.unwrap_or_default();
        let arguments = function.arguments.unwrap_or_default();
        self.call_bytes += size_of::<Call>() + name.len() + arguments.len();
        if self.call_bytes > self.max_call_bytes {
            return Err(Error::Malformed("function call is too large"));
        }
        let continued = self.calls.iter_mut().rev().find(|call| {
            fragment.index.is_none_or(|index| index == call.index)
                && (id.is_none() || call.id.is_none() || id == call.id)
        });
        match continued {
            Some(call) => {
                call.id = call.id.take().or(id);
                call.name.push_str(&name);
                call.arguments.push_str(&arguments);
            }
            None => {
                self.calls.push(Call { index: fragment.index.unwrap_or(0), id, name, arguments });
            }
        }
        Ok(())
    }

    /// The model has finished, so its calls are complete, unless the token limit
    /// cut the last one off.
    fn complete_calls(&mut self, finish: FinishReason) {
        for call in mem::take(&mut self.calls) {
            let arguments_json =
                if call.arguments.trim().is_empty() { "{}".to_owned() } else { call.arguments };
            let is_whole = finish != FinishReason::Length
                || serde_json::from_str::<IgnoredAny>(&arguments_json).is_ok();
            if is_whole {
                self.ready.push_back(Delta::ToolCall(ToolCall { name: call.name, arguments_json }));
            }
        }
    }
}

impl flow::Reply for Reply {
    fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn is_done(&self) -> bool {
        self.finish.is_some()
    }

    fn next(&mut self) -> Option<Delta> {
        self.ready.pop_front()
    }

    fn accept(&mut self, data: &str) -> Result<Progress, Error> {
        if data.trim() == DONE {
            return Ok(Progress::Done);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| {
            let not_a_chunk = Error::Malformed("event is not a chat completion chunk");
            fault::bare(data).unwrap_or(not_a_chunk)
        })?;
        if let Some(error) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            return Err(fault::in_stream(error));
        }
        if chunk.choices.is_none() && chunk.usage.is_none() {
            return fault::bare(data).map_or(Ok(Progress::More), Err);
        }
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            self.choice(choice)?;
        }
        if let Some(tokens) = chunk.usage {
            // Some servers count along in every chunk: the last one is right.
            self.usage = Some(Usage {
                input_tokens: tokens.prompt_tokens.unwrap_or(0),
                output_tokens: tokens.completion_tokens.unwrap_or(0),
            });
        }
        Ok(Progress::More)
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.is_closed {
            return Ok(());
        }
        let finish = self.finish.ok_or(Error::Truncated)?;
        self.is_closed = true;
        self.ready.extend(self.usage.take().map(Delta::Usage));
        self.ready.push_back(Delta::Finished(finish));
        Ok(())
    }
}

fn finish_reason(name: &str) -> FinishReason {
    match name {
        "stop" | "tool_calls" | "function_call" => FinishReason::Stop,
        // Together, text-generation-inference and gateways to Anthropic.
        "eos" | "eos_token" | "stop_sequence" | "end_turn" => FinishReason::Stop,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests;
