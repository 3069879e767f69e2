use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use nexy_telemetry::metrics;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::Layer as _;

use super::{
    Server, Settings,
    linger::Lingering,
    observe::Observe,
    preface::Watched,
    refusals::{Reason, Refusals},
};
use crate::tls;

/// What all connections of a server share.
pub(super) struct Terms {
    pub(super) settings: Settings,
    pub(super) refusals: Refusals,
    pub(super) drain: CancellationToken,
    tls: Option<tls::Acceptor>,
    service: TowerToHyperService<Observe<Routes>>,
    http2: auto::Builder<TokioExecutor>,
}

/// Counts an open connection until dropped.
struct Counted;

// === impl Terms ===

impl Terms {
    pub(super) fn new(server: Server, drain: CancellationToken) -> Self {
        let Server { routes, observe, settings, tls } = server;
        let service = TowerToHyperService::new(observe.layer(routes.prepare()));
        let mut http2 = auto::Builder::new(TokioExecutor::new()).http2_only();
        // A client's own resets of calls not yet taken are bounded by what hyper sets itself.
        http2
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(settings.keepalive_interval)
            .keep_alive_timeout(settings.keepalive_timeout)
            .max_concurrent_streams(settings.max_streams)
            .max_local_error_reset_streams(settings.max_resets)
            .max_header_list_size(settings.max_header_bytes)
            .initial_stream_window_size(settings.stream_window)
            .initial_connection_window_size(settings.connection_window)
            .max_send_buf_size(settings.send_buffer);
        Self { settings, refusals: Refusals::default(), drain, tls, service, http2 }
    }

    /// Serves one connection from its first byte to its last.
    pub(super) async fn run<IO>(self: Arc<Self>, socket: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let _counted = Counted::new();
        let begin_by = Instant::now() + self.settings.handshake_timeout;
        let Some(tls) = &self.tls else {
            return self.serve(socket, begin_by).await;
        };
        match timeout_at(begin_by, tls.accept(socket)).await {
            Ok(Ok(stream)) => self.serve(stream, begin_by).await,
            Ok(Err(error)) => {
                if let Some(reason) = Reason::of_handshake(&error) {
                    self.refusals.count(reason);
                }
            }
            Err(_) => self.refusals.count(Reason::TooSlow),
        }
    }

    /// An error of a connection is its client's affair: its calls say how they
    /// ended.
    async fn serve<IO>(&self, io: IO, begin_by: Instant)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (io, begun) = Watched::new(Lingering::new(io, self.settings.linger));
        let connection = self.http2.serve_connection(TokioIo::new(io), self.service.clone());
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            _over = connection.as_mut() => return,
            () = begun.cancelled() => {}
            // Until then there is nothing that a ping could be sent to, and no
            // way to say goodbye.
            () = sleep_until(begin_by) => return self.refusals.count(Reason::TooSlow),
        }
        let is_old = async {
            match self.settings.max_age {
                Some(age) => sleep(spread(age, self.settings.age_jitter_percent, random())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _over = connection.as_mut() => return,
            // The process leaves.
            () = self.drain.cancelled() => {}
            // Let it come back, perhaps to somebody who has more room.
            () = is_old => {}
        }
        // GOAWAY: no new calls. It ends with the last one.
        connection.as_mut().graceful_shutdown();
        let is_too_old = async {
            // During a drain the process decides when time is up.
            match self.drain.run_until_cancelled(sleep(self.settings.age_grace)).await {
                Some(()) => {}
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _over = connection => {}
            // Dropping it resets what still runs.
            () = is_too_old => {}
        }
    }
}

// === impl Counted ===

impl Counted {
    fn new() -> Self {
        metrics::CONNECTIONS.add([], 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::CONNECTIONS.add([], -1);
    }
}

/// An age within so many percent of the one that is set, by a random number.
fn spread(age: Duration, percent: u8, random: u64) -> Duration {
    // From -1000 to 1000 per mille of the jitter.
    let step = u32::try_from(random % 2001).unwrap_or_default();
    let jitter = age * u32::from(percent) / 100;
    (age + jitter * step / 1000).saturating_sub(jitter)
}

/// Not for secrets: the standard library seeds its hash maps with it.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
