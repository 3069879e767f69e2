//! Screenshots as clients send them: base64 of a WebP, PNG or JPEG file.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use nexy_types::ImageFormat;

use crate::refusal::Refusal;

/// Standard alphabet; padding may be there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An image file of a known kind. Its `Debug` does not show it: it is user data.
#[derive(Clone)]
pub(crate) struct Screenshot {
    pub(crate) format: ImageFormat,
    pub(crate) data: Bytes,
}

// === impl Screenshot ===

impl Screenshot {
    /// Decodes and checks. Costs up to some milliseconds of CPU for the largest.
    ///
    /// # Errors
    /// `validation_failed` when it is not base64, not an image of a known kind,
    /// or larger than `max_bytes`.
    pub(crate) fn decode(base64: &str, max_bytes: usize) -> Result<Self, Refusal> {
        // Four characters carry three bytes: refuse before decoding.
        if base64.len() / 4 * 3 > max_bytes + 3 {
            return Err(too_large(max_bytes));
        }
        let data = BASE64
            .decode(base64)
            .map_err(|_| Refusal::invalid("screenshot must be standard base64"))?;
        if data.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        let format = ImageFormat::of_signature(&data)
            .ok_or_else(|| Refusal::invalid("screenshot must be a WebP, PNG or JPEG image"))?;
        Ok(Self { format, data: data.into() })
    }
}

/// What it weighs in the buffer of collected questions.
impl AsRef<[u8]> for Screenshot {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl fmt::Debug for Screenshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Screenshot({}, {} bytes)", self.format.mime(), self.data.len())
    }
}

fn too_large(max_bytes: usize) -> Refusal {
    Refusal::invalid(format!("screenshot must be at most {max_bytes} bytes once decoded"))
}

#[cfg(test)]
mod tests;
