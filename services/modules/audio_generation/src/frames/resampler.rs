use std::sync::{Mutex, PoisonError};

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

/// Engines that are kept for the next speech: as many as speak at the same time
/// on a busy worker, some tens of kilobytes each.
const SPARES: usize = 64;

/// Making an engine takes as long as converting a tenth of a second of speech,
/// and the first sound would wait for it.
static SPARE: Mutex<Vec<Engine>> = Mutex::new(Vec::new());

/// Converts one speech from a rate to another, block by block.
pub(super) struct Resampler {
    /// There until it is dropped.
    engine: Option<Engine>,
    from: SampleRate,
    to: SampleRate,
    filled: usize,
    /// Samples of the filter's delay that are still to be dropped.
    skip: usize,
    taken: u64,
    given: u64,
}

/// The filter and its buffers, of one pair of rates.
struct Engine {
    rates: (SampleRate, SampleRate),
    fft: Fft<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
}

// === impl Engine ===

impl Engine {
    /// One that was used before, or a new one.
    fn get(from: SampleRate, to: SampleRate) -> Result<Self, Error> {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = spare.iter().position(|engine| engine.rates == (from, to));
        let found = fitting.map(|place| spare.swap_remove(place));
        drop(spare);
        found.map_or_else(|| Self::new(from, to), Ok)
    }

    fn new(from: SampleRate, to: SampleRate) -> Result<Self, Error> {
        let fft = Fft::new_custom(
            from.hz() as usize,
            to.hz() as usize,
            (from.hz() / BLOCKS_PER_SECOND).max(1) as usize,
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|_| Error::Resample { from: from.hz(), to: to.hz() })?;
        let (input, output) =
            (vec![0.0; fft.input_frames_next()], vec![0.0; fft.output_frames_next()]);
        Ok(Self { rates: (from, to), fft, input, output })
    }

    /// Leaves it to the next speech, without a trace of this one.
    fn put_back(mut self) {
        self.fft.reset();
        self.input.fill(0.0);
        self.output.fill(0.0);
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARES {
            spare.push(self);
        }
    }
}

// === impl Resampler ===

impl Resampler {
    pub(super) fn new(from: SampleRate, to: SampleRate) -> Result<Self, Error> {
        let refused = Error::Resample { from: from.hz(), to: to.hz() };
        if from.hz().max(to.hz()) > HIGHEST_RATE {
            return Err(refused);
        }
        let engine = Engine::get(from, to)?;
        Ok(Self {
            skip: engine.fft.output_delay(),
            engine: Some(engine),
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
        let Some(Engine { input, .. }) = &mut self.engine else { return Ok(false) };
        while self.filled < input.len() {
            let room = (input.len() - self.filled) * SAMPLE_BYTES;
            let Some(piece) = samples.take(SAMPLE_BYTES, room) else { return Ok(false) };
            let (pairs, _) = piece.as_chunks::<SAMPLE_BYTES>();
            for (slot, pair) in input.iter_mut().skip(self.filled).zip(pairs) {
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
        let input = self.engine.as_mut().map(|engine| &mut engine.input);
        if let Some(rest) = input.and_then(|input| input.get_mut(self.filled..)) {
            rest.fill(0.0);
        }
        self.convert(due - self.given, out)?;
        Ok(true)
    }

    /// Converts the block in `input` and gives at most `most` samples of it.
    fn convert(&mut self, most: u64, out: &mut BytesMut) -> Result<(), Error> {
        let refused = || Error::Resample { from: self.from.hz(), to: self.to.hz() };
        let Some(Engine { fft, input, output, .. }) = &mut self.engine else {
            return Err(refused());
        };
        let (frames_in, frames_out) = (input.len(), output.len());
        let source =
            InterleavedSlice::new(input.as_slice(), 1, frames_in).map_err(|_| refused())?;
        let mut sink = InterleavedSlice::new_mut(output.as_mut_slice(), 1, frames_out)
            .map_err(|_| refused())?;
        fft.process_into_buffer(&source, &mut sink, None).map_err(|_| refused())?;
        self.filled = 0;
        let skipped = self.skip.min(frames_out);
        self.skip -= skipped;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let given = (frames_out - skipped).min(most);
        let start = out.len();
        out.resize(start + given * SAMPLE_BYTES, 0);
        let (slots, _) = out.split_at_mut(start).1.as_chunks_mut::<SAMPLE_BYTES>();
        for (slot, sample) in slots.iter_mut().zip(output.iter().skip(skipped)) {
            *slot = quantise(*sample).to_le_bytes();
        }
        self.given += given as u64;
        Ok(())
    }
}

impl Drop for Resampler {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.put_back();
        }
    }
}

/// The nearest number. `f32::round` is a call into the C library for each sample.
#[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates")]
fn quantise(sample: f32) -> i16 {
    let scaled = sample * FULL_SCALE;
    (scaled + 0.5_f32.copysign(scaled)) as i16
}
