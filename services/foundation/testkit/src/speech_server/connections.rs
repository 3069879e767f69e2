//! Who is connected, and who left early.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Connections of one listener.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    counts: watch::Sender<Connections>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Connections {
    open: usize,
    accepted: usize,
}

/// A listener that counts its connections.
pub(super) struct Counted {
    listener: TcpListener,
    counts: Counts,
}

/// A connection that is counted while it is open.
pub(super) struct Connection {
    stream: TcpStream,
    counts: Counts,
}

/// An answer in the making. Dropped before it is finished, it counts as a
/// disconnect of the client.
pub(super) struct Watched {
    answers: watch::Sender<Answers>,
    over: bool,
}

/// What became of the answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answers {
    /// In the making.
    pub(super) open: usize,
    /// Left by their clients.
    pub(super) disconnects: usize,
    /// When the last one was over, however that was.
    pub(super) last_over: Option<Instant>,
}

// === impl Counts ===

impl Counts {
    pub(super) fn open(&self) -> usize {
        self.counts.borrow().open
    }

    pub(super) fn accepted(&self) -> usize {
        self.counts.borrow().accepted
    }

    pub(super) async fn becomes(&self, open: usize, within: Duration) -> bool {
        let mut counts = self.counts.subscribe();
        let seen = counts.wait_for(|counts| counts.open == open);
        tokio::time::timeout(within, seen).await.is_ok_and(|seen| seen.is_ok())
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self { counts: watch::Sender::new(Connections::default()) }
    }
}

// === impl Counted ===

impl Counted {
    pub(super) const fn new(listener: TcpListener, counts: Counts) -> Self {
        Self { listener, counts }
    }
}

impl Listener for Counted {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Chunks leave when they are written, small ones too. A connection that
        // is gone already says so when it is read.
        let _ = stream.set_nodelay(true);
        self.counts.counts.send_modify(|counts| {
            counts.open += 1;
            counts.accepted += 1;
        });
        (Connection { stream, counts: self.counts.clone() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

// === impl Connection ===

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.counts.counts.send_modify(|counts| counts.open -= 1);
    }
}

// === impl Watched ===

impl Watched {
    pub(super) fn new(answers: watch::Sender<Answers>) -> Self {
        answers.send_modify(|answers| answers.open += 1);
        Self { answers, over: false }
    }

    pub(super) fn finished(mut self) {
        self.over = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.answers.send_modify(|answers| {
            answers.open -= 1;
            answers.disconnects += usize::from(!self.over);
            answers.last_over = Some(Instant::now());
        });
    }
}
