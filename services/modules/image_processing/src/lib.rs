//! Makes screenshots fit what a language model reads: scaled down, in a format of
//! its choice.
//!
//! The worker hands the file of a screenshot and the formats of a model to
//! [`Images::fit`], and sends the model what comes back. A file that fits passes
//! untouched after a look at its header.
//!
//! Invariants:
//! - Decoding is bounded in pixels, in memory, in how much of it goes on at once
//!   and in how long anybody waits for it. A codec that panics is an [`Error`].
//! - An image is never scaled up, and its shape is kept.
//! - What is written has no alpha and no metadata.
//! - No error, log or `Debug` output holds anything of an image but sizes.
//!
//! Deliberately not here: what happens to a question whose screenshot does not
//! fit, what the models' formats are, and the order of models (the worker).

mod codec;
mod error;
mod header;
mod pool;

use std::{
    fmt,
    time::{Duration, Instant},
};

use bytes::Bytes;
use nexy_types::ImageFormat;

pub use error::Error;

use codec::Order;
use header::Header;
use pool::Pool;

/// What fits, and what may be spent on it.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The longer of an image's edges, in pixels.
    pub max_long_edge: u32,
    /// The largest file that is passed on as it is, or written without loss.
    pub max_bytes: usize,
    /// What has more is not decoded.
    pub max_pixels: u64,
    /// 1 to 100.
    pub jpeg_quality: u8,
    /// How many images are converted at once.
    pub max_concurrent: usize,
    /// For one image, the wait for its turn included.
    pub timeout: Duration,
}

/// Makes images fit.
#[derive(Debug)]
pub struct Images {
    settings: Settings,
    pool: Pool,
}

/// An image that fits. `Debug` shows its size.
#[derive(Clone, PartialEq, Eq)]
pub struct Fitted {
    /// One of the formats that were asked for.
    pub format: ImageFormat,
    /// The file.
    pub data: Bytes,
    /// `None` when it is the file that was given.
    pub conversion: Option<Conversion>,
}

/// What it took to make an image fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    /// What the image was.
    pub from: ImageFormat,
    /// The wait for a place included.
    pub took: Duration,
}

// === impl Images ===

impl Images {
    /// Prepares the pool; nothing runs yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, pool: Pool::new(settings.max_concurrent, settings.timeout) }
    }

    /// The image for a reader of these formats, the one it likes best first.
    ///
    /// # Errors
    /// When the image cannot be read, is too large to be decoded, or when there is
    /// no time to do so. [`Error::Failed`] without a format.
    pub async fn fit(&self, file: Bytes, formats: &[ImageFormat]) -> Result<Fitted, Error> {
        let format = ImageFormat::of_signature(&file).ok_or(Error::Unreadable)?;
        let first = *formats.first().ok_or(Error::Failed)?;
        let [is_read, reads_jpeg] = [format, ImageFormat::Jpeg].map(|kind| formats.contains(&kind));
        if let Some(header) = Header::of(&file) {
            if header.size.pixels() > self.settings.max_pixels {
                return Err(Error::TooManyPixels);
            }
            if is_read && self.is_small_enough(header, file.len()) {
                return Ok(Fitted { format, data: file, conversion: None });
            }
        }
        let order = Order {
            from: format,
            // The traces of what was left out cannot be packed without loss.
            to: if reads_jpeg && header::has_loss(&file) { ImageFormat::Jpeg } else { first },
            or_jpeg: reads_jpeg,
            max_long_edge: self.settings.max_long_edge,
            max_bytes: self.settings.max_bytes,
            max_pixels: self.settings.max_pixels,
            jpeg_quality: self.settings.jpeg_quality,
        };
        self.convert(file, order).await
    }

    fn is_small_enough(&self, header: Header, bytes: usize) -> bool {
        header.is_whole
            && header.size.long_edge() <= self.settings.max_long_edge
            && bytes <= self.settings.max_bytes
    }

    async fn convert(&self, file: Bytes, order: Order) -> Result<Fitted, Error> {
        let began = Instant::now();
        let (format, made) = self.pool.run(move || order.carry_out(&file)).await?;
        let conversion = Some(Conversion { from: order.from, took: began.elapsed() });
        Ok(Fitted { format, data: made.into(), conversion })
    }
}

// === impl Fitted ===

impl fmt::Debug for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fitted({}, {} bytes)", self.format.mime(), self.data.len())
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
