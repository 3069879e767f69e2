use std::{net::TcpListener, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{net::TcpStream, time::Instant};

/// How long to wait between two looks at something that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Where each part of a stack listens on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The public gRPC service without TLS.
    pub gateway_grpc: u16,
    /// Health, status and metrics of the gateway.
    pub gateway_http: u16,
    /// The internal service of the worker.
    pub worker_grpc: u16,
    /// Health and metrics of the worker.
    pub worker_http: u16,
    /// Feeds and downloads.
    pub update_http: u16,
    /// The internal service of the update server.
    pub update_grpc: u16,
    /// nginx with TLS.
    pub tls: u16,
    /// nginx without TLS.
    pub plain: u16,
}

// === impl Ports ===

impl Ports {
    /// Ports that are free now. Held open until all are chosen, so that no two
    /// are the same.
    ///
    /// # Errors
    /// When the system has none.
    pub fn free() -> anyhow::Result<Self> {
        let mut held = Vec::new();
        let mut next = || -> anyhow::Result<u16> {
            let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
            let port = listener.local_addr()?.port();
            held.push(listener);
            Ok(port)
        };
        Ok(Self {
            gateway_grpc: next()?,
            gateway_http: next()?,
            worker_grpc: next()?,
            worker_http: next()?,
            update_http: next()?,
            update_grpc: next()?,
            tls: next()?,
            plain: next()?,
        })
    }
}

/// Waits until somebody listens.
pub(super) async fn wait_open(at: &str, within: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + within;
    while TcpStream::connect(at).await.is_err() {
        if Instant::now() > until {
            bail!("nobody listens on {at} after {within:?}");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Waits until a URL answers with success.
pub(super) async fn wait_http_ok(url: &str, within: Duration) -> anyhow::Result<()> {
    crate::install_tls_provider();
    let client = reqwest::Client::builder().timeout(within).build()?;
    let until = Instant::now() + within;
    loop {
        let said = match client.get(url).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        if Instant::now() > until {
            bail!("{url} does not answer with success after {within:?}: {said}");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
