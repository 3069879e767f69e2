use std::fmt;

use crate::{Claim, FileName, HttpsUrl, Problem, Sha256Digest, Signature, Version};

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
    pub min_os: OsVersion,
    /// The newest macOS that it is offered to; none for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_os: Option<OsVersion>,
    /// How it is installed, where its kind does not say so.
    #[serde(rename = "installation_type", skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationType>,
    /// The signature of its bytes; none for an unsigned release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ed25519: Option<Signature>,
    /// Shorter ways to the same bytes, from some older versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
}

/// A difference between two versions of the app, made by Sparkle's
/// `BinaryDelta`. A client that cannot use it takes the whole artifact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Delta {
    /// The version that it leads from, exactly.
    pub from: Version,
    /// Where it is downloaded from.
    pub url: HttpsUrl,
    /// The last part of the URL.
    #[serde(skip)]
    pub file_name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// The signature of its bytes; none for an unsigned release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ed25519: Option<Signature>,
    /// Bytes of Sparkle's executable in the app that it leads from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executable_size: Option<u64>,
    /// Localisations of Sparkle in the app that it leads from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locales: Vec<String>,
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

/// How Sparkle installs an artifact (`sparkle:installationType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstallationType {
    /// The app is replaced.
    Application,
    /// A package is installed without questions.
    Package,
    /// The package asks its own questions.
    InteractivePackage,
}

/// A macOS version, `major[.minor[.patch]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsVersion(String);

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

// === impl InstallationType ===

impl InstallationType {
    const ALL: [Self; 3] = [Self::Application, Self::Package, Self::InteractivePackage];

    /// The name in a manifest and in a feed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Package => "package",
            Self::InteractivePackage => "interactive-package",
        }
    }

    /// The type that a manifest or a feed names.
    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

// === impl OsVersion ===

impl OsVersion {
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

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for OsVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

// === impl Artifact ===

impl Artifact {
    /// The artifact and its deltas; `key` is where the artifact stands.
    pub(crate) fn claims(&self, key: &str) -> Vec<Claim> {
        let artifact = Claim {
            key: key.to_owned(),
            url: self.url.clone(),
            file_name: self.file_name.clone(),
            size: self.size,
            sha256: self.sha256,
            ed25519: self.ed25519,
        };
        let deltas = self.deltas.iter().enumerate();
        let deltas = deltas.map(|(place, delta)| delta.claim(format!("{key}.deltas[{place}]")));
        std::iter::once(artifact).chain(deltas).collect()
    }

    /// Whether only some Macs may take it.
    pub(crate) fn is_special(&self) -> bool {
        self.arch == Architecture::Arm64 || self.max_os.is_some()
    }

    /// How clients install it, where that has to be said to them.
    pub(crate) fn stated_installation(&self) -> Option<InstallationType> {
        match (self.installation, self.kind) {
            (Some(installation), _) => Some(installation),
            (None, ArtifactKind::Pkg) => Some(InstallationType::Package),
            (None, _) => None,
        }
    }
}

// === impl Delta ===

impl Delta {
    fn claim(&self, key: String) -> Claim {
        Claim {
            key,
            url: self.url.clone(),
            file_name: self.file_name.clone(),
            size: self.size,
            sha256: self.sha256,
            ed25519: self.ed25519,
        }
    }
}

#[cfg(test)]
mod tests;
