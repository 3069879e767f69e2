//! The private key of releases: where a release is made, never on a server.

use std::{fmt, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{
    SecretKey as Seed, SignatureError, Signer as _, SigningKey, VerifyingKey,
    hazmat::{ExpandedSecretKey, raw_sign, raw_sign_byupdate},
};
use sha2::{Digest as _, Sha512};

use crate::{Problem, PublicKey, Signature};

/// Bytes of the old form: 64 of the expanded key, 32 of the public one.
const OLD_LENGTH: usize = 96;

/// A private key in one of the two forms that Sparkle's `generate_keys` has
/// written. `Debug` does not show it.
pub struct SecretKey(Form);

enum Form {
    /// 32 bytes, of which everything else is derived (since Sparkle 2.6).
    Seed(SigningKey),
    /// The expanded key itself, as Sparkle's older library kept it; the seed
    /// that it came from is not known.
    Expanded { key: ExpandedSecretKey, public: VerifyingKey },
}

/// Takes the pieces of a message that is being signed.
pub struct Sink<'a>(&'a mut Sha512);

// === impl SecretKey ===

impl SecretKey {
    /// A key from 32 bytes that nobody can guess.
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Self {
        Self(Form::Seed(SigningKey::from_bytes(seed)))
    }

    /// Reads the text of a key file: base64 of 32 bytes (a seed) or of 96 (the
    /// old form). White space around it is forgiven, as Sparkle forgives it.
    ///
    /// # Errors
    /// When the text is no key, or the two halves of an old one do not belong
    /// together: to sign with such a pair would give the key away.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = |reason: &str| Problem::new("key", reason);
        let wrong = || refuse("must be base64 of a 32-byte seed or of an old 96-byte key");
        let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
        if let Ok(seed) = Seed::try_from(bytes.as_slice()) {
            return Ok(Self::from_seed(&seed));
        }
        if bytes.len() != OLD_LENGTH {
            return Err(wrong());
        }
        let (secret, public) = bytes.split_first_chunk::<64>().ok_or_else(wrong)?;
        let public = <[u8; 32]>::try_from(public).map_err(|_| wrong())?;
        let key = ExpandedSecretKey::from_bytes(secret);
        let derived = VerifyingKey::from(&key);
        if derived.as_bytes() != &public {
            return Err(refuse("holds a public key that does not belong to its private one"));
        }
        Ok(Self(Form::Expanded { key, public: derived }))
    }

    /// The text of a key file with this key; none for an old key, whose seed
    /// is not known.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        match &self.0 {
            Form::Seed(key) => Some(STANDARD.encode(key.as_bytes())),
            Form::Expanded { .. } => None,
        }
    }

    /// What apps carry as `SUPublicEDKey`.
    ///
    /// # Errors
    /// When the key is a weak one.
    pub fn public(&self) -> Result<PublicKey, Problem> {
        let public = match &self.0 {
            Form::Seed(key) => key.verifying_key(),
            Form::Expanded { public, .. } => *public,
        };
        PublicKey::parse(&STANDARD.encode(public.as_bytes()))
    }

    /// Signs a message that is in memory.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_dalek(match &self.0 {
            Form::Seed(key) => key.sign(message),
            Form::Expanded { key, public } => raw_sign::<Sha512>(key, message, public),
        })
    }

    /// Signs a message that does not have to fit into memory. `read` is called
    /// twice and has to give the same bytes each time; else the signature
    /// verifies nothing.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn sign_in_pieces(
        &self,
        read: impl Fn(&mut Sink<'_>) -> io::Result<()>,
    ) -> io::Result<Signature> {
        let failure = std::cell::RefCell::new(None);
        let update = |digest: &mut Sha512| {
            read(&mut Sink(digest)).map_err(|error| {
                *failure.borrow_mut() = Some(error);
                SignatureError::new()
            })
        };
        let signed = match &self.0 {
            Form::Seed(key) => {
                let expanded = ExpandedSecretKey::from(key.as_bytes());
                raw_sign_byupdate::<Sha512, _>(&expanded, update, &key.verifying_key())
            }
            Form::Expanded { key, public } => raw_sign_byupdate::<Sha512, _>(key, update, public),
        };
        let reason = || failure.take().unwrap_or_else(|| io::ErrorKind::Other.into());
        signed.map(Signature::from_dalek).map_err(|_| reason())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").finish_non_exhaustive()
    }
}

// === impl Sink ===

impl Sink<'_> {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }
}

#[cfg(test)]
mod tests;
