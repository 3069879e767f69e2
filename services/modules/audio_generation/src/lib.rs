//! Turns spoken-form text into PCM: the voices and the framing of their audio.
//!
//! The worker hands one [`Utterance`] per segment to a [`SpeechSynthesizer`] and
//! passes the [`Speech`] it gets through [`frames`], whose frames go to the
//! client as they are. Which voice is asked first, circuit breakers, kill
//! switches and retries are the worker's; this crate only says precisely what
//! went wrong ([`Error`]).
//!
//! Invariants:
//! - [`SpeechSynthesizer::synthesize`] resolves at the first byte of audio, so
//!   the time it takes *is* the time to first byte, and nothing was said yet
//!   when it fails.
//! - Every wait has a deadline. Dropping the future or the stream stops the
//!   work behind it: the process is killed, the connection closed.
//! - A frame holds whole samples at the asked-for rate, is never empty and never
//!   longer than asked; the concatenated frames do not depend on how the voice
//!   chunked its audio.
//! - An utterance is heard at its rate and at the voice's own pitch, whatever the
//!   voice can do of it.
//! - No frame leaves before something can be heard: a reply that is silent
//!   throughout is [`Error::Silent`] and can still be given to another voice.
//! - Text never reaches an error, a span or a `Debug` output.
//!
//! Deliberately not here: the spoken form of a text (`text_filtering`), the
//! order of segments, caching, playback pacing.

pub mod azure;
pub mod espeak;
pub mod openai;
pub mod scripted;

mod error;
mod frames;
mod http;
mod reply;
mod synthesizer;

#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod testing;

pub use azure::AzureSynthesizer;
pub use error::{Error, Stage};
pub use espeak::EspeakSynthesizer;
pub use frames::{OutputFormat, frames};
pub use openai::OpenAiSynthesizer;
pub use scripted::ScriptedSynthesizer;
pub use synthesizer::{PcmStream, Speech, SpeechSynthesizer, Utterance};
