//! Ed25519 signatures as Sparkle makes and checks them: pure Ed25519 (RFC 8032)
//! over the raw bytes of the file, in standard base64.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, StreamVerifier, VerifyingKey};

use crate::Problem;

/// The key that every release must verify with, `SUPublicEDKey` of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A signature; its text is base64 of 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(ed25519_dalek::Signature);

/// A verification whose message arrives in pieces.
pub struct Stream(StreamVerifier);

/// Verifies a message that is in memory, strictly: neither the key nor the
/// signature may be malleable.
///
/// # Errors
/// When the signature is not the key's signature of the message.
pub fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), Problem> {
    key.0.verify_strict(message, &signature.0).map_err(|_| mismatch())
}

// === impl PublicKey ===

impl PublicKey {
    /// Reads base64 of the raw 32 bytes; white space around it is forgiven, as
    /// Sparkle forgives it.
    ///
    /// # Errors
    /// When the text is no usable Ed25519 public key.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = |reason: &str| Problem::new("public_key", reason);
        let bytes: [u8; PUBLIC_KEY_LENGTH] = STANDARD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| refuse("must be base64 of 32 bytes"))?;
        let key = VerifyingKey::from_bytes(&bytes)
            .map_err(|_| refuse("must be a point of the Ed25519 curve"))?;
        if key.is_weak() {
            return Err(refuse("must not be a weak key (it would verify forged signatures)"));
        }
        Ok(Self(key))
    }

    /// Starts to verify a message that arrives in pieces.
    ///
    /// As strict as [`verify`]: [`PublicKey::parse`] has refused keys of small
    /// order, the commitment of the signature is checked here.
    ///
    /// # Errors
    /// When the signature could not be one of any message.
    pub fn stream(&self, signature: &Signature) -> Result<Stream, Problem> {
        let commitment = VerifyingKey::from_bytes(signature.0.r_bytes()).map_err(|_| mismatch())?;
        if commitment.is_weak() {
            return Err(mismatch());
        }
        self.0.verify_stream(&signature.0).map(Stream).map_err(|_| mismatch())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

// === impl Signature ===

impl Signature {
    pub(crate) const fn from_dalek(signature: ed25519_dalek::Signature) -> Self {
        Self(signature)
    }

    /// Reads base64 of 64 bytes.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| <[u8; SIGNATURE_LENGTH]>::try_from(bytes).ok())
            .map(|bytes| Self(ed25519_dalek::Signature::from_bytes(&bytes)))
            .ok_or_else(|| Problem::new("ed25519", "must be base64 of 64 bytes"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.to_bytes()))
    }
}

impl serde::Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Stream ===

impl Stream {
    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Decides, once the whole message has been taken.
    ///
    /// # Errors
    /// When the signature is not the key's signature of the message.
    pub fn finish(self) -> Result<(), Problem> {
        self.0.finalize_and_verify().map_err(|_| mismatch())
    }
}

pub(crate) fn mismatch() -> Problem {
    Problem::new("ed25519", "does not verify with the public key over the bytes of the file")
}

#[cfg(test)]
mod tests;
