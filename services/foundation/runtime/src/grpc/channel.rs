use std::time::Duration;

use anyhow::Context as _;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::tls::{Connector, Name};

/// The largest window of HTTP/2 (RFC 9113 §6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The smallest and the largest frame that a peer can be allowed (RFC 9113 §4.2).
/// What it says at once comes as one frame, and is passed on as one.
const MIN_FRAME: u32 = 1 << 14;
const MAX_FRAME: u32 = (1 << 24) - 1;

/// How another service of ours is reached.
#[derive(Debug, Clone)]
pub struct Peer {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often a quiet connection is asked whether it lives, also without a
    /// call.
    pub keepalive_interval: Duration,
    /// How long it may take to say so.
    pub keepalive_timeout: Duration,
    /// What the peer may send ahead on one call, in bytes.
    pub stream_window: u32,
    /// Calls on the connection at the same time.
    pub max_streams: u32,
    /// `None` is plaintext.
    pub tls: Option<Connector>,
}

// === impl Peer ===

impl Peer {
    /// As the settings have it for calls of the gateway to another service.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub fn new(settings: &nexy_config::Settings, service: Name) -> anyhow::Result<Self> {
        Ok(Self {
            connect_timeout: settings.worker.connect_timeout,
            keepalive_interval: settings.grpc.keepalive_interval,
            keepalive_timeout: settings.grpc.keepalive_timeout,
            stream_window: settings.worker.stream_window_bytes,
            max_streams: settings.grpc.max_streams_per_connection,
            tls: Connector::internal(settings, service)?,
        })
    }

    /// A channel to `host:port`. It connects in the background, with its first
    /// call and whenever the connection is lost.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub fn channel(&self, addr: &str) -> anyhow::Result<Channel> {
        let endpoint = self.endpoint(addr)?;
        let Some(tls) = self.tls.clone() else { return Ok(endpoint.connect_lazy()) };
        let endpoint = endpoint.origin(format!("https://{addr}").parse()?);
        // tonic's own TLS reads its certificates once.
        Ok(endpoint.connect_with_connector_lazy(service_fn(move |uri| connect(tls.clone(), uri))))
    }

    /// The terms of such a channel, for whoever makes its sockets himself.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub fn endpoint(&self, addr: &str) -> anyhow::Result<Endpoint> {
        let endpoint = Endpoint::from_shared(format!("http://{addr}"))
            .with_context(|| format!("{addr} is not host:port"))?;
        Ok(endpoint
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(self.keepalive_interval)
            .keep_alive_timeout(self.keepalive_timeout)
            .keep_alive_while_idle(true)
            .max_frame_size(self.stream_window.clamp(MIN_FRAME, MAX_FRAME))
            .initial_stream_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window()))
    }

    /// Room for what every call may hold unread: with less, a few listeners who
    /// do not read would hold up all others of the connection.
    fn connection_window(&self) -> u32 {
        self.stream_window.saturating_mul(self.max_streams).min(MAX_WINDOW)
    }
}

/// The whole of it is within the time for connecting.
async fn connect(tls: Connector, uri: Uri) -> anyhow::Result<TokioIo<TlsStream<TcpStream>>> {
    let host = uri.host().context("find the host")?.trim_matches(['[', ']']);
    let port = uri.port_u16().context("find the port")?;
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    Ok(TokioIo::new(tls.connect(socket).await?))
}
