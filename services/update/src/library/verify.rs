//! Reads a file once and compares it with its manifest.

use std::{fs::File, io::Read as _};

use nexy_releases::{Channel, Claim, ClaimVerifier, Problem, Trusted};
use tokio_util::sync::CancellationToken;

use super::files::{Fingerprint, StoredFile};

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// A file that has to be read.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) channel: Channel,
    pub(super) subject: Subject,
    pub(super) key: Option<Trusted>,
}

/// What a check is about: other bytes or another claim need another check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) file: StoredFile,
    pub(super) claim: Claim,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// The file is what the manifest says.
    Match,
    /// It is not.
    Mismatch(Vec<Problem>),
    /// Nothing is known: the file could not be read to its end, or changed
    /// while it was read.
    Unknown(Problem),
}

// === impl Subject ===

impl Subject {
    /// Whether it is about these bytes and this claim, wherever that stands.
    pub(super) fn is_about(&self, file: &StoredFile, claim: &Claim) -> bool {
        self.file == *file
            && self.claim.sha256 == claim.sha256
            && self.claim.size == claim.size
            && self.claim.ed25519 == claim.ed25519
    }
}

// === impl Check ===

impl Check {
    /// Reads the file. Blocks; stops early when the token is cancelled.
    pub(super) fn run(self, stop: &CancellationToken) -> (Channel, Subject, Finding) {
        let finding = self.find(stop).unwrap_or_else(|reason| {
            let key = format!("{}.url", self.subject.claim.key);
            Finding::Unknown(Problem::new(key, format!("the file {reason}")))
        });
        (self.channel, self.subject, finding)
    }

    fn find(&self, stop: &CancellationToken) -> Result<Finding, String> {
        let unreadable = |error: std::io::Error| format!("cannot be read: {}", error.kind());
        let mut file = File::open(&self.subject.file.path).map_err(unreadable)?;
        let mut verifier = ClaimVerifier::new(&self.subject.claim, self.key.as_ref());
        let mut piece = vec![0; PIECE];
        loop {
            if stop.is_cancelled() {
                return Err("was not read to its end: the server is leaving".to_owned());
            }
            match file.read(&mut piece).map_err(unreadable)? {
                0 => break,
                length => verifier.update(piece.get(..length).unwrap_or_default()),
            }
        }
        let now = Fingerprint::of(&file.metadata().map_err(unreadable)?);
        if now != self.subject.file.fingerprint {
            return Err("changed while it was read".to_owned());
        }
        Ok(match verifier.finish() {
            Ok(()) => Finding::Match,
            Err(problems) => Finding::Mismatch(problems),
        })
    }
}
