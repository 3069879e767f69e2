//! What the fake voice says, chunk by chunk.

use std::{f64::consts::TAU, io, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, stream};

use super::{Ending, Script, connections::Watched};
use crate::Waits;

/// Amplitude of tones: half of full scale.
const AMPLITUDE: f64 = 16_384.0;

/// What is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audio {
    /// A sine at half of full scale.
    Tone {
        /// Its frequency.
        hz: u32,
        /// Its length.
        lasting: Duration,
    },
    /// These bytes.
    Pcm(Bytes),
    /// Samples of 0.
    Silence(Duration),
    /// Nothing at all.
    Nothing,
    /// The [`echo`] of the text, so that a test can tell whose reply it got.
    Echo,
    /// A tone without an end.
    Endless {
        /// Its frequency.
        hz: u32,
    },
}

/// A reply on its way.
struct Reply {
    script: Script,
    pcm: Bytes,
    sent: usize,
    watched: Option<Watched>,
    waits: Waits,
}

/// Samples of a sine at half of full scale, 16-bit little-endian.
#[must_use]
pub fn tone(hz: u32, lasting: Duration, sample_rate: u32) -> Bytes {
    let samples = samples_in(lasting, sample_rate);
    let step = TAU * f64::from(hz) / f64::from(sample_rate);
    let mut pcm = BytesMut::new();
    for at in 0..samples {
        pcm.put_i16_le(quantise(AMPLITUDE * (step * f64::from(at)).sin()));
    }
    pcm.freeze()
}

/// Every byte of a text as one sample of twice that byte.
#[must_use]
pub fn echo(text: &str) -> Bytes {
    text.bytes().flat_map(|byte| [byte, byte]).collect()
}

/// The body that a script describes. The watch ends with its last byte.
pub(super) fn body(
    script: Script,
    text: &str,
    watched: Watched,
    waits: Waits,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let pcm = script.audio.pcm(script.sample_rate, text);
    let reply = Reply { script, pcm, sent: 0, watched: Some(watched), waits };
    stream::unfold(reply, |mut reply| async move {
        let item = reply.next().await?;
        Some((item, reply))
    })
}

fn samples_in(lasting: Duration, sample_rate: u32) -> u32 {
    let samples = lasting.as_micros() * u128::from(sample_rate) / 1_000_000;
    u32::try_from(samples).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates")]
fn quantise(sample: f64) -> i16 {
    sample.round() as i16
}

// === impl Audio ===

impl Audio {
    /// The samples; of an endless tone, one second.
    fn pcm(&self, sample_rate: u32, text: &str) -> Bytes {
        match self {
            Self::Tone { hz, lasting } => tone(*hz, *lasting, sample_rate),
            Self::Pcm(bytes) => bytes.clone(),
            Self::Silence(lasting) => {
                Bytes::from(vec![0; 2 * samples_in(*lasting, sample_rate) as usize])
            }
            Self::Nothing => Bytes::new(),
            Self::Echo => echo(text),
            Self::Endless { hz } => tone(*hz, Duration::from_secs(1), sample_rate),
        }
    }
}

// === impl Reply ===

impl Reply {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let wait =
            if self.sent == 0 { self.script.first_chunk_after } else { self.script.chunk_every };
        self.waits.sleep(wait).await;
        let room = match self.script.ending {
            Ending::Complete => usize::MAX,
            Ending::CutAfter(bytes) | Ending::StallAfter(bytes) => bytes - self.sent.min(bytes),
        };
        let chunk = self.chunk(room);
        if !chunk.is_empty() {
            self.sent += chunk.len();
            return Some(Ok(chunk));
        }
        match self.script.ending {
            // Only the client can end this wait, by leaving.
            Ending::StallAfter(_) => std::future::pending().await,
            Ending::CutAfter(_) => {
                // While the body pauses, what there is of it is sent.
                tokio::task::yield_now().await;
                self.finished();
                Some(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Ending::Complete => {
                self.finished();
                None
            }
        }
    }

    /// The next chunk of at most `room` bytes; empty at the end.
    fn chunk(&self, room: usize) -> Bytes {
        let is_endless = matches!(self.script.audio, Audio::Endless { .. });
        let start = if is_endless { self.sent % self.pcm.len().max(1) } else { self.sent };
        let left = self.pcm.len() - start.min(self.pcm.len());
        let bytes = self.script.chunk_bytes.max(1).min(room).min(left);
        self.pcm.slice(start.min(self.pcm.len())..start.min(self.pcm.len()) + bytes)
    }

    fn finished(&mut self) {
        if let Some(watched) = self.watched.take() {
            watched.finished();
        }
    }
}
