use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{FileName, HttpsUrl, Problem, PublicKey, Sha256Digest, Signature, signature};

/// The file that a client downloads and installs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Artifact {
    /// How the client unpacks it.
    #[serde(rename = "type")]
    pub kind: ArtifactKind,
    /// Where it is downloaded from.
    pub url: HttpsUrl,
    /// The last part of the URL.
    #[serde(skip)]
    pub file_name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// The processors that it runs on.
    pub arch: Architecture,
    /// The oldest macOS that it runs on.
    pub min_os: MinimumOs,
    /// The signature of its bytes; none for an unsigned release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ed25519: Option<Signature>,
}

/// The containers that Sparkle unpacks and we publish. Sparkle chooses by the
/// extension of the file name, so the two must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum ArtifactKind {
    /// A disk image.
    #[serde(rename = "dmg")]
    Dmg,
    /// A zip archive.
    #[serde(rename = "zip")]
    Zip,
    /// An installer package.
    #[serde(rename = "pkg")]
    Pkg,
    /// A tar archive, compressed with xz.
    #[serde(rename = "tar.xz")]
    TarXz,
}

/// The processors that an artifact runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Architecture {
    /// Both.
    #[serde(rename = "universal2")]
    Universal2,
    /// Apple's own only.
    #[serde(rename = "arm64")]
    Arm64,
    /// Intel's, and Apple's by translation.
    #[serde(rename = "x86_64")]
    X86_64,
}

/// A macOS version, `major[.minor[.patch]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimumOs(String);

/// Compares the bytes of a file, as they pass by, with what the manifest says
/// of them: length, digest and (with a key) signature, in one reading.
pub struct ArtifactVerifier<'a> {
    artifact: &'a Artifact,
    length: u64,
    digest: Sha256,
    signature: Option<Result<signature::Stream, Problem>>,
}

// === impl ArtifactKind ===

impl ArtifactKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Dmg, Self::Zip, Self::Pkg, Self::TarXz];

    /// The name in a manifest, and the extension of the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dmg => "dmg",
            Self::Zip => "zip",
            Self::Pkg => "pkg",
            Self::TarXz => "tar.xz",
        }
    }

    /// The kind that a manifest names.
    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

// === impl Architecture ===

impl Architecture {
    const ALL: [Self; 3] = [Self::Universal2, Self::Arm64, Self::X86_64];

    /// The name in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Universal2 => "universal2",
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// The architecture that a manifest names.
    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.as_str() == name)
    }
}

// === impl MinimumOs ===

impl MinimumOs {
    /// Checks a macOS version.
    ///
    /// # Errors
    /// When it is not one to three whole numbers joined by periods.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let is_number = |part: &str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if text.split('.').all(is_number) && text.split('.').count() <= 3 {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new("min_os", "must be a macOS version, e.g. \"11.0\""))
    }

    /// The version as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MinimumOs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for MinimumOs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

// === impl ArtifactVerifier ===

impl<'a> ArtifactVerifier<'a> {
    /// Starts a verification. Without a key the signature is not looked at.
    #[must_use]
    pub fn new(artifact: &'a Artifact, key: Option<&PublicKey>) -> Self {
        let signature = key.map(|key| match &artifact.ed25519 {
            Some(signature) => key.stream(signature),
            None => Err(Problem::new("ed25519", "is missing: the release is not signed")),
        });
        Self { artifact, length: 0, digest: Sha256::new(), signature }
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
    /// Everything in which the file differs from its manifest.
    pub fn finish(self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        if self.length != self.artifact.size {
            problems.push(size_mismatch(self.artifact.size, self.length));
        }
        let digest = Sha256Digest::from_bytes(self.digest.finalize().into());
        if digest != self.artifact.sha256 {
            let reason = format!("is not that of the file, whose digest is {digest}");
            problems.push(Problem::new("artifact.sha256", reason));
        }
        let signature = self.signature.map(|stream| stream.and_then(signature::Stream::finish));
        if let Some(Err(problem)) = signature {
            problems.push(problem.at("artifact.ed25519"));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl Artifact {
    /// The part of the verification that needs no reading of the file.
    ///
    /// # Errors
    /// When the file's length is another one.
    pub fn check_size(&self, actual: u64) -> Result<(), Problem> {
        if actual == self.size { Ok(()) } else { Err(size_mismatch(self.size, actual)) }
    }
}

fn size_mismatch(stated: u64, actual: u64) -> Problem {
    let reason = format!("is {stated}, but the file is {actual} bytes long");
    Problem::new("artifact.size", reason)
}

#[cfg(test)]
mod tests;
