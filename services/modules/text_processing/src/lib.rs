//! Language models: one trait, the clients and the rules that implement it.
//!
//! The worker asks a [`LanguageModel`] for the reply to one [`ChatRequest`] and
//! reads it as a stream of [`Delta`]s. This crate knows the wire formats and the
//! prompt; it does not know turns, sessions or speech.
//!
//! Invariants:
//! - A stream ends with [`Delta::Finished`] or with an error, never quietly: a
//!   reply that was cut off is [`Error::Truncated`].
//! - Dropping a stream drops the request behind it, connection included.
//! - Every wait for a provider has a deadline from the settings.
//! - What users and models say never reaches an error, a trace or `Debug`.
//!
//! Deliberately not here: the order of providers, breakers and retries (the
//! worker owns the one budget they share), the separation of speech and actions
//! (`assistant_response`), and cutting speech into segments (`text_filtering`).

pub mod gemini;
pub mod offline;
pub mod openai;
pub mod prompt;
pub mod scripted;

mod error;
mod flow;
mod http;
mod model;
mod span;
mod sse;

#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;

pub use error::{Error, ProviderCode, Refusal, Wait};
pub use model::{
    ChatRequest, Delta, DeltaStream, Exchange, FinishReason, Image, LanguageModel, Screen,
    ToolCall, Usage,
};
pub use prompt::{CUT_OFF, Prompt, Waiting};

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod testing;
