//! What a turn makes of a screenshot.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat as Kind, RgbImage};
use nexy_text_processing::Screen;
use nexy_types::ImageFormat;

use super::*;

/// Small, so that tests are quick.
pub(super) fn settings() -> nexy_image_processing::Settings {
    nexy_image_processing::Settings {
        max_long_edge: 40,
        max_bytes: 100_000,
        max_pixels: 100_000,
        jpeg_quality: 85,
        max_concurrent: 2,
        timeout: Duration::from_millis(300),
    }
}

fn screen(width: u32, height: u32, kind: Kind) -> Bytes {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height)).write_to(&mut file, kind).unwrap();
    file.into_inner().into()
}

fn showing(file: impl Into<Bytes>) -> Question {
    Question { screenshot: Some(file.into()), ..question("What is on my screen?") }
}

fn seer(formats: &[ImageFormat], steps: Vec<Step>) -> Arc<ScriptedModel> {
    Arc::new(ScriptedModel::new("openai", steps).reading(formats))
}

fn answering() -> Vec<Step> {
    vec![Step::text("A window."), Step::stop()]
}

fn failing() -> Vec<Step> {
    vec![Step::Error(ModelError::Unavailable(Refusal::default()))]
}

/// What a model was shown: the format, and the file's edges.
fn shown(model: &ScriptedModel) -> (ImageFormat, Bytes, (u32, u32)) {
    let request = model.requests().pop().unwrap();
    let image = request.screen.image().expect("the screen is shown").clone();
    let edges = image::load_from_memory(&image.data).unwrap();
    (image.format, image.data, (edges.width(), edges.height()))
}

#[tokio::test]
async fn each_model_is_shown_the_form_that_it_reads() {
    let first = seer(&[ImageFormat::WebP], failing());
    let second = seer(&[ImageFormat::Jpeg, ImageFormat::Png], answering());
    let bench = Bench::new(vec![first.clone(), second.clone()], vec![Arc::new(voice("espeak"))]);
    let heard = bench.answer(showing(screen(160, 80, Kind::Png))).await;
    assert_eq!(heard.texts(), ["A window."]);
    assert!(heard.ended.outcome.degraded.is_empty());
    let (format, _, edges) = shown(&first);
    assert_eq!((format, edges), (ImageFormat::WebP, (40, 20)));
    let (format, _, edges) = shown(&second);
    assert_eq!((format, edges), (ImageFormat::Jpeg, (40, 20)));
}

#[tokio::test]
async fn a_form_that_the_next_model_reads_is_not_made_again() {
    let first = seer(&[ImageFormat::Jpeg], failing());
    let second = seer(&[ImageFormat::WebP, ImageFormat::Jpeg], answering());
    let bench = Bench::new(vec![first.clone(), second.clone()], vec![Arc::new(voice("espeak"))]);
    bench.answer(showing(screen(160, 80, Kind::WebP))).await;
    assert_eq!(shown(&first).1.as_ptr(), shown(&second).1.as_ptr());
}

#[tokio::test]
async fn a_screenshot_that_fits_is_shown_as_it_came() {
    let model = seer(&[ImageFormat::Jpeg, ImageFormat::WebP], answering());
    let bench = Bench::new(vec![model.clone()], vec![Arc::new(voice("espeak"))]);
    let file = screen(40, 40, Kind::WebP);
    bench.answer(showing(file.clone())).await;
    let (format, data, _) = shown(&model);
    assert_eq!((format, data.as_ptr()), (ImageFormat::WebP, file.as_ptr()));
}

#[tokio::test]
async fn a_screenshot_that_cannot_be_read_costs_no_answer_and_is_told() {
    let whole = screen(160, 80, Kind::Png);
    let broken =
        [whole.slice(..whole.len() / 2), screen(1000, 1000, Kind::Png), Bytes::from_static(b"?")];
    for file in broken {
        let model = seer(&[ImageFormat::Png], answering());
        let bench = Bench::new(vec![model.clone()], vec![Arc::new(voice("espeak"))]);
        let heard = bench.answer(showing(file)).await;
        assert_eq!(heard.texts(), ["A window."]);
        assert!(heard.ended.result.is_ok());
        assert_eq!(heard.ended.outcome.degraded, ["screenshot"]);
        assert_eq!(model.requests()[0].screen, Screen::Withheld);
    }
}

#[tokio::test]
async fn a_model_that_sees_no_images_knows_that_there_is_one() {
    let model = seer(&[], answering());
    let bench = Bench::new(vec![model.clone()], vec![Arc::new(voice("espeak"))]);
    let heard = bench.answer(showing(screen(160, 80, Kind::Png))).await;
    assert_eq!(model.requests()[0].screen, Screen::Withheld);
    assert!(heard.ended.outcome.degraded.is_empty(), "it says so itself");
    bench.ask("What time is it?").await;
    assert_eq!(model.requests()[1].screen, Screen::NotSent);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_too_busy_shows_the_screenshot_as_it_came() {
    let first = seer(&[ImageFormat::Png], failing());
    let second = seer(&[ImageFormat::WebP], answering());
    let load = settings().timeout;
    let voices: Vec<Arc<dyn SpeechSynthesizer>> = vec![Arc::new(voice("espeak"))];
    let mut bench = Bench::remembering(load, vec![first.clone(), second.clone()], voices);
    let full = nexy_image_processing::Settings { max_concurrent: 0, ..settings() };
    bench.pipeline.images = Images::new(full);
    let file = screen(160, 80, Kind::Png);
    let heard = bench.answer(showing(file.clone())).await;
    assert_eq!(shown(&first).1, file);
    // It does not read the file, and nobody waits for the pool once more.
    assert_eq!(second.requests()[0].screen, Screen::Withheld);
    assert_eq!(heard.ended.outcome.degraded, ["screenshot"]);
    assert_eq!(heard.took, load, "memory was recalled meanwhile");
}
