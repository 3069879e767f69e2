//! What models get of a screenshot.

use std::io::Cursor;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{DynamicImage, ImageFormat, RgbImage};
use nexy_proto::streaming::StreamRequest;
use nexy_testkit::{
    chat_server::Script,
    gemini_server,
    stack::{Line, Stack, question},
};

use crate::support::{Fakes, SOON, ask, assert_whole};

/// A PNG of a plain screen, in base64.
fn screen(width: u32, height: u32) -> anyhow::Result<String> {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height)).write_to(&mut file, ImageFormat::Png)?;
    Ok(STANDARD.encode(file.into_inner()))
}

fn showing(screenshot: String) -> StreamRequest {
    StreamRequest { screenshot: Some(screenshot), ..question("device-1", "What is this?") }
}

/// The kind of file that it really is, and its edges.
fn look(base64: &str) -> anyhow::Result<(ImageFormat, u32, u32)> {
    let file = STANDARD.decode(base64)?;
    let image = image::load_from_memory(&file)?;
    Ok((image::guess_format(&file)?, image.width(), image.height()))
}

/// What the worker has told of screenshots once this is among it.
async fn told(stack: &Stack, last: &str) -> anyhow::Result<Vec<Line>> {
    stack.worker.as_ref().context("a worker")?.wait_for(last, SOON).await?;
    let lines = stack.decisions()?.into_iter();
    Ok(lines.filter(|line| line.decision.starts_with("screenshot_")).collect())
}

#[tokio::test]
async fn a_screenshot_that_fits_reaches_the_model_as_it_is() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["A picture."])).await?;
    let stack = fakes.stack().start().await?;
    let given = screen(400, 300)?;
    assert_whole(&ask(&stack, showing(given.clone())).await?);
    let body = fakes.chat.requests().remove(0).body.to_string();
    assert!(body.contains(&format!("data:image/png;base64,{given}\"")));
    assert_eq!(told(&stack, "decision=complete").await?, []);
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_large_screenshot_is_scaled_for_each_model_in_a_format_that_it_reads()
-> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["A picture."])).await?;
    let busy = gemini_server::Script::status(503, "UNAVAILABLE");
    let gemini = gemini_server::GeminiServer::start(busy).await?;
    let builder = fakes.stack().env("GEMINI_BASE_URL", gemini.base_url());
    let builder = builder.env("GEMINI_API_KEY", "key").env("LLM_IMAGE_MAX_LONG_EDGE", "100");
    let stack = builder.start().await?;
    let reply = ask(&stack, showing(screen(400, 200)?)).await?;
    assert_whole(&reply);
    assert_eq!(reply.trailer("nexy-degraded"), None);

    let asked = gemini.requests().remove(0).body;
    let sent = &asked["contents"][0]["parts"][0]["inlineData"];
    assert_eq!(sent["mimeType"], "image/webp");
    let data = sent["data"].as_str().context("an image")?;
    assert_eq!(look(data)?, (ImageFormat::WebP, 100, 50));
    let asked = fakes.chat.requests().remove(0).body;
    let url = asked["messages"][1]["content"][1]["image_url"]["url"].as_str();
    let data = url.and_then(|url| url.strip_prefix("data:image/jpeg;base64,"));
    assert_eq!(look(data.context("a JPEG")?)?, (ImageFormat::Jpeg, 100, 50));

    let told = told(&stack, r#""to":"image/jpeg""#).await?;
    let to: Vec<_> = told.iter().map(|line| (&line.ctx["from"], &line.ctx["to"])).collect();
    let png = &"image/png".into();
    assert_eq!(to, [(png, &"image/webp".into()), (png, &"image/jpeg".into())]);
    stack.stop(&["retry"]).await
}

#[tokio::test]
async fn a_screenshot_that_cannot_be_read_is_admitted_and_costs_no_answer() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["I could not read it."])).await?;
    let stack = fakes.stack().start().await?;
    let broken = STANDARD.encode(b"\x89PNG\r\n\x1a\nzzzzzzzzzzzzzzzzzzzzzzzzzz");
    let reply = ask(&stack, showing(broken.clone())).await?;
    assert_whole(&reply);
    assert_eq!(reply.text(), "I could not read it.");
    assert_eq!(reply.trailer("nexy-degraded"), Some("screenshot"));

    let asked = fakes.chat.requests().remove(0).body;
    let system = asked["messages"][0]["content"].as_str().context("a system prompt")?;
    assert!(system.contains("the screenshot could not be read"), "{system}");
    assert_eq!(asked["messages"][1]["content"], "What is this?");
    let told = told(&stack, "decision=screenshot_refused").await?;
    assert_eq!((told.len(), &told[0].ctx["reason"]), (1, &"unreadable".into()));
    stack.stop(&["screenshot_refused"]).await
}
