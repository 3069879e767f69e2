use std::{io, sync::Arc, time::Duration};

use nexy_telemetry::metrics;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use super::{connection::Terms, refusals::Reason};

/// How long to wait when the system has no room for a connection, e.g. no file
/// descriptor: the next try would fail in the same way.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes connections until the drain, and waits for the last one. Those that
/// are open when the future is dropped are cut.
pub(super) async fn accept(listener: TcpListener, terms: Arc<Terms>) {
    metrics::declare(&[&metrics::CONNECTIONS, &metrics::CONNECTIONS_REFUSED]);
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            // The process leaves.
            () = terms.drain.cancelled() => break,
            // One is over, and its place free.
            Some(_ended) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((_closed, _)) if open.len() >= terms.settings.max_connections => {
                terms.refusals.count(Reason::TooMany);
            }
            Ok((socket, _)) => {
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
