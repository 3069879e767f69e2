//! gRPC between and in front of the services: the server that each of them runs
//! and the channels between them.
//!
//! tonic's own server loop is not used. Its connections end at their maximum
//! age without a GOAWAY when a grace is set, all of them at the same age; it
//! sets no bound on their number and no deadline for their first bytes, and
//! says nothing of a TLS handshake that failed. Its services, and everything
//! within a connection, are used as they are.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tonic::service::Routes;

use crate::{Shutdown, tls};

mod accept;
mod channel;
mod connection;
mod deadline;
mod linger;
mod observe;
mod preface;
mod refusals;
mod span;

pub use accept::Listen;
pub use channel::Peer;
pub use deadline::{deadline, time_is_up};
pub use observe::{Logged, ObserveLayer, Outcome, Rpc, RpcContext};
pub use span::{client_ended, client_span, server_ended, server_span};

/// What is served, and on which terms.
#[derive(Debug)]
pub struct Server {
    /// Every gRPC service of the port.
    pub routes: Routes,
    /// What reports their calls.
    pub observe: ObserveLayer,
    /// The terms.
    pub settings: Settings,
    /// `None` is plaintext.
    pub tls: Option<tls::Acceptor>,
}

/// On which terms connections are served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often an idle connection is asked whether it lives.
    pub keepalive_interval: Duration,
    /// How long it may take to say so.
    pub keepalive_timeout: Duration,
    /// How long a new one may take to its first HTTP/2 bytes.
    pub handshake_timeout: Duration,
    /// How long one that is over waits for its client to hang up.
    pub linger: Duration,
    /// How many there may be.
    pub max_connections: usize,
    /// How old one gets; `None` is any age.
    pub max_age: Option<Duration>,
    /// How much that differs from one to the next, in percent each way.
    pub age_jitter_percent: u8,
    /// How long running calls may go on after that.
    pub age_grace: Duration,
    /// Calls on one of them at the same time.
    pub max_streams: u32,
    /// Calls of one of them that may be reset, all told, because their client broke
    /// a rule or sent on after it was refused.
    pub max_resets: usize,
    /// Largest metadata of one call, in bytes.
    pub max_header_bytes: u32,
    /// What a client may send ahead on one call, in bytes.
    pub stream_window: u32,
    /// What a client may send ahead on one connection, in bytes.
    pub connection_window: u32,
    /// What is kept of one reply for a client that does not read, in bytes.
    pub send_buffer: usize,
    /// How long cut calls may take to send their last status.
    pub force_grace: Duration,
}

// === impl Settings ===

impl Settings {
    /// For a port that clients reach.
    #[must_use]
    pub fn public(settings: &nexy_config::Settings) -> Self {
        let grpc = &settings.grpc;
        Self {
            keepalive_interval: grpc.keepalive_interval,
            keepalive_timeout: grpc.keepalive_timeout,
            handshake_timeout: grpc.handshake_timeout,
            linger: grpc.linger,
            max_connections: grpc.max_connections,
            max_age: Some(grpc.max_connection_age).filter(|age| !age.is_zero()),
            age_jitter_percent: grpc.max_connection_age_jitter_percent,
            age_grace: grpc.max_connection_age_grace,
            max_streams: grpc.max_streams_per_connection,
            max_resets: grpc.max_resets_per_connection,
            max_header_bytes: grpc.max_header_bytes,
            stream_window: grpc.stream_window_bytes,
            connection_window: grpc.connection_window_bytes,
            send_buffer: grpc.send_buffer_bytes,
            force_grace: settings.backpressure.interrupt_timeout,
        }
    }

    /// For a port that only other services reach. Their connections do not age:
    /// they know their peers one by one, and tonic's client does not repeat a
    /// call that a goodbye overtook.
    #[must_use]
    pub fn internal(settings: &nexy_config::Settings) -> Self {
        Self { max_age: None, ..Self::public(settings) }
    }
}

/// Serves until the drain is over, or for a grace after the cut.
pub async fn serve(listener: impl Listen, server: Server, shutdown: Shutdown) {
    let force_grace = server.settings.force_grace;
    let terms = Arc::new(connection::Terms::new(server, shutdown.drain().clone()));
    let serving = accept::accept(listener, terms);
    tokio::pin!(serving);
    tokio::select! {
        biased;
        // Every connection said goodbye.
        () = &mut serving => {}
        // Connections that stay open without a word, e.g. a half-open one,
        // must not hold the process.
        () = shutdown.force().cancelled() => {
            // What is left is cut by dropping it.
            let _ended = timeout(force_grace, serving).await;
        }
    }
}

#[cfg(test)]
mod tests;
