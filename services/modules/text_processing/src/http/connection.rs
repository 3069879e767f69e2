//! How connections to a provider are made and kept.

use std::time::Duration;

use nexy_types::ProviderConnections;
use reqwest::{Client, ClientBuilder, redirect};

/// Of HTTP/2: room for the windows of all streams, so that what one listener has
/// not read yet never holds up another one. Each stream has its own bound.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The longest head of an answer over HTTP/2, in bytes as RFC 9113 §6.5.2 counts
/// them. Of HTTP/1.1 a hundred headers are read.
const LONGEST_HEAD: u32 = 16 * 1024;

/// The kernel counts what it does about silence in whole seconds.
const SECOND: Duration = Duration::from_secs(1);

/// A client that goes where the settings say and nowhere else: no proxy from the
/// environment and no redirect. It trusts whom the system trusts.
///
/// A way that is gone without a word (a router forgot the connection) is found
/// out by a ping, over HTTP/1.1 by TCP's own, instead of by a question.
pub(super) fn builder(connections: &ProviderConnections) -> ClientBuilder {
    let ProviderConnections { ping_interval, ping_timeout, .. } = *connections;
    let pinged = (!ping_interval.is_zero()).then_some(ping_interval);
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connections.connect_timeout)
        .pool_idle_timeout(connections.idle_timeout)
        .http2_initial_stream_window_size(connections.stream_window_bytes)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_header_list_size(LONGEST_HEAD)
        .http2_keep_alive_interval(pinged)
        .http2_keep_alive_timeout(ping_timeout)
        .http2_keep_alive_while_idle(true)
        .tcp_keepalive(pinged.map(|interval| interval.max(SECOND)))
        .tcp_keepalive_interval(pinged.map(|_| ping_timeout.max(SECOND)))
        .tcp_user_timeout(pinged.map(|interval| interval + ping_timeout));
    #[cfg(test)]
    let builder = crate::testing::trusting(builder);
    builder
}
