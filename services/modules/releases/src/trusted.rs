use crate::{Problem, PublicKey, Signature, signature};

/// The keys that a release may be signed with: the present one and, while keys
/// are changed, the one before, with which older releases are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trusted {
    /// The present key.
    pub key: PublicKey,
    /// The key before.
    pub former: Option<PublicKey>,
}

/// A verification with each of the keys, of a message that arrives in pieces.
pub struct TrustedStream(Vec<signature::Stream>);

// === impl Trusted ===

impl From<PublicKey> for Trusted {
    fn from(key: PublicKey) -> Self {
        Self { key, former: None }
    }
}

impl Trusted {
    /// Verifies a message that is in memory.
    ///
    /// # Errors
    /// When the signature is none of these keys' signature of the message.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), Problem> {
        let verified = signature::verify(&self.key, message, signature);
        match (&self.former, verified) {
            (Some(former), Err(_)) => signature::verify(former, message, signature),
            (_, verified) => verified,
        }
    }

    /// Starts to verify a message that arrives in pieces.
    ///
    /// # Errors
    /// When the signature could not be one of any message.
    pub fn stream(&self, signature: &Signature) -> Result<TrustedStream, Problem> {
        let keys = std::iter::once(&self.key).chain(&self.former);
        keys.map(|key| key.stream(signature)).collect::<Result<_, _>>().map(TrustedStream)
    }
}

// === impl TrustedStream ===

impl TrustedStream {
    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.iter_mut().for_each(|stream| stream.update(piece));
    }

    /// Decides, once the whole message has been taken.
    ///
    /// # Errors
    /// When the signature is none of the keys' signature of the message.
    pub fn finish(self) -> Result<(), Problem> {
        let mut results = self.0.into_iter().map(signature::Stream::finish);
        let first = results.next().unwrap_or_else(|| Err(signature::mismatch()));
        if results.any(|result| result.is_ok()) { Ok(()) } else { first }
    }
}
