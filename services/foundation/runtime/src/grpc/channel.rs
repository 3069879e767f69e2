use std::time::Duration;

use anyhow::Context as _;
use tonic::transport::{Channel, Endpoint};

/// The largest window of HTTP/2 (RFC 9113 §6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;

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
}

// === impl Peer ===

impl Peer {
    /// As the settings have it for calls to workers and the update server.
    #[must_use]
    pub fn new(settings: &nexy_config::Settings) -> Self {
        Self {
            connect_timeout: settings.worker.connect_timeout,
            keepalive_interval: settings.grpc.keepalive_interval,
            keepalive_timeout: settings.grpc.keepalive_timeout,
            stream_window: settings.worker.stream_window_bytes,
            max_streams: settings.grpc.max_streams_per_connection,
        }
    }

    /// A channel to `host:port`. It connects in the background, with its first
    /// call and whenever the connection is lost.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub fn channel(&self, addr: &str) -> anyhow::Result<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{addr}"))
            .with_context(|| format!("{addr} is not host:port"))?
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(self.keepalive_interval)
            .keep_alive_timeout(self.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window());
        Ok(endpoint.connect_lazy())
    }

    /// Room for what every call may hold unread: with less, a few listeners who
    /// do not read would hold up all others of the connection.
    fn connection_window(&self) -> u32 {
        self.stream_window.saturating_mul(self.max_streams).min(MAX_WINDOW)
    }
}
