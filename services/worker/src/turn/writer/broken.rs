use nexy_types::ErrorType;

use crate::providers::{Fault, Models};

/// Why a model's reply is not whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Model(#[from] nexy_text_processing::Error),
    #[error("read language model: the reply is empty")]
    Empty,
    #[error("read language model: the reply reached its length limit")]
    TooLong,
    #[error("read language model: the reply was filtered by the provider")]
    Filtered,
    #[error("read language model: the reply broke off")]
    CutOff,
    #[error("wait for language model: the turn's budget is spent")]
    OutOfTime,
    #[error("ask language model: it has failed before and is left alone")]
    LeftAlone,
    /// The listener left; no fault of the model's.
    #[error("write the reply: nobody listens any more")]
    Unheard,
}

// === impl Broken ===

impl Broken {
    /// Whether another model could not do better.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Unheard)
    }

    pub(super) fn error_type(&self) -> ErrorType {
        match self {
            Self::Model(error) => error.error_type(),
            Self::Unheard => ErrorType::CancelledByUser,
            Self::OutOfTime => ErrorType::Timeout,
            Self::Empty | Self::TooLong | Self::Filtered | Self::CutOff | Self::LeftAlone => {
                ErrorType::Unavailable
            }
        }
    }

    /// What it says about the health of the model, if anything.
    pub(super) fn fault(&self, models: &Models) -> Option<Fault> {
        match self {
            Self::Model(error) => models.fault(error),
            Self::Empty | Self::CutOff | Self::OutOfTime => Some(Fault::default()),
            // The model did what it was told, and was not asked at all.
            Self::TooLong | Self::Filtered | Self::LeftAlone | Self::Unheard => None,
        }
    }
}
