//! `nexyctl traces`: shows what an OTLP sink has received.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, ensure};

use crate::screen::{Screen, ScreenArgs, clean};

/// Show a trace as a tree with durations
///
/// Asks `nexyctl otlp-sink`. Without an id, the newest trace of more than one
/// span. Exit code: 0 shown, 1 there is no such trace or no sink.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The trace to show, 32 hexadecimal digits.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// List all traces instead, the newest first.
    #[arg(long, conflicts_with = "id")]
    list: bool,
    /// Where the sink shows what it has.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    server: reqwest::Url,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// A sink that is there answers at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// # Errors
/// When the sink does not answer, knows no such trace, or the output is closed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let path = match (&args.id, args.list) {
        (_, true) => "/traces".to_owned(),
        (Some(id), false) => format!("/traces/{id}"),
        (None, false) => "/traces/latest".to_owned(),
    };
    let mut url = args.server;
    url.set_path(&path);
    url.set_query(Some("format=text"));
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .context("make an HTTP client")?;
    let answer = client.get(url.clone()).send().await.with_context(|| format!("ask {url}"))?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("read the answer of {url}"))?;
    ensure!(status.is_success(), "{url} answered {status}: {}", clean(text.trim()));
    let mut screen = Screen::stdout(&args.screen);
    for line in text.lines() {
        screen.line(&clean(line))?;
    }
    Ok(ExitCode::SUCCESS)
}
