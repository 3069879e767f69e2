use std::{io, sync::Arc, time::Duration};

use nexy_telemetry::metrics;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{connection::Terms, refusals::Reason};

/// How long to wait when the system has no room for a connection, e.g. no file
/// descriptor: the next try would fail in the same way.
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from: a port, or the network of a simulation.
pub trait Listen: Send + 'static {
    /// One of them.
    type Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Takes the next one. Cancel-safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Socket>> + Send;
}

impl Listen for TcpListener {
    type Socket = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (socket, _) = Self::accept(self).await?;
        // Small frames at once: an audio chunk must not wait for the next one.
        // A socket that cannot do that is served all the same.
        let _delayed = socket.set_nodelay(true);
        Ok(socket)
    }
}

/// Takes connections until the drain, and waits for the last one. Those that
/// are open when the future is dropped are cut.
pub(super) async fn accept(mut listener: impl Listen, terms: Arc<Terms>) {
    metrics::declare(&[&metrics::CONNECTIONS, &metrics::CONNECTIONS_REFUSED]);
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            // The process leaves.
            () = terms.drain.cancelled() => break,
            // One is over, and its place free.
            Some(_ended) = open.join_next() => continue,
            accepted = Listen::accept(&mut listener) => accepted,
        };
        match accepted {
            Ok(_closed) if open.len() >= terms.settings.max_connections => {
                terms.refusals.count(Reason::TooMany);
            }
            Ok(socket) => {
                open.spawn(Arc::clone(&terms).run(socket));
            }
            // The client is gone again.
            Err(error) if is_of_the_client(&error) => {}
            Err(_) => {
                terms.refusals.count(Reason::AcceptFailed);
                let _draining = terms.drain.run_until_cancelled(sleep(PAUSE)).await;
            }
        }
    }
    // Who connects from here on is told at once.
    drop(listener);
    while open.join_next().await.is_some() {}
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}
