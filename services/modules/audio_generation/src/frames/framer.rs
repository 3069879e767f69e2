use bytes::{Bytes, BytesMut};
use nexy_types::{SampleRate, SpeechRate};

use super::{
    OutputFormat,
    resampler::Resampler,
    samples::{Edges, SAMPLE_BYTES, Samples},
    stretcher::Stretcher,
};
use crate::Error;

/// Louder than this is a sound: −60 dB of full scale, far under any voice and
/// over the noise of a quantiser.
const AUDIBLE: u16 = 32;

/// The first frame holds at most this much: it leaves, and can be played, before
/// a full one would be there.
const FIRST_FRAMES_PER_SECOND: usize = 50;

/// Silence that is held back at most, in seconds of the voice's audio. A voice
/// that has not begun by then does not speak.
const LONGEST_LEAD_SECONDS: usize = 5;

/// What a voice delivers, and what is left to be done with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct VoiceFormat {
    pub(super) sample_rate: SampleRate,
    pub(super) rate_left: SpeechRate,
}

/// Makes frames out of chunks. Plain state, no waiting: [`super::frames`] moves
/// the bytes.
pub(super) struct Framer {
    edges: Edges,
    /// Before the resampler: most voices have fewer samples than clients.
    stretcher: Option<Stretcher>,
    /// At the voice's sample rate and the listener's speech rate.
    samples: Samples,
    resampler: Option<Resampler>,
    resampled: BytesMut,
    chunk_bytes: usize,
    first_bytes: usize,
    lead_limit: usize,
    state: State,
    finished: bool,
}

/// How far the listener's side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing audible has come; everything is held back.
    Silent,
    /// Something audible is there, no frame has left.
    Audible,
    /// The first frame has left.
    Begun,
}

// === impl Framer ===

impl Framer {
    pub(super) fn new(voice: VoiceFormat, format: OutputFormat) -> Result<Self, Error> {
        let (from, to) = (voice.sample_rate, format.sample_rate);
        let resampler = if from == to { None } else { Some(Resampler::new(from, to)?) };
        let chunk_bytes = (format.chunk_bytes & !1).max(SAMPLE_BYTES);
        let first_bytes = to.hz() as usize / FIRST_FRAMES_PER_SECOND * SAMPLE_BYTES;
        Ok(Self {
            edges: Edges::default(),
            stretcher: Stretcher::new(from, voice.rate_left),
            samples: Samples::default(),
            resampler,
            resampled: BytesMut::new(),
            chunk_bytes,
            first_bytes: first_bytes.clamp(SAMPLE_BYTES, chunk_bytes),
            lead_limit: (from.hz() as usize).saturating_mul(LONGEST_LEAD_SECONDS * SAMPLE_BYTES),
            state: State::Silent,
            finished: false,
        })
    }

    /// Takes a chunk of the voice. [`Error::Silent`] when the voice should have
    /// begun long ago.
    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        let (mended, whole) = self.edges.cut(chunk);
        if self.state == State::Silent && (is_audible(mended.as_slice()) || any_audible(&whole)) {
            self.state = State::Audible;
        }
        let said = self.stretcher.as_mut().map_or(&mut self.samples, Stretcher::waiting);
        if let Some(sample) = mended {
            said.push_sample(sample);
        }
        said.push(whole);
        if self.state == State::Silent && said.len() > self.lead_limit {
            return Err(Error::Silent);
        }
        Ok(())
    }

    /// The voice has ended: everything that is left goes out. [`Error::Silent`]
    /// when there was no sound in it.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.finished = true;
        if self.state == State::Silent { Err(Error::Silent) } else { Ok(()) }
    }

    /// The next frame, if there is enough for one.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, Error> {
        if self.state == State::Silent {
            return Ok(None);
        }
        let most = if self.state == State::Begun { self.chunk_bytes } else { self.first_bytes };
        while self.ready() < most && self.advance()? {}
        let frame = if self.resampler.is_some() {
            let bytes = self.resampled.len().min(most);
            (bytes >= self.least_of(bytes)).then(|| self.resampled.split_to(bytes).freeze())
        } else {
            self.samples.take(self.least_of(self.samples.len().min(most)), most)
        };
        if frame.is_some() {
            self.state = State::Begun;
        }
        Ok(frame)
    }

    /// The fewest bytes worth a frame when `available` are there: half a frame,
    /// but anything at the beginning and at the end.
    fn least_of(&self, available: usize) -> usize {
        let half = (self.chunk_bytes / 2).next_multiple_of(SAMPLE_BYTES);
        if self.state == State::Begun && !self.finished {
            half
        } else {
            half.min(available).max(SAMPLE_BYTES)
        }
    }

    /// Bytes that a frame can be made of.
    fn ready(&self) -> usize {
        if self.resampler.is_some() { self.resampled.len() } else { self.samples.len() }
    }

    /// Goes on where something can be done, nearest to the listener first. `false`
    /// when the voice has to go on, or all is done.
    fn advance(&mut self) -> Result<bool, Error> {
        if let Some(resampler) = self.resampler.as_mut()
            && resampler.step(&mut self.samples, &mut self.resampled)?
        {
            return Ok(true);
        }
        if let Some(stretcher) = self.stretcher.as_mut()
            && stretcher.step(self.finished, &mut self.samples)
        {
            return Ok(true);
        }
        match self.resampler.as_mut().filter(|_| self.finished) {
            Some(resampler) => resampler.flush(&mut self.resampled),
            None => Ok(false),
        }
    }
}

fn any_audible(whole: &[u8]) -> bool {
    is_audible(whole.as_chunks::<SAMPLE_BYTES>().0)
}

fn is_audible(samples: &[[u8; SAMPLE_BYTES]]) -> bool {
    samples.iter().any(|pair| i16::from_le_bytes(*pair).unsigned_abs() > AUDIBLE)
}
