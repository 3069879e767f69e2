use std::collections::VecDeque;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes in a sample.
pub(super) const SAMPLE_BYTES: usize = 2;

/// Chunks below this size are gathered by copying; larger ones are kept as they
/// are. A copy of this size costs less than the bookkeeping of a chunk.
const GATHER_BELOW: usize = 1024;

/// Mends samples that were split between two chunks.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// The first half of a sample whose second half has not arrived.
    half: Option<u8>,
}

/// PCM on its way, in whole samples.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pieces: VecDeque<Bytes>,
    /// Gathered small chunks; comes after `pieces`.
    tail: BytesMut,
    len: usize,
}

// === impl Edges ===

impl Edges {
    /// Cuts a chunk into the sample that it completes and the whole samples
    /// after that. What is left over waits for the next chunk.
    pub(super) fn cut(&mut self, mut chunk: Bytes) -> (Option<[u8; SAMPLE_BYTES]>, Bytes) {
        let mut mended = None;
        if !chunk.is_empty()
            && let Some(first) = self.half.take()
        {
            mended = Some([first, chunk.get_u8()]);
        }
        if chunk.len() % SAMPLE_BYTES == 1 {
            self.half = chunk.last().copied();
            chunk.truncate(chunk.len() - 1);
        }
        (mended, chunk)
    }
}

// === impl Samples ===

impl Samples {
    /// Bytes held.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds whole samples.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        if chunk.len() < GATHER_BELOW {
            self.tail.extend_from_slice(&chunk);
            return;
        }
        self.seal_tail();
        self.pieces.push_back(chunk);
    }

    /// Adds one sample.
    pub(super) fn push_sample(&mut self, sample: [u8; SAMPLE_BYTES]) {
        self.len += sample.len();
        self.tail.extend_from_slice(&sample);
    }

    /// Adds samples, by copying.
    pub(super) fn extend(&mut self, samples: impl Iterator<Item = i16>) {
        let before = self.tail.len();
        for sample in samples {
            self.tail.put_i16_le(sample);
        }
        self.len += self.tail.len() - before;
    }

    /// Removes between `least` and `most` bytes (both of whole samples and above
    /// zero), or nothing when fewer than `least` are held. Hands out a chunk as
    /// it came where that will do.
    pub(super) fn take(&mut self, least: usize, most: usize) -> Option<Bytes> {
        if self.len < least {
            return None;
        }
        let front = self.take_front(most)?;
        if front.len() >= least {
            return Some(front);
        }
        let mut joined = BytesMut::with_capacity(most.min(front.len() + self.len));
        joined.extend_from_slice(&front);
        while joined.len() < most {
            let Some(piece) = self.take_front(most - joined.len()) else { break };
            joined.extend_from_slice(&piece);
        }
        Some(joined.freeze())
    }

    fn take_front(&mut self, most: usize) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.seal_tail();
        }
        let front = self.pieces.front_mut()?;
        let taken =
            if front.len() > most { front.split_to(most) } else { self.pieces.pop_front()? };
        self.len -= taken.len();
        Some(taken)
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
    }
}
