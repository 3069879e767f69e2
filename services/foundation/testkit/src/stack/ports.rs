use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::bail;
use tokio::{net::TcpStream, time::Instant};

/// How long to wait between two looks at something that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Where tests listen: below the ports that the system takes for outgoing
/// connections (ip(7)).
const FIRST_PORT: u16 = 6000;
/// How many ports there are.
const PORTS: u16 = 10_000;

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
    /// Ports that are free now. No outgoing connection and no other stack of the
    /// process gets them: what is free now is free when a service binds it.
    ///
    /// # Errors
    /// When there are none.
    pub fn free() -> anyhow::Result<Self> {
        let next = free_port;
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

/// A port that nobody listens on, and that this process gives out once.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Processes of tests that run side by side begin at different places.
    let offset = std::process::id().wrapping_mul(997);
    for _ in 0..PORTS {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        let place = offset.wrapping_add(given) % u32::from(PORTS);
        let port = FIRST_PORT + u16::try_from(place)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
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
