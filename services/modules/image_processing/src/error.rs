use nexy_types::ErrorType;

/// Why an image does not fit its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is broken, or of a kind that cannot be read here.
    #[error("read image: the file is broken")]
    Unreadable,
    /// More pixels than the settings allow.
    #[error("read image: it has too many pixels")]
    TooManyPixels,
    /// No place on the pool in time, or the work took too long.
    #[error("convert image: it took too long")]
    TooSlow,
    /// A fault of ours or of a codec. The image may be good.
    #[error("convert image: the conversion broke off")]
    Failed,
}

// === impl Error ===

impl Error {
    /// The public type.
    #[must_use]
    pub const fn error_type(self) -> ErrorType {
        match self {
            Self::Unreadable | Self::TooManyPixels => ErrorType::ValidationFailed,
            Self::TooSlow => ErrorType::Timeout,
            Self::Failed => ErrorType::Internal,
        }
    }

    /// The name in the decision log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooSlow => "too_slow",
            Self::Failed => "failed",
        }
    }

    /// Whether the file itself may be good, so that somebody else can read it.
    #[must_use]
    pub const fn spares_the_file(self) -> bool {
        matches!(self, Self::TooSlow | Self::Failed)
    }
}
