//! `--healthcheck`: a probe for images without a shell.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::Endpoint;

/// Asks `/health` of an endpoint on this machine.
///
/// # Errors
/// When it does not answer within the time, or not with 200.
pub async fn ask(endpoint: &Endpoint, within: Duration) -> anyhow::Result<()> {
    let uri = format!("http://{}:{}/health", reachable(&endpoint.host), endpoint.port)
        .parse::<http::Uri>()
        .context("form the health address")?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&[u8]>>();
    let answer = tokio::time::timeout(within, client.get(uri.clone()))
        .await
        .with_context(|| format!("ask {uri} within {within:?}"))?
        .with_context(|| format!("ask {uri}"))?;
    ensure!(answer.status() == http::StatusCode::OK, "{uri} answered {}", answer.status());
    Ok(())
}

/// A wildcard is a place to listen, not one to connect to.
fn reachable(host: &str) -> &str {
    match host {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    }
}
