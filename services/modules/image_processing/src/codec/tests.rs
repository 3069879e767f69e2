use image::{ImageBuffer, Rgb};
use nexy_types::ImageFormat::{Jpeg, Png, WebP};

use super::*;
use crate::testing::{file, glass, look, lying_png, noise, order, screen};

const FORMATS: [ImageFormat; 3] = [WebP, Png, Jpeg];

fn convert(order: Order, image: &DynamicImage) -> (ImageFormat, Vec<u8>) {
    order.carry_out(&file(image, order.from)).unwrap()
}

fn is_near(pixel: &Rgb<u8>, expected: [u8; 3]) -> bool {
    pixel.0.iter().zip(expected).all(|(channel, expected)| channel.abs_diff(expected) <= 6)
}

#[test]
fn every_format_becomes_every_other_at_the_asked_size() {
    for from in FORMATS {
        for to in FORMATS {
            let small = Order { max_long_edge: 50, ..order(from, to) };
            let (format, made) = convert(small, &screen(200, 80));
            assert_eq!((format, ImageFormat::of_signature(&made)), (to, Some(to)));
            let (image, size) = look(&made);
            assert_eq!(size, Size { width: 50, height: 20 }, "{from:?} to {to:?}");
            assert!(is_near(image.get_pixel(5, 10), [200, 0, 0]));
            assert!(is_near(image.get_pixel(44, 10), [0, 0, 200]));
        }
    }
}

#[test]
fn nothing_is_scaled_up() {
    let (_, made) = convert(order(Png, WebP), &screen(200, 80));
    assert_eq!(look(&made).1, Size { width: 200, height: 80 });
}

#[test]
fn what_shines_through_is_put_on_white() {
    let rows = [
        ([0, 0, 0, 0], [255, 255, 255]),
        ([200, 100, 0, 255], [200, 100, 0]),
        ([0, 0, 0, 128], [127, 127, 127]),
        ([255, 0, 0, 64], [255, 191, 191]),
    ];
    for (colour, expected) in rows {
        for (from, to) in [(Png, Jpeg), (WebP, Jpeg), (Png, WebP), (WebP, Png)] {
            let (_, made) = convert(order(from, to), &glass(16, 16, colour));
            let (image, _) = look(&made);
            let pixel = image.get_pixel(8, 8);
            assert!(is_near(pixel, expected), "{colour:?} from {from:?} to {to:?}: {pixel:?}");
        }
    }
}

#[test]
fn grey_and_deep_colours_are_read() {
    let grey = DynamicImage::from(screen(20, 20).into_luma8());
    assert!(is_near(look(&convert(order(Png, Png), &grey).1).0.get_pixel(15, 5), [14, 14, 14]));
    let deep = ImageBuffer::from_pixel(20, 20, image::Rgba([0xc8c8_u16, 0, 0x6464, 0xffff]));
    let deep = DynamicImage::from(deep);
    assert!(is_near(look(&convert(order(Png, Jpeg), &deep).1).0.get_pixel(5, 5), [200, 0, 100]));
}

#[test]
fn an_image_that_lies_on_its_side_is_put_upright() {
    // Exif, one entry: orientation 6, to be turned clockwise by a quarter.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut turned = file(&screen(80, 40), Jpeg);
    let mut segment = vec![0xff, 0xe1, 0, u8::try_from(exif.len() + 2).unwrap()];
    segment.extend(exif);
    turned.splice(2..2, segment);
    let (_, made) = order(Jpeg, Png).carry_out(&turned).unwrap();
    let (image, size) = look(&made);
    assert_eq!(size, Size { width: 40, height: 80 });
    assert!(is_near(image.get_pixel(20, 10), [200, 0, 0]), "left is now above");
}

#[test]
fn a_file_without_loss_that_is_too_large_becomes_a_jpeg_where_that_is_read() {
    let tight = Order { max_bytes: 20_000, ..order(Png, WebP) };
    let (kept, large) = convert(tight, &noise(100, 100));
    assert_eq!(kept, WebP);
    let (made, small) = convert(Order { or_jpeg: true, ..tight }, &noise(100, 100));
    assert_eq!(made, Jpeg);
    assert!(small.len() < large.len() && large.len() > tight.max_bytes);
    let (made, _) = convert(Order { or_jpeg: true, ..tight }, &screen(100, 100));
    assert_eq!(made, WebP, "it fits");
    // A photo, as it were, that had become small by loss.
    let blurred = look(&file(&noise(100, 100), Jpeg)).0.into();
    let order = Order { or_jpeg: true, jpeg_quality: 40, ..order(Jpeg, WebP) };
    assert_eq!(convert(order, &blurred).0, Jpeg, "without loss it would grow");
}

#[test]
fn the_quality_of_jpeg_is_obeyed() {
    let size = |jpeg_quality| {
        let order = Order { jpeg_quality, ..order(Png, Jpeg) };
        convert(order, &noise(100, 100)).1.len()
    };
    assert!(size(30) * 2 < size(95));
}

#[test]
fn broken_files_are_told_from_those_that_are_too_large() {
    let png = file(&noise(100, 100), Png);
    let webp = file(&noise(100, 100), WebP);
    let size = |width, height| Size { width, height };
    let rows = [
        (Png, png[..png.len() / 2].to_vec(), Error::Unreadable),
        (WebP, webp[..webp.len() / 2].to_vec(), Error::Unreadable),
        (Jpeg, file(&screen(10, 10), Jpeg)[..100].to_vec(), Error::Unreadable),
        (Png, b"\x89PNG\r\n\x1a\nzzzzzzzzzzzzzzzzzzzz".to_vec(), Error::Unreadable),
        (Jpeg, b"\xff\xd8\xff\xe0zzzzzzzzzzzzzzzzzzz".to_vec(), Error::Unreadable),
        (WebP, b"RIFF\x10\0\0\0WEBPVP8 zzzzzzzzzzzz".to_vec(), Error::Unreadable),
        // The decoder finds less than the header promises, or is told not to look.
        (Png, lying_png(size(100, 100)), Error::Unreadable),
        (Png, lying_png(size(60_000, 60_000)), Error::TooManyPixels),
        (Png, lying_png(size(1, 1_000_001)), Error::TooManyPixels),
        (Png, lying_png(size(u32::MAX >> 1, u32::MAX >> 1)), Error::TooManyPixels),
    ];
    for (from, file, expected) in rows {
        assert_eq!(order(from, Jpeg).carry_out(&file), Err(expected), "{from:?} {}", file.len());
    }
}

#[test]
fn the_limit_of_pixels_is_what_is_still_decoded() {
    let image = file(&screen(100, 50), Png);
    let limit = |max_pixels| Order { max_pixels, ..order(Png, Jpeg) };
    assert!(limit(5000).carry_out(&image).is_ok());
    assert_eq!(limit(4999).carry_out(&image), Err(Error::TooManyPixels));
}
