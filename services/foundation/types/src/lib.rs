//! The vocabulary of the product: ids, error taxonomy, module states, audio units,
//! image formats, how providers are connected to.
//!
//! Every crate may depend on this one and it depends on none of them. It holds
//! values and their rules only: no runtime, no input or output, no clock reads.
//! Anything that leaves the process (gRPC codes, log lines, metric labels) is
//! derived from these types at the edge, never stored in them.

mod action_mark;
mod audio;
mod command;
mod error_type;
mod id;
mod image_format;
mod language;
mod module;

pub use action_mark::{ACTION_MARK, ActionMarks, without_action_marks};
pub use audio::{InvalidSpeechRate, SampleRate, SpeechRate};
pub use command::{Argument, ArgumentKind, Command, Risk};
pub use error_type::{ErrorClass, ErrorType};
pub use id::{HardwareId, InvalidHardwareId, InvalidSessionId, SessionId, TurnNumber};
pub use image_format::ImageFormat;
pub use language::Language;
pub use module::{BoxFuture, Module, ModuleState, ModuleStatus};
