//! The gRPC server that every service runs: one transport, one observer.

use std::time::Duration;

use tokio::{net::TcpListener, time::timeout};
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};

use crate::Shutdown;

mod observe;

pub use observe::{Logged, ObserveLayer, Outcome, Rpc, RpcContext};

/// What a server needs besides its routes.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How often an idle connection is asked whether it lives.
    pub keepalive_interval: Duration,
    /// How long it may take to say so.
    pub keepalive_timeout: Duration,
    /// How long cut calls may take to send their last status.
    pub force_grace: Duration,
}

// === impl Settings ===

impl From<&nexy_config::Settings> for Settings {
    fn from(settings: &nexy_config::Settings) -> Self {
        Self {
            keepalive_interval: settings.grpc.keepalive_interval,
            keepalive_timeout: settings.grpc.keepalive_timeout,
            force_grace: settings.backpressure.interrupt_timeout,
        }
    }
}

/// Serves until the drain is over, or for a grace after the cut.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    observe: ObserveLayer,
    settings: Settings,
    shutdown: Shutdown,
) -> Result<(), tonic::transport::Error> {
    // Small frames at once: an audio chunk must not wait for the next one.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let drain = shutdown.drain().clone();
    let serving = Server::builder()
        .http2_keepalive_interval(Some(settings.keepalive_interval))
        .http2_keepalive_timeout(Some(settings.keepalive_timeout))
        .layer(observe)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, drain.cancelled_owned());
    tokio::pin!(serving);
    tokio::select! {
        biased;
        // Every connection said goodbye.
        result = &mut serving => result,
        // Connections that stay open without a word, e.g. a half-open one,
        // must not hold the process.
        () = shutdown.force().cancelled() => {
            timeout(settings.force_grace, serving).await.unwrap_or(Ok(()))
        }
    }
}
