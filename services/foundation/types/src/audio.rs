use std::num::NonZeroU32;

/// Samples per second, in Hz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(NonZeroU32);

/// How fast a listener wants to be spoken to: 0.5 to 3.0 times the normal
/// speed. People who listen to a screen reader all day ask for two and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpeechRate {
    /// Thousandths, so that rates can be compared.
    thousandths: u16,
}

/// A speech rate outside 0.5 to 3.0.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("speech rate must be between 0.5 and 3.0")]
pub struct InvalidSpeechRate;

// === impl SampleRate ===

impl SampleRate {
    /// `None` for 0 Hz.
    #[must_use]
    pub const fn new(hz: u32) -> Option<Self> {
        match NonZeroU32::new(hz) {
            Some(hz) => Some(Self(hz)),
            None => None,
        }
    }

    /// In Hz.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.0.get()
    }
}

// === impl SpeechRate ===

impl SpeechRate {
    /// The voice's own speed.
    pub const NORMAL: Self = Self { thousandths: 1000 };

    /// Checks the bounds.
    ///
    /// # Errors
    /// When the factor is outside 0.5 to 3.0 or not a number.
    pub fn new(factor: f32) -> Result<Self, InvalidSpeechRate> {
        if !(0.5..=3.0).contains(&factor) {
            return Err(InvalidSpeechRate);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 500 and 3000"
        )]
        let thousandths = (factor * 1000.0).round() as u16;
        Ok(Self { thousandths })
    }

    /// What is left of this rate when a voice speaks at `spoken`.
    #[must_use]
    pub fn after(self, spoken: Self) -> Self {
        Self::new(self.factor() / spoken.factor()).unwrap_or(Self::NORMAL)
    }

    /// Times the normal speed.
    #[must_use]
    pub fn factor(self) -> f32 {
        f32::from(self.thousandths) / 1000.0
    }
}

impl Default for SpeechRate {
    fn default() -> Self {
        Self::NORMAL
    }
}
