use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

pin_project_lite::pin_project! {
    /// Closes a connection so that the other side gets to read its last bytes.
    ///
    /// A socket that is closed while bytes are still coming in answers them with
    /// a reset (RFC 1122 §4.2.2.13), and an HTTP/2 client that finds its
    /// connection reset gives up the calls whose ends it has not read yet. So
    /// this side only stops sending, and reads what comes until the other has
    /// hung up as well, or has had its time to.
    pub(super) struct Lingering<IO> {
        #[pin]
        io: IO,
        patience: Duration,
        // When it is enough; there once nothing more is sent.
        until: Option<Pin<Box<Sleep>>>,
    }
}

// === impl Lingering ===

impl<IO> Lingering<IO> {
    pub(super) const fn new(io: IO, patience: Duration) -> Self {
        Self { io, patience, until: None }
    }
}

impl<IO: AsyncRead> AsyncRead for Lingering<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite> AsyncWrite for Lingering<IO> {
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
        let mut this = self.project();
        if this.until.is_none() {
            ready!(this.io.as_mut().poll_shutdown(cx))?;
        }
        let until = this.until.get_or_insert_with(|| Box::pin(sleep(*this.patience)));
        if until.as_mut().poll(cx).is_pending() {
            ready!(hung_up(this.io, cx));
        }
        Poll::Ready(Ok(()))
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

/// Reads, to no end but to know whether there is one.
fn hung_up<IO: AsyncRead>(mut io: Pin<&mut IO>, cx: &mut Context<'_>) -> Poll<()> {
    let mut scratch = [MaybeUninit::uninit(); 1024];
    loop {
        let mut unread = ReadBuf::uninit(&mut scratch);
        match ready!(io.as_mut().poll_read(cx, &mut unread)) {
            Ok(()) if !unread.filled().is_empty() => {}
            Ok(()) | Err(_) => return Poll::Ready(()),
        }
    }
}

#[cfg(test)]
mod tests;
