//! How the providers of models and voices are connected to: what their clients,
//! each in a module of its own, have in common.
//!
//! A client goes where the settings say and nowhere else: no proxy from the
//! environment and no redirect. It trusts whom the system trusts. A way that is
//! gone without a word, because a router forgot the connection, is found out by a
//! ping, over HTTP/1.1 by TCP's own, instead of by a question.
//!
//! Deliberately not here: requests, answers, and what to do about a failure.

use std::{error::Error, io, iter, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};

/// Of HTTP/2: room for the windows of all streams, so that what one listener has
/// not read yet never holds up another one. Each stream has its own bound.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The longest head of an answer over HTTP/2, in bytes as RFC 9113 §6.5.2 counts
/// them. Of HTTP/1.1 a hundred headers are read.
const LONGEST_HEAD: u32 = 16 * 1024;

/// The kernel counts what it does about silence in whole seconds.
const SECOND: Duration = Duration::from_secs(1);

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

// === impl ProviderConnections ===

impl ProviderConnections {
    /// The beginning of a client that connects like this. The process's rustls
    /// provider must be installed before it is built.
    pub fn client(&self) -> ClientBuilder {
        let pinged = (!self.ping_interval.is_zero()).then_some(self.ping_interval);
        Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.idle_timeout)
            .http2_initial_stream_window_size(self.stream_window_bytes)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_header_list_size(LONGEST_HEAD)
            .http2_keep_alive_interval(pinged)
            .http2_keep_alive_timeout(self.ping_timeout)
            .http2_keep_alive_while_idle(true)
            .tcp_keepalive(pinged.map(|interval| interval.max(SECOND)))
            .tcp_keepalive_interval(pinged.map(|_| self.ping_timeout.max(SECOND)))
            .tcp_user_timeout(pinged.map(|interval| interval + self.ping_timeout))
    }
}

/// Whether a connection came to nothing over what the server showed: a
/// certificate of an authority that is not trusted, or of another host.
#[must_use]
pub fn breaks_tls(error: &reqwest::Error) -> bool {
    let mut causes = iter::successors(error.source(), |&cause| cause.source());
    error.is_connect() && causes.any(is_of_tls)
}

/// rustls reports by errors of this kind, which are wrapped in others.
fn is_of_tls(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| {
        error.kind() == io::ErrorKind::InvalidData
            || error.get_ref().is_some_and(|inner| is_of_tls(inner))
    })
}
