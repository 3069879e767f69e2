use std::{
    fs::File,
    io::{self, ErrorKind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Part,
    pieces::{Piece, Pieces},
};
use bytes::Bytes;
use futures_util::Stream;
use nexy_telemetry::metrics::{UPDATE_DOWNLOAD_BYTES, UPDATE_DOWNLOADS};
use tokio::task::{JoinHandle, spawn_blocking};

/// A part of a file on its way to a client. No more is read than the client
/// takes, and no more than was announced, even if the file grows meanwhile.
///
/// What the kernel has in memory is copied right here, which takes a few
/// microseconds; only what has to come from a disk is left to another thread.
pub(super) struct Sending {
    file: Arc<File>,
    pieces: Pieces,
    next: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Piece>>>,
    /// Whether the whole file was asked for, or a range.
    label: &'static str,
    failed: bool,
}

// === impl Sending ===

impl Sending {
    pub(super) fn new(file: File, part: &Part, pieces: Pieces) -> Self {
        let Part { first, length, label } = *part;
        let file = Arc::new(file);
        Self { file, pieces, next: first, left: length, reading: None, label, failed: false }
    }

    /// An end of the file before the announced one is an error, so that the
    /// client sees a broken download and not a short file.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Piece>> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => {
                let mut piece = self.pieces.take(self.left);
                match piece.read_cached(&self.file, self.next) {
                    Ok(()) => return Poll::Ready(Ok(piece)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => self.read(piece),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        };
        let read = Pin::new(&mut reading).poll(context);
        if read.is_pending() {
            self.reading = Some(reading);
        }
        read.map(|read| read.map_err(io::Error::other).and_then(|read| read))
    }

    fn read(&self, mut piece: Piece) -> JoinHandle<io::Result<Piece>> {
        let (file, offset) = (Arc::clone(&self.file), self.next);
        spawn_blocking(move || piece.read(&file, offset).map(|()| piece))
    }
}

impl Stream for Sending {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == 0 || self.failed {
            return Poll::Ready(None);
        }
        let Poll::Ready(read) = self.poll_piece(context) else { return Poll::Pending };
        let piece = read.inspect_err(|_| self.failed = true)?.into_bytes();
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
