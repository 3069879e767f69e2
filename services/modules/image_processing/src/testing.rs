//! Files for tests, made by the codecs themselves.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat as Kind, RgbImage, Rgba, RgbaImage};
use nexy_types::ImageFormat;

use crate::{codec::Order, header::Size};

/// A screen with a red left half and a blue right half.
pub(crate) fn screen(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, _| {
        image::Rgb(if x < width / 2 { [200, 0, 0] } else { [0, 0, 200] })
    })
    .into()
}

/// Noise, which no codec without loss can make small.
pub(crate) fn noise(width: u32, height: u32) -> DynamicImage {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    RgbImage::from_fn(width, height, |_, _| image::Rgb([next(), next(), next()])).into()
}

/// One colour with alpha throughout.
pub(crate) fn glass(width: u32, height: u32, colour: [u8; 4]) -> DynamicImage {
    RgbaImage::from_pixel(width, height, Rgba(colour)).into()
}

pub(crate) fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let kind = match format {
        ImageFormat::WebP => Kind::WebP,
        ImageFormat::Png => Kind::Png,
        ImageFormat::Jpeg => Kind::Jpeg,
    };
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, kind).unwrap();
    file.into_inner()
}

/// Reads a file back.
pub(crate) fn look(file: &[u8]) -> (RgbImage, Size) {
    let image = image::load_from_memory(file).unwrap().into_rgb8();
    let size = Size { width: image.width(), height: image.height() };
    (image, size)
}

/// A PNG that claims a size that it does not have; its checksum is right.
pub(crate) fn lying_png(claimed: Size) -> Vec<u8> {
    let mut file = file(&screen(10, 10), ImageFormat::Png);
    file[16..20].copy_from_slice(&claimed.width.to_be_bytes());
    file[20..24].copy_from_slice(&claimed.height.to_be_bytes());
    let checksum = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.to_be_bytes());
    file
}

/// An order that changes nothing but the format.
pub(crate) fn order(from: ImageFormat, to: ImageFormat) -> Order {
    Order {
        from,
        to,
        or_jpeg: false,
        max_long_edge: 1000,
        max_bytes: usize::MAX,
        max_pixels: 1_000_000,
        jpeg_quality: 85,
    }
}

/// PNG Annex D.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
