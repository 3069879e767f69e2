use sha2::{Digest as _, Sha256};

/// Bits of a sketch: 8 KiB, good for some hundred thousand installations.
const BITS: u32 = 65_536;

/// Counts different names without keeping any (linear counting: Whang, 1990):
/// each name sets one bit, and the bits that stay empty tell how many came.
pub(super) struct Sketch {
    bits: Vec<u64>,
    set: u32,
}

// === impl Sketch ===

impl Default for Sketch {
    fn default() -> Self {
        Self { bits: vec![0; BITS as usize / 64], set: 0 }
    }
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sketch").field("set", &self.set).finish_non_exhaustive()
    }
}

impl Sketch {
    /// Notes a name; about how many different ones there were.
    pub(super) fn see(&mut self, name: &str) -> i64 {
        let digest = Sha256::digest(name);
        let bit = match digest.as_slice() {
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        if let Some(word) = self.bits.get_mut(bit / 64) {
            let mask = 1 << (bit % 64);
            self.set += u32::from(*word & mask == 0);
            *word |= mask;
        }
        self.estimate()
    }

    fn estimate(&self) -> i64 {
        let all = f64::from(BITS);
        let empty = f64::from(BITS - self.set).max(1.0);
        let estimate = (-all * (empty / all).ln()).round();
        #[expect(clippy::cast_possible_truncation, reason = "at most 65536 ln 65536")]
        {
            estimate as i64
        }
    }
}

#[cfg(test)]
mod tests;
