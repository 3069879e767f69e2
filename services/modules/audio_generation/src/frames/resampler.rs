use bytes::BytesMut;
use nexy_types::SampleRate;
use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::InterleavedSlice};

use super::samples::{SAMPLE_BYTES, Samples};
use crate::Error;

/// Blocks per second. 20 ms of speech keep the anti-aliasing filter steep (it
/// passes 96 % of the band) and the first sound waits for 20 ms of audio only.
const BLOCKS_PER_SECOND: u32 = 50;

/// The highest rate that is believed, in Hz. A wrong rate would otherwise ask
/// for blocks of any size.
const HIGHEST_RATE: u32 = 384_000;

/// Amplitude of a full-scale 16-bit sample.
const FULL_SCALE: f32 = 32_768.0;

/// Converts one speech from a rate to another, block by block.
pub(super) struct Resampler {
    fft: Fft<f32>,
    from: SampleRate,
    to: SampleRate,
    input: Vec<f32>,
    filled: usize,
    output: Vec<f32>,
    /// Samples of the filter's delay that are still to be dropped.
    skip: usize,
    taken: u64,
    given: u64,
}

// === impl Resampler ===

impl Resampler {
    pub(super) fn new(from: SampleRate, to: SampleRate) -> Result<Self, Error> {
        let refused = Error::Resample { from: from.hz(), to: to.hz() };
        if from.hz().max(to.hz()) > HIGHEST_RATE {
            return Err(refused);
        }
        let (from_hz, to_hz) = (from.hz() as usize, to.hz() as usize);
        let block = (from.hz() / BLOCKS_PER_SECOND).max(1) as usize;
        let fft = Fft::new_custom(
            from_hz,
            to_hz,
            block,
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|_| refused)?;
        Ok(Self {
            input: vec![0.0; fft.input_frames_next()],
            output: vec![0.0; fft.output_frames_next()],
            skip: fft.output_delay(),
            fft,
            from,
            to,
            filled: 0,
            taken: 0,
            given: 0,
        })
    }

    /// Converts at most one block. `false` when more input is needed first.
    pub(super) fn step(
        &mut self,
        samples: &mut Samples,
        out: &mut BytesMut,
    ) -> Result<bool, Error> {
        while self.filled < self.input.len() {
            let room = (self.input.len() - self.filled) * SAMPLE_BYTES;
            let Some(piece) = samples.take(SAMPLE_BYTES, room) else { return Ok(false) };
            let (pairs, _) = piece.as_chunks::<SAMPLE_BYTES>();
            for (slot, pair) in self.input.iter_mut().skip(self.filled).zip(pairs) {
                *slot = f32::from(i16::from_le_bytes(*pair)) / FULL_SCALE;
            }
            self.filled += pairs.len();
            self.taken += pairs.len() as u64;
        }
        self.convert(u64::MAX, out)?;
        Ok(true)
    }

    /// Converts what is left, and what the filter still holds, so that the
    /// output is as long as the input. `false` when all of it is out.
    pub(super) fn flush(&mut self, out: &mut BytesMut) -> Result<bool, Error> {
        let due = (self.taken * u64::from(self.to.hz())).div_ceil(u64::from(self.from.hz()));
        if self.given >= due {
            return Ok(false);
        }
        if let Some(rest) = self.input.get_mut(self.filled..) {
            rest.fill(0.0);
        }
        self.convert(due - self.given, out)?;
        Ok(true)
    }

    /// Converts the block in `input` and gives at most `most` samples of it.
    fn convert(&mut self, most: u64, out: &mut BytesMut) -> Result<(), Error> {
        let refused = || Error::Resample { from: self.from.hz(), to: self.to.hz() };
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let source = InterleavedSlice::new(&self.input, 1, frames_in).map_err(|_| refused())?;
        let mut sink =
            InterleavedSlice::new_mut(&mut self.output, 1, frames_out).map_err(|_| refused())?;
        self.fft.process_into_buffer(&source, &mut sink, None).map_err(|_| refused())?;
        self.filled = 0;
        let skipped = self.skip.min(frames_out);
        self.skip -= skipped;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let given = (frames_out - skipped).min(most);
        let start = out.len();
        out.resize(start + given * SAMPLE_BYTES, 0);
        let (slots, _) = out.split_at_mut(start).1.as_chunks_mut::<SAMPLE_BYTES>();
        for (slot, sample) in slots.iter_mut().zip(self.output.iter().skip(skipped)) {
            *slot = quantise(*sample).to_le_bytes();
        }
        self.given += given as u64;
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates")]
fn quantise(sample: f32) -> i16 {
    (sample * FULL_SCALE).round() as i16
}
