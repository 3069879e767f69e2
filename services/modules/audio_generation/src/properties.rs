//! What holds for any input. Called by tests here and by the targets in fuzz/.

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use nexy_types::{SampleRate, SpeechRate};

use crate::{Error, OutputFormat, Speech, frames};

/// What voices deliver.
const RATES: [u32; 4] = [8_000, 22_050, 24_000, 48_000];

/// What voices leave of the speech rate.
const LEFT: [f32; 5] = [1.0, 0.5, 1.25, 2.0, 3.0];

/// What clients get.
const OUTPUT_HZ: u32 = 48_000;
const CHUNK_BYTES: usize = 4096;

/// However a voice's bytes are cut, what is heard is the same, in frames of whole
/// samples that are not too long. The first bytes choose the voice's rates and how
/// it is cut.
///
/// # Panics
/// When that does not hold.
pub fn pcm_framer(data: &[u8]) {
    let Some(([rate, cut], pcm)) = data.split_first_chunk() else { return };
    let left = LEFT.iter().copied().cycle().nth(usize::from(rate / 4));
    let Some(rate_left) = left.and_then(|left| SpeechRate::new(left).ok()) else { return };
    let Some(rate) = RATES.iter().copied().nth(usize::from(rate % 4)) else { return };
    let (Some(voice), Some(output)) = (SampleRate::new(rate), SampleRate::new(OUTPUT_HZ)) else {
        return;
    };
    let format = OutputFormat { sample_rate: output, chunk_bytes: CHUNK_BYTES };
    let heard = |chunk: usize| {
        let chunks: Vec<_> = pcm.chunks(chunk).map(Bytes::copy_from_slice).map(Ok).collect();
        let pcm = Box::pin(stream::iter(chunks));
        listen(Speech { sample_rate: voice, rate_left, pcm }, format)
    };
    let whole = heard(pcm.len().max(1));
    assert_eq!(heard(1), whole, "by byte");
    assert_eq!(heard(usize::from(*cut) + 1), whole, "in larger pieces");
    if rate == OUTPUT_HZ && rate_left == SpeechRate::NORMAL && whole.1.is_none() {
        let samples = pcm.len() & !1;
        assert!(pcm.get(..samples) == Some(&whole.0), "it is not what the voice said");
    }
}

/// All that is heard, and how it ends.
fn listen(speech: Speech, format: OutputFormat) -> (Vec<u8>, Option<Error>) {
    let items = frames(speech, format).collect::<Vec<_>>().now_or_never();
    let (mut heard, mut end) = (Vec::new(), None);
    for item in items.into_iter().flatten() {
        assert!(end.is_none(), "something follows an error");
        match item {
            Ok(frame) => {
                assert!(!frame.is_empty() && frame.len() <= format.chunk_bytes);
                assert_eq!(frame.len() % 2, 0);
                heard.extend_from_slice(&frame);
            }
            Err(error) => end = Some(error),
        }
    }
    (heard, end)
}

#[cfg(test)]
mod tests;
