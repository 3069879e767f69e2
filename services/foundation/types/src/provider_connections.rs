use std::time::Duration;

/// How connections to a provider are made and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderConnections {
    /// Until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// A connection on which nothing came in for so long is tried, in use or
    /// not; zero is never.
    pub ping_interval: Duration,
    /// How long the answer to that may take before the connection is given up.
    pub ping_timeout: Duration,
    /// How long a connection is kept that nobody uses.
    pub idle_timeout: Duration,
    /// What a provider may send ahead of its reader on one HTTP/2 stream, in
    /// bytes.
    pub stream_window_bytes: u32,
}
