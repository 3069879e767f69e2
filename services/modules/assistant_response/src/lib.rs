//! Separates what a model says from what it asks the app to do, while it still writes.
//!
//! It stands between the language model and the segmenter: the deltas of a
//! reply go in, speech and at most one action come out. The forms of a reply
//! are in Docs/PROTOCOL.md, "Actions"; how they are told apart is decided in
//! [`ReplyParser`].
//!
//! Invariants:
//! - however a reply is cut into deltas, the speech and the action are the same;
//! - an action is given at most once, only when its object is complete and
//!   valid, and never before the first speech of a reply that has speech;
//! - speech leaves with the delta that completed it; nothing but the few bytes
//!   that decide what follows is held back, and what is held is bounded;
//! - no input makes it panic or lose plain prose.
//!
//! Deliberately not here: cutting speech into segments, the form a voice is
//! given, session ids (the caller's own replaces the model's) and the wire
//! format of actions.

mod catalogue;
mod decoder;
mod object;
mod output;
mod parser;
mod part;
mod scanner;

#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;

pub use catalogue::{Action, Catalogue, Rejection};
pub use parser::ReplyParser;
pub use part::{ActionRequest, Part, Warning};
