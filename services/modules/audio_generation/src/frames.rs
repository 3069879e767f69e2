//! From what a voice delivers to what a client hears.

mod framer;
mod resampler;
mod samples;
mod stretcher;

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use nexy_types::SampleRate;

use crate::{Error, PcmStream, Speech};
use framer::{Framer, VoiceFormat};

/// What the frames of a client look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFormat {
    /// Their rate.
    pub sample_rate: SampleRate,
    /// The most bytes in a frame. An odd number counts as the even one below, so
    /// that frames hold whole samples; less than one sample counts as one.
    pub chunk_bytes: usize,
}

/// The pull side of a [`Framer`].
struct Frames {
    pcm: Option<PcmStream>,
    framer: Option<Framer>,
    failure: Option<Error>,
}

/// Cuts speech into frames of a client's format: signed 16-bit little-endian,
/// mono, whole samples, never empty, at most `format.chunk_bytes` long.
///
/// What the voice left of the speech rate is done here, at the pitch of the voice.
/// Speech at another sample rate is resampled; its beginning, its end and its
/// length are kept. Where there is nothing to do large chunks are passed on
/// without being copied.
///
/// The first frame leaves as soon as there is anything to hear and holds 20 ms at
/// most, so that playing can begin; later ones are at least half full, except
/// the last, however small the chunks of the voice are.
///
/// Silence at the very beginning is held back until the first sound, and is
/// [`Error::Silent`] when none comes. After an error of the voice, what it said
/// before is still handed out; then the error, then the end.
pub fn frames(
    speech: Speech,
    format: OutputFormat,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + Unpin {
    let Speech { sample_rate, rate_left, pcm } = speech;
    match Framer::new(VoiceFormat { sample_rate, rate_left }, format) {
        Ok(framer) => Frames { pcm: Some(pcm), framer: Some(framer), failure: None },
        Err(error) => Frames { pcm: None, framer: None, failure: Some(error) },
    }
}

// === impl Frames ===

impl Frames {
    /// Takes one chunk, or the end, of the voice.
    fn accept(&mut self, item: Option<Result<Bytes, Error>>) {
        let Some(framer) = self.framer.as_mut() else { return };
        let ended = !matches!(item, Some(Ok(_)));
        let silent = match &item {
            Some(Ok(chunk)) => framer.push(chunk.clone()).err(),
            Some(Err(_)) | None => framer.finish().err(),
        };
        // The voice's own error says more than the silence that it left.
        self.failure = item.and_then(Result::err).or(silent);
        if ended || self.failure.is_some() {
            self.pcm = None;
        }
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.framer.as_mut().map(Framer::next_frame) {
                Some(Ok(Some(frame))) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => {
                    self.failure = Some(error);
                    self.framer = None;
                    self.pcm = None;
                }
                Some(Ok(None)) | None => {}
            }
            let Some(pcm) = self.pcm.as_mut() else {
                return Poll::Ready(self.failure.take().map(Err));
            };
            let item = ready!(pcm.as_mut().poll_next(cx));
            self.accept(item);
        }
    }
}

#[cfg(test)]
mod tests;
