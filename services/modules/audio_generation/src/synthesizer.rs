use std::{fmt, pin::Pin};

use bytes::Bytes;
use futures_util::Stream;
use nexy_types::{BoxFuture, Language, SampleRate, SpeechRate};

use crate::Error;

/// Raw PCM as a voice delivers it: signed 16-bit little-endian, mono, without a
/// header, in chunks of any size. A chunk edge may split a sample. The stream
/// ends after the first error.
pub type PcmStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A voice.
pub trait SpeechSynthesizer: Send + Sync {
    /// A fixed name for logs, metric labels and trailers, e.g. `espeak`.
    fn name(&self) -> &'static str;

    /// Speaks one utterance. Resolves at the first byte of audio.
    ///
    /// # Errors
    /// Whatever kept the voice from starting to speak; see [`Error`].
    fn synthesize(&self, utterance: Utterance) -> BoxFuture<'static, Result<Speech, Error>>;

    /// Finds out whether the voice could speak at all, without speaking. A
    /// voice that cannot be asked for free says yes.
    ///
    /// # Errors
    /// What stands in the way, e.g. a program that is not installed.
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// Does ahead of an utterance what it would have to wait for, such as the
    /// handshakes of a connection, at no cost. Nothing is spoken.
    ///
    /// # Errors
    /// When the provider cannot be reached in time.
    fn warm_up(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// What is to be spoken, and how.
#[derive(Clone, PartialEq)]
pub struct Utterance {
    /// The text, already in its spoken form.
    pub text: String,
    /// The language of the text.
    pub language: Language,
    /// The voice the listener asked for, in the provider's own naming. One that
    /// the provider does not know is ignored.
    pub voice: Option<String>,
    /// How fast it is to be heard.
    pub rate: SpeechRate,
}

/// A voice that has begun to speak.
pub struct Speech {
    /// The rate of `pcm`.
    pub sample_rate: SampleRate,
    /// How much faster than `pcm` the utterance is to be heard: what the voice
    /// could not do of its rate. [`crate::frames`] does it.
    pub rate_left: SpeechRate,
    /// The audio.
    pub pcm: PcmStream,
}

// === impl Utterance ===

impl fmt::Debug for Utterance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Utterance")
            .field("chars", &self.text.chars().count())
            .field("language", &self.language)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

// === impl Speech ===

impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speech")
            .field("sample_rate", &self.sample_rate)
            .field("rate_left", &self.rate_left)
            .finish_non_exhaustive()
    }
}
