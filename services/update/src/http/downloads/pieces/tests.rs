use std::{fs::File, io::Write as _};

use super::{PIECE, Piece, Pieces, SPARE_MAX};

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Reads as a download does: what is in memory first.
fn read(piece: &mut Piece, file: &File, offset: u64) -> std::io::Result<()> {
    match piece.read_cached(file, offset) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => piece.read(file, offset),
        read => read,
    }
}

#[test]
fn a_piece_holds_what_was_asked_for_and_no_more() {
    let bytes: Vec<u8> = (0..251).cycle().take(3 * PIECE).collect();
    let file = file_of(&bytes);
    let pieces = Pieces::default();
    for (offset, length) in [(0, 1), (7, 100), (PIECE, PIECE), (PIECE, 2 * PIECE)] {
        let mut piece = pieces.take(length as u64);
        read(&mut piece, &file, offset as u64).unwrap();
        let expected = length.min(PIECE);
        assert_eq!(piece.into_bytes(), bytes[offset..offset + expected]);
    }
}

#[test]
fn what_a_buffer_held_before_is_never_shown() {
    let pieces = Pieces::default();
    let mut first = pieces.take(PIECE as u64);
    read(&mut first, &file_of(&vec![0xff; PIECE]), 0).unwrap();
    drop(first.into_bytes());
    let mut second = pieces.take(3);
    read(&mut second, &file_of(b"abc"), 0).unwrap();
    assert_eq!(second.into_bytes(), b"abc"[..]);
}

#[test]
fn a_file_that_ends_too_early_is_an_error() {
    let file = file_of(b"abc");
    let pieces = Pieces::default();
    let ended = std::io::ErrorKind::UnexpectedEof;
    assert_eq!(read(&mut pieces.take(1), &file, 3).unwrap_err().kind(), ended);
    assert_eq!(pieces.take(4).read(&file, 0).unwrap_err().kind(), ended);
}

#[test]
fn buffers_come_back_and_few_are_kept() {
    let pieces = Pieces::default();
    let spare = || pieces.spare.lock().unwrap().len();
    let bytes = pieces.take(10).into_bytes();
    let half = bytes.slice(..5);
    drop(bytes);
    assert_eq!(spare(), 0, "it is still in use");
    drop(half);
    assert_eq!(spare(), 1);
    let many: Vec<_> = (0..SPARE_MAX + 5).map(|_| pieces.take(1)).collect();
    assert_eq!(spare(), 0);
    drop(many);
    assert_eq!(spare(), SPARE_MAX);
}
