use proptest::prelude::*;

use super::*;
use crate::testing::{file, glass, noise, screen};

const FORMATS: [ImageFormat; 3] = [ImageFormat::WebP, ImageFormat::Png, ImageFormat::Jpeg];

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

fn check(file: &[u8], expected: Option<(ImageFormat, Size)>) {
    let found = Header::of(file).map(|header| (header.format, header.size));
    assert_eq!(found, expected);
}

/// A JPEG of these segments, each a marker and its data.
fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    for (marker, data) in segments {
        file.extend([0xff, *marker]);
        file.extend(u16::try_from(data.len() + 2).unwrap().to_be_bytes());
        file.extend(*data);
    }
    file
}

/// A WebP of one chunk.
fn webp(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let mut file = b"RIFF".to_vec();
    file.extend(length(data.len() + 12));
    file.extend(b"WEBP");
    file.extend(kind);
    file.extend(length(data.len()));
    file.extend(data);
    file
}

#[test]
fn what_the_codecs_write_is_read() {
    for format in FORMATS {
        for image in [screen(300, 20), noise(3, 700), glass(40, 30, [1, 2, 3, 128])] {
            let image = image.into_rgb8().into();
            let found = Header::of(&file(&image, format)).unwrap();
            assert_eq!((found.format, found.size), (format, size(image.width(), image.height())));
            assert!(found.is_whole, "{format:?}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_not_whole() {
    for format in FORMATS {
        let whole = file(&noise(100, 100), format);
        for length in [whole.len() - 1, whole.len() / 2] {
            let cut = Header::of(&whole[..length]).unwrap();
            assert_eq!(cut.size, size(100, 100));
            assert!(!cut.is_whole, "{format:?}");
        }
    }
}

#[test]
fn the_frame_header_of_a_jpeg_is_found_behind_what_cameras_write() {
    let frame = [8, 0x03, 0x20, 0x05, 0x00, 3];
    let expected = Some((ImageFormat::Jpeg, size(1280, 800)));
    check(&jpeg(&[(0xe0, b"JFIF"), (0xe1, &[0xff; 60_000]), (0xc0, &frame)]), expected);
    // Progressive, after tables whose marker looks like a frame's.
    check(&jpeg(&[(0xdb, &[1; 65]), (0xc4, &[0; 30]), (0xc2, &frame)]), expected);
    let mut filled = jpeg(&[(0xe0, b"JFIF")]);
    filled.extend([0xff; 5]);
    filled.extend(&jpeg(&[(0xc0, &frame)])[2..]);
    check(&filled, expected);

    check(&jpeg(&[(0xe0, b"JFIF")]), None);
    check(&jpeg(&[(0xc0, &frame[..4])]), None);
    check(&jpeg(&[(0xe0, b"JFIF"), (0xc0, &[8, 0, 0, 5, 0, 3])]), None);
    check(&jpeg(&vec![(0xe0, &[][..]); MOST_SEGMENTS]), None);
}

#[test]
fn all_three_kinds_of_webp_are_read() {
    let lossy = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x45, 0x20, 0x83, 0];
    check(&webp(b"VP8 ", &lossy), Some((ImageFormat::WebP, size(1280, 800))));
    let extended = [0x10, 0, 0, 0, 0xff, 0x04, 0, 0x1f, 0x03, 0];
    check(&webp(b"VP8X", &extended), Some((ImageFormat::WebP, size(1280, 800))));
    let lossless = (0x1f_u32 << 14 | 0x4ff).to_le_bytes();
    let lossless = [&[0x2f], &lossless[..]].concat();
    check(&webp(b"VP8L", &lossless), Some((ImageFormat::WebP, size(1280, 32))));

    check(&webp(b"VP8 ", &lossy[1..]), None);
    check(&webp(b"VP8L", &[0x2e, 0, 0, 0, 0]), None);
    check(&webp(b"ALPH", &extended), None);
}

#[test]
fn loss_is_told_by_the_kind_of_file() {
    for (format, expected) in
        [(ImageFormat::WebP, false), (ImageFormat::Png, false), (ImageFormat::Jpeg, true)]
    {
        assert_eq!(has_loss(&file(&screen(20, 20), format)), expected, "{format:?}");
    }
    assert!(has_loss(&webp(b"VP8 ", &[])));
    assert!(!has_loss(b""));
}

#[test]
fn other_files_have_no_header() {
    check(b"", None);
    check(b"GIF89a\x01\0\x01\0", None);
    check(b"\x89PNG\r\n\x1a\n", None);
    check(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT\0\0\0\x01\0\0\0\x01", None);
    check(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x00\0\0\0\x01", None);
}

#[test]
fn a_size_is_scaled_to_its_long_edge_and_keeps_its_shape() {
    assert_eq!(size(2880, 1800).with_long_edge(2048), size(2048, 1280));
    assert_eq!(size(1800, 2880).with_long_edge(2048), size(1280, 2048));
    assert_eq!(size(1000, 333).with_long_edge(100), size(100, 33));
    assert_eq!(size(60_000, 2).with_long_edge(100), size(100, 1));
    assert_eq!(size(u32::MAX, u32::MAX).with_long_edge(64), size(64, 64));
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        format in 0..3_usize,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let start = file(&screen(2, 2), FORMATS[format]);
        for kept in [3, 8, 12, 16, 20] {
            let mut file = start[..kept].to_vec();
            file.extend(&body);
            let _ = Header::of(&file);
        }
    }
}
