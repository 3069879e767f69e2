use nexy_types::ImageFormat::{Jpeg, Png, WebP};

use super::*;
use crate::{
    header::Size,
    testing::{file, look, lying_png, noise, screen},
};

const ALL: &[ImageFormat] = &[WebP, Jpeg, Png];

fn settings() -> Settings {
    Settings {
        max_long_edge: 100,
        max_bytes: 20_000,
        max_pixels: 1_000_000,
        jpeg_quality: 85,
        max_concurrent: 2,
        timeout: Duration::from_secs(20),
    }
}

async fn fit(file: Vec<u8>, formats: &[ImageFormat]) -> Result<Fitted, Error> {
    Images::new(settings()).fit(file.into(), formats).await
}

#[tokio::test]
async fn a_file_that_fits_is_the_same_file() {
    for format in [WebP, Png, Jpeg] {
        let given = Bytes::from(file(&screen(100, 60), format));
        // No place to work at, so that it cannot be work.
        let images = Images::new(Settings { max_concurrent: 0, ..settings() });
        for formats in [ALL, &[format]] {
            let fitted = images.fit(given.clone(), formats).await.unwrap();
            assert_eq!((fitted.format, fitted.conversion), (format, None));
            assert_eq!((fitted.data.as_ptr(), fitted.data.len()), (given.as_ptr(), given.len()));
        }
    }
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_converted_to_the_first_format() {
    let cut = file(&screen(100, 60), Jpeg);
    let rows = [
        ("long", file(&screen(400, 200), Png), ALL, WebP, 100),
        ("long and of the format", file(&screen(400, 200), Png), &[Png], Png, 100),
        ("not read", file(&screen(50, 20), WebP), &[Jpeg, Png], Jpeg, 50),
        ("heavy", file(&noise(99, 99), Png), &[Jpeg, Png], Jpeg, 99),
        ("heavy without loss", file(&noise(99, 99), Png), ALL, Jpeg, 99),
        // What a decoder makes of it is better than what nobody can read.
        ("cut off", cut[..cut.len() - 2].to_vec(), &[Png], Png, 100),
        ("with loss", file(&screen(400, 200), Jpeg), ALL, Jpeg, 100),
    ];
    for (name, given, formats, format, width) in rows {
        let from = ImageFormat::of_signature(&given).unwrap();
        let fitted = fit(given, formats).await.unwrap();
        assert_eq!(fitted.conversion.map(|conversion| conversion.from), Some(from), "{name}");
        assert_eq!(fitted.format, format, "{name}");
        assert_eq!(ImageFormat::of_signature(&fitted.data), Some(format), "{name}");
        assert_eq!(look(&fitted.data).1.width, width, "{name}");
    }
}

#[tokio::test]
async fn a_webp_with_loss_is_read_and_stays_one_with_loss() {
    // One pixel.
    let file: &[u8] = b"RIFF\x22\0\0\0WEBPVP8 \x16\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x0e\xc0\
        \xfe\x25\xa4\0\x03\x70\0\0\0\0";
    let images = Images::new(Settings { max_bytes: 10, ..settings() });
    let fitted = images.fit(Bytes::from_static(file), ALL).await.unwrap();
    assert_eq!(fitted.format, Jpeg);
    assert_eq!(look(&fitted.data).1, Size { width: 1, height: 1 });
}

#[tokio::test]
async fn what_is_no_image_is_refused() {
    let whole = file(&noise(80, 80), Png);
    let bomb = lying_png(Size { width: 50_000, height: 50_000 });
    let rows = [
        (b"GIF89a".to_vec(), Error::Unreadable),
        (b"\x89PNG\r\n\x1a\nzzzzzzzzzzzzzzzzzzzzzzzzzzzz".to_vec(), Error::Unreadable),
        (whole[..whole.len() / 2].to_vec(), Error::Unreadable),
        (bomb, Error::TooManyPixels),
    ];
    for (given, error) in rows {
        assert_eq!(fit(given, ALL).await, Err(error));
    }
    assert_eq!(fit(whole, &[]).await, Err(Error::Failed));
}

#[tokio::test]
async fn debug_shows_no_pixels() {
    let fitted = fit(file(&screen(100, 60), Jpeg), ALL).await.unwrap();
    let expected = format!("Fitted(image/jpeg, {} bytes)", fitted.data.len());
    assert_eq!(format!("{fitted:?}"), expected);
}
