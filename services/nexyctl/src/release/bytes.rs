//! Reads files of releases once, with a progress bar.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use nexy_releases::{Claim, ClaimVerifier, Problem, SecretKey, Sha256Digest, Signature, Trusted};
use sha2::{Digest as _, Sha256};

use super::progress::Progress;
use crate::screen::Screen;

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// What a file is, and its signature.
pub(super) struct Signed {
    pub(super) size: u64,
    pub(super) sha256: Sha256Digest,
    pub(super) signature: Signature,
}

/// Signs a file of any length.
///
/// # Errors
/// When it cannot be read, or changes meanwhile.
pub(super) fn sign(path: &Path, key: &SecretKey, screen: &mut Screen) -> io::Result<Signed> {
    let size = std::fs::metadata(path)?.len();
    // An Ed25519 signature takes two readings, and one more proves it.
    let what = format!("Signing {}", name(path));
    let progress = RefCell::new(Progress::new(screen, what, size.saturating_mul(3)));
    let advance = |bytes: usize| progress.borrow_mut().advance(bytes);
    let signature = key.sign_in_pieces(|sink| {
        each_piece(&mut File::open(path)?, |piece| {
            sink.update(piece);
            advance(piece.len())
        })
    })?;
    let mut digest = Sha256::new();
    let mut verified = key.public().and_then(|public| public.stream(&signature));
    let mut length = 0;
    each_piece(&mut File::open(path)?, |piece| {
        digest.update(piece);
        if let Ok(stream) = &mut verified {
            stream.update(piece);
        }
        length += piece.len() as u64;
        advance(piece.len())
    })?;
    progress.into_inner().end()?;
    // A file that changed between the readings has a signature of nothing.
    let verified = verified.and_then(nexy_releases::signature::Stream::finish);
    if length != size || verified.is_err() {
        return Err(io::Error::other("the file changed while it was signed"));
    }
    let sha256 = Sha256Digest::from_bytes(digest.finalize().into());
    Ok(Signed { size, sha256, signature })
}

/// Compares a file with what is claimed of it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn compare(
    path: &Path,
    claim: &Claim,
    key: Option<&Trusted>,
    screen: &mut Screen,
) -> io::Result<Result<(), Vec<Problem>>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if let Err(problem) = claim.check_size(size) {
        return Ok(Err(vec![problem]));
    }
    let mut verifier = ClaimVerifier::new(claim, key);
    let mut progress = Progress::new(screen, format!("Checking {}", name(path)), size);
    each_piece(&mut file, |piece| {
        verifier.update(piece);
        progress.advance(piece.len())
    })?;
    progress.end()?;
    Ok(verifier.finish())
}

pub(super) fn each_piece(
    file: &mut File,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => take(piece.get(..length).unwrap_or_default())?,
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
