use std::{
    fs::File,
    io::{self, ErrorKind},
    mem,
    os::unix::fs::FileExt as _,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

/// Bytes of a file that a download reads at once. A client that does not read
/// holds up to two such pieces, and what the kernel keeps for its socket.
///
/// A little less than the largest TCP segment between processes of one machine
/// (65 483 bytes), because each piece is sent at once: one of 64 KiB is a
/// segment and a tiny one after it, which costs as much again.
pub(in crate::http) const PIECE: usize = 60 * 1024;

/// Buffers that are kept while nobody needs them: just below 4 MiB.
const SPARE_MAX: usize = 64;

/// The buffers of all downloads. They are used again, because a fresh one costs
/// more than the copy into it: the kernel has to find, clear and map its pages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces {
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A buffer with a part of a file; dropped, it goes back to where it came from.
#[derive(Debug)]
pub(super) struct Piece {
    /// As long as the longest part that it may hold.
    buffer: Vec<u8>,
    /// How much of it is wanted, then how much of it was read.
    length: usize,
    home: Pieces,
}

// === impl Pieces ===

impl Pieces {
    /// A buffer for so many bytes, or as many of them as fit.
    pub(super) fn take(&self, length: u64) -> Piece {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let buffer = spare.unwrap_or_else(|| vec![0; PIECE]);
        let length = usize::try_from(length).map_or(PIECE, |length| length.min(PIECE));
        Piece { buffer, length, home: self.clone() }
    }

    fn put_back(&self, buffer: Vec<u8>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX {
            spare.push(buffer);
        }
    }
}

// === impl Piece ===

impl Piece {
    /// Reads what the kernel has in memory, without waiting for a disk; perhaps
    /// less than is wanted.
    ///
    /// # Errors
    /// `WouldBlock` when nothing of it is in memory, or nobody can tell. Any
    /// other error is one of the file.
    pub(super) fn read_cached(&mut self, file: &File, offset: u64) -> io::Result<()> {
        let wanted = self.buffer.get_mut(..self.length).unwrap_or_default();
        self.length = match read_cached(file, wanted, offset)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => read,
        };
        Ok(())
    }

    /// Reads all that is wanted, and waits for it.
    ///
    /// # Errors
    /// When the file ends before, or cannot be read.
    pub(super) fn read(&mut self, file: &File, offset: u64) -> io::Result<()> {
        let wanted = self.buffer.get_mut(..self.length).unwrap_or_default();
        file.read_exact_at(wanted, offset)
    }

    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.home.put_back(mem::take(&mut self.buffer));
    }
}

#[cfg(target_os = "linux")]
fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    let buffers = &mut [io::IoSliceMut::new(buffer)];
    preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT).map_err(|error| match error {
        // A file system, or a kernel, that cannot tell.
        Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR => {
            ErrorKind::WouldBlock.into()
        }
        error => error.into(),
    })
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(ErrorKind::WouldBlock.into())
}

#[cfg(test)]
mod tests;
