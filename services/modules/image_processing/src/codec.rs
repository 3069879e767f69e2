//! The work itself: decode, scale, encode. Plain code; milliseconds of CPU.

use std::io::Cursor;

use fast_image_resize::{
    FilterType as Filter, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image as Target, ImageRef as Source},
};
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageReader, Limits, RgbImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
};
use nexy_types::ImageFormat;

use crate::{Error, header::Size};

/// What is made of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// The kind of file that is read.
    pub(crate) from: ImageFormat,
    /// The kind of file that is written.
    pub(crate) to: ImageFormat,
    /// Whether a file without loss that comes out too large may become a JPEG: one
    /// above `max_bytes`, or larger than what it was made of.
    pub(crate) or_jpeg: bool,
    pub(crate) max_long_edge: u32,
    pub(crate) max_bytes: usize,
    pub(crate) max_pixels: u64,
    pub(crate) jpeg_quality: u8,
}

/// The most that a decoder may allocate for a pixel: four channels of 16 bits.
const BYTES_PER_PIXEL: u64 = 8;

/// What transparent pixels are put on, as the page under the shadow of a window.
const PAPER: u32 = 0xff;

// === impl Order ===

impl Order {
    /// Makes the file.
    pub(crate) fn carry_out(self, file: &[u8]) -> Result<(ImageFormat, Vec<u8>), Error> {
        let pixels = flat(self.decode(file)?)?;
        let pixels = self.scale(pixels)?;
        let made = self.encode(&pixels, self.to)?;
        let is_too_large = made.len() > self.max_bytes.min(file.len());
        if self.or_jpeg && self.to != ImageFormat::Jpeg && is_too_large {
            return Ok((ImageFormat::Jpeg, self.encode(&pixels, ImageFormat::Jpeg)?));
        }
        Ok((self.to, made))
    }

    /// The image as it is to be looked at.
    fn decode(self, file: &[u8]) -> Result<DynamicImage, Error> {
        let mut reader = ImageReader::with_format(Cursor::new(file), kind(self.from));
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(self.max_pixels.saturating_mul(BYTES_PER_PIXEL));
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(unreadable)?;
        // The decoder's own word: the header may have said something else.
        let (width, height) = decoder.dimensions();
        if (Size { width, height }).pixels() > self.max_pixels {
            return Err(Error::TooManyPixels);
        }
        // Told by the metadata, which are not passed on.
        let orientation = decoder.orientation().map_err(unreadable)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
        image.apply_orientation(orientation);
        Ok(image)
    }

    /// Scaled down, never up.
    fn scale(self, pixels: RgbImage) -> Result<RgbImage, Error> {
        let size = Size { width: pixels.width(), height: pixels.height() };
        if size.long_edge() <= self.max_long_edge {
            return Ok(pixels);
        }
        let small = size.with_long_edge(self.max_long_edge);
        let source = Source::new(size.width, size.height, pixels.as_raw(), PixelType::U8x3)
            .map_err(|_| Error::Failed)?;
        let mut target = Target::new(small.width, small.height, PixelType::U8x3);
        // Keeps the strokes of small letters apart, at a few milliseconds.
        let filter = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(Filter::Lanczos3));
        Resizer::new().resize(&source, &mut target, &filter).map_err(|_| Error::Failed)?;
        RgbImage::from_raw(small.width, small.height, target.into_vec()).ok_or(Error::Failed)
    }

    fn encode(self, pixels: &RgbImage, format: ImageFormat) -> Result<Vec<u8>, Error> {
        let mut file = Vec::new();
        match format {
            ImageFormat::WebP => pixels.write_with_encoder(WebPEncoder::new_lossless(&mut file)),
            ImageFormat::Png => pixels.write_with_encoder(PngEncoder::new_with_quality(
                &mut file,
                CompressionType::Fast,
                FilterType::Adaptive,
            )),
            ImageFormat::Jpeg => pixels
                .write_with_encoder(JpegEncoder::new_with_quality(&mut file, self.jpeg_quality)),
        }
        .map_err(|_| Error::Failed)?;
        Ok(file)
    }
}

/// Without alpha: JPEG has none, and models that drop it show what it has hidden.
fn flat(image: DynamicImage) -> Result<RgbImage, Error> {
    if !image.color().has_alpha() {
        return Ok(image.into_rgb8());
    }
    let image = image.into_rgba8();
    let (width, height) = image.dimensions();
    let (pixels, _) = image.as_raw().as_chunks::<4>();
    let flat = pixels.iter().flat_map(|[red, green, blue, alpha]| {
        [red, green, blue].map(|channel| over_paper(*channel, *alpha))
    });
    RgbImage::from_raw(width, height, flat.collect()).ok_or(Error::Failed)
}

/// What is seen of a channel on the paper, rounded.
fn over_paper(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    let mixed = channel * alpha + PAPER * (0xff - alpha);
    u8::try_from((mixed + 0x7f) / 0xff).unwrap_or(u8::MAX)
}

fn kind(format: ImageFormat) -> image::ImageFormat {
    match format {
        ImageFormat::WebP => image::ImageFormat::WebP,
        ImageFormat::Png => image::ImageFormat::Png,
        ImageFormat::Jpeg => image::ImageFormat::Jpeg,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn unreadable(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => Error::TooManyPixels,
        _ => Error::Unreadable,
    }
}

#[cfg(test)]
mod tests;
