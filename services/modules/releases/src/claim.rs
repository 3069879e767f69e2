use sha2::{Digest as _, Sha256};

use crate::{FileName, HttpsUrl, Problem, Sha256Digest, Signature, Trusted, TrustedStream};

/// What a manifest says about the bytes of one file that clients download: an
/// artifact or a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Where it stands in the manifest, e.g. `artifact` or `deltas[0]`.
    pub key: String,
    /// Where it is downloaded from.
    pub url: HttpsUrl,
    /// The last part of the URL.
    pub file_name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// The signature of its bytes; none for an unsigned release.
    pub ed25519: Option<Signature>,
}

/// Compares the bytes of a file, as they pass by, with what is claimed of them:
/// length, digest and (with a key) signature, in one reading.
pub struct ClaimVerifier<'a> {
    claim: &'a Claim,
    length: u64,
    digest: Sha256,
    signature: Option<Result<TrustedStream, Problem>>,
}

// === impl Claim ===

impl Claim {
    /// The part of the verification that needs no reading of the file.
    ///
    /// # Errors
    /// When the file's length is another one.
    pub fn check_size(&self, actual: u64) -> Result<(), Problem> {
        if actual == self.size { Ok(()) } else { Err(self.size_mismatch(actual)) }
    }

    fn size_mismatch(&self, actual: u64) -> Problem {
        let reason = format!("is {}, but the file is {actual} bytes long", self.size);
        self.problem("size", reason)
    }

    fn problem(&self, key: &str, reason: impl Into<String>) -> Problem {
        Problem::new(format!("{}.{key}", self.key), reason)
    }
}

// === impl ClaimVerifier ===

impl<'a> ClaimVerifier<'a> {
    /// Starts a verification. Without a key the signature is not looked at.
    #[must_use]
    pub fn new(claim: &'a Claim, key: Option<&Trusted>) -> Self {
        let signature = key.map(|key| match &claim.ed25519 {
            Some(signature) => key.stream(signature),
            None => Err(Problem::new("ed25519", "is missing: the release is not signed")),
        });
        Self { claim, length: 0, digest: Sha256::new(), signature }
    }

    /// Takes the next piece of the file.
    pub fn update(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.digest.update(piece);
        if let Some(Ok(stream)) = &mut self.signature {
            stream.update(piece);
        }
    }

    /// Decides, once the whole file has been taken.
    ///
    /// # Errors
    /// Everything in which the file differs from the claim.
    pub fn finish(self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        if self.length != self.claim.size {
            problems.push(self.claim.size_mismatch(self.length));
        }
        let digest = Sha256Digest::from_bytes(self.digest.finalize().into());
        if digest != self.claim.sha256 {
            let reason = format!("is not that of the file, whose digest is {digest}");
            problems.push(self.claim.problem("sha256", reason));
        }
        let signature = self.signature.map(|stream| stream.and_then(TrustedStream::finish));
        if let Some(Err(problem)) = signature {
            problems.push(self.claim.problem("ed25519", problem.reason));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests;
