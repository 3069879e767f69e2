use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::Part;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use nexy_telemetry::metrics::{UPDATE_DOWNLOAD_BYTES, UPDATE_DOWNLOADS};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes of a file that a download reads at once. At most two such pieces wait
/// for the socket, and a third is being read.
pub(in crate::http) const PIECE: usize = 128 * 1024;

/// A part of a file on its way to a client. No more is read than the client
/// takes, and no more than was announced, even if the file grows meanwhile.
pub(super) struct Sending {
    file: Arc<File>,
    next: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    /// Whether the whole file was asked for, or a range.
    label: &'static str,
    failed: bool,
}

// === impl Sending ===

impl Sending {
    pub(super) fn new(file: File, part: &Part) -> Self {
        let Part { first, length, label } = *part;
        let file = Arc::new(file);
        Self { file, next: first, left: length, reading: None, label, failed: false }
    }

    fn begin(&self) -> JoinHandle<io::Result<Bytes>> {
        let (file, offset) = (Arc::clone(&self.file), self.next);
        let length = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        spawn_blocking(move || read(&file, offset, length))
    }
}

impl Stream for Sending {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == 0 || self.failed {
            return Poll::Ready(None);
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.begin());
        let read = match Pin::new(&mut reading).poll(context) {
            Poll::Pending => {
                self.reading = Some(reading);
                return Poll::Pending;
            }
            Poll::Ready(read) => read.map_err(io::Error::other).and_then(|read| read),
        };
        let piece = read.inspect_err(|_| self.failed = true)?;
        let length = piece.len() as u64;
        self.next += length;
        self.left = self.left.saturating_sub(length);
        UPDATE_DOWNLOAD_BYTES.add([], length);
        Poll::Ready(Some(Ok(piece)))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let end = if self.left == 0 { "completed" } else { "aborted" };
        UPDATE_DOWNLOADS.increment([self.label, end]);
    }
}

/// A piece as long as it can be had. An end before the announced one is an
/// error, so that the client sees a broken download and not a short file.
fn read(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut piece = BytesMut::zeroed(length);
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.freeze())
}
