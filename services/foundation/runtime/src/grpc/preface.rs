use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// The length of what an HTTP/2 client says first (RFC 9113 §3.4).
const PREFACE: usize = 24;

pin_project_lite::pin_project! {
    /// Notices when a client has said what HTTP/2 begins with, however slowly.
    pub(super) struct Watched<IO> {
        #[pin]
        io: IO,
        missing: usize,
        seen: CancellationToken,
    }
}

// === impl Watched ===

impl<IO> Watched<IO> {
    /// The token is cancelled once as many bytes as the preface has were read.
    pub(super) fn new(io: IO) -> (Self, CancellationToken) {
        let seen = CancellationToken::new();
        (Self { io, missing: PREFACE, seen: seen.clone() }, seen)
    }
}

impl<IO: AsyncRead> AsyncRead for Watched<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        ready!(this.io.poll_read(cx, buffer))?;
        if *this.missing > 0 {
            *this.missing = this.missing.saturating_sub(buffer.filled().len() - before);
            if *this.missing == 0 {
                this.seen.cancel();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite> AsyncWrite for Watched<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().io.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().io.poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
