//! Connections of the update server. Each holds little memory, because a
//! thousand clients on slow lines are nothing special here.

use std::{io, pin::pin, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::downloads::PIECE;

/// How long to leave a listener alone that has no file descriptor left.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until the token is cancelled, then lets running requests finish.
/// Dropped, it cuts them off.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    head_timeout: Duration,
    drain: CancellationToken,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            // Who leaves takes no new connection.
            () = drain.cancelled() => break,
            // What has ended is let go.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let served = connection(stream, router.clone(), head_timeout, drain.clone());
                    connections.spawn(served);
                }
                // The client left before it was accepted, or there are too many.
                Err(_) => sleep(BREATH).await,
            },
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn connection(
    stream: TcpStream,
    router: Router,
    head_timeout: Duration,
    drain: CancellationToken,
) {
    // A connection that has failed already fails again below.
    let _failed = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.into_service());
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        // What lies between the file and the socket; else about 400 KiB.
        .max_buf_size(PIECE);
    let served = builder.serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        biased;
        // Whether it ended well is its client's business.
        _ = served.as_mut() => {}
        () = drain.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ended = served.await;
        }
    }
}
