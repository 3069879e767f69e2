use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{Artifact, Claim, HttpsUrl, Problem, Signature, Translation, Version};
use fields::{Fields, Found};

pub(crate) mod fields;
mod read;

/// A manifest that is longer is not one; a real one has less than a kilobyte,
/// and some more with the one before it and signed feeds.
pub const MAX_MANIFEST_BYTES: u64 = 256 * 1024;

/// A release: what clients are offered, and on which conditions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Manifest {
    /// The version that people read, `CFBundleShortVersionString`.
    pub version: Version,
    /// The version that clients compare, `CFBundleVersion`.
    pub build: Version,
    /// The file to install.
    pub artifact: Artifact,
    /// The same build for other Macs: another processor or system.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Artifact>,
    /// Clients must not let the user skip or postpone it for long.
    pub critical: bool,
    /// It is critical only for clients below this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_below: Option<Version>,
    /// Clients may install it without asking, where the user has allowed that.
    pub auto_install: bool,
    /// Clients only tell the user about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub informational: Option<Informational>,
    /// A page about the release; informational updates open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<HttpsUrl>,
    /// Seconds from one of Sparkle's seven groups to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phased_rollout_interval: Option<u64>,
    /// Clients below this version do not see it (Sparkle 2.9 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_update_version: Option<Version>,
    /// Clients below this version ask before they install it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_autoupdate_version: Option<Version>,
    /// Who skipped this major upgrade below this version is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_skipped_upgrades_below: Option<Version>,
    /// A page about what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes_url: Option<HttpsUrl>,
    /// The signature of that page, for clients that require one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes_signature: Option<NotesSignature>,
    /// What is new, in the feed itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
    /// What is new, in more languages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<Translation>,
    /// A page about all versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_notes_url: Option<HttpsUrl>,
    /// When it was released.
    pub release_date: Timestamp,
}

/// Whom an update only informs; nobody named is everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Informational {
    /// Exactly these versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
    /// Every version below one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<Version>,
}

/// Release notes that travel in the feed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Notes {
    /// How they are written.
    pub format: NotesFormat,
    /// What they say.
    pub text: String,
}

/// How release notes are written (`sparkle:format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotesFormat {
    /// For every client.
    Html,
    /// For Sparkle 2.4 and later.
    PlainText,
    /// For Sparkle 2.9 and later.
    Markdown,
}

/// What a client needs to verify the page of `notes_url`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NotesSignature {
    /// The signature of the bytes as they are served.
    pub ed25519: Signature,
    /// Their number.
    pub size: u64,
}

/// Whether a release may follow another one in the same channel.
///
/// # Errors
/// When the build goes backwards (clients never downgrade, so it would reach
/// nobody), or stays and its bytes change (they are cached as immutable).
pub fn may_replace(old: &Manifest, new: &Manifest) -> Result<(), Problem> {
    match new.build.cmp(&old.build) {
        Ordering::Less => {
            let reason =
                format!("must not go backwards: {} is older than {}", new.build, old.build);
            Err(Problem::new("build", reason))
        }
        Ordering::Equal => new.claims().iter().try_for_each(|claim| same_bytes(old, claim)),
        Ordering::Greater => Ok(()),
    }
}

fn same_bytes(old: &Manifest, claim: &Claim) -> Result<(), Problem> {
    let differs = |known: &Claim| {
        (known.key == claim.key || known.file_name == claim.file_name)
            && known.sha256 != claim.sha256
    };
    if !old.claims().iter().any(differs) {
        return Ok(());
    }
    let reason =
        format!("must not change within build {}: other bytes need a higher build", old.build);
    Err(Problem::new(format!("{}.sha256", claim.key), reason))
}

// === impl Manifest ===

impl Manifest {
    /// Reads and checks a manifest. Keys that are not known are ignored, so
    /// that an older server takes a newer tool's manifest.
    ///
    /// # Errors
    /// Every rule that the manifest breaks, in the order of its keys.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<Problem>> {
        let object = read_object(json).map_err(|problem| vec![problem])?;
        let mut found = Found::default();
        let manifest = read::manifest(&mut Fields::new(&object, &mut found));
        manifest.filter(|_| found.problems.is_empty()).ok_or(found.problems)
    }

    /// Reads the release that a nested object holds.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        read::manifest(fields)
    }

    /// Its artifacts in the order in which a feed names them: clients take the
    /// first that suits them, so what only some Macs run comes first.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        let all = || std::iter::once(&self.artifact).chain(&self.alternatives);
        let (special, general) =
            (all().filter(|one| one.is_special()), all().filter(|one| !one.is_special()));
        special.chain(general)
    }

    /// Everything that clients download of it.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let alternatives = self.alternatives.iter().enumerate();
        let alternatives =
            alternatives.map(|(place, artifact)| (format!("alternatives[{place}]"), artifact));
        std::iter::once(("artifact".to_owned(), &self.artifact))
            .chain(alternatives)
            .flat_map(|(key, artifact)| artifact.claims(&key))
            .collect()
    }
}

// === impl NotesFormat ===

impl NotesFormat {
    const ALL: [Self; 3] = [Self::Html, Self::PlainText, Self::Markdown];

    /// The name in a manifest and in a feed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::PlainText => "plain-text",
            Self::Markdown => "markdown",
        }
    }

    fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

pub(crate) fn read_object(json: &[u8]) -> Result<Map<String, Value>, Problem> {
    let refuse = |reason: String| Problem::new("manifest", reason);
    if json.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(refuse(format!("must be at most {MAX_MANIFEST_BYTES} bytes long")));
    }
    match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(refuse("must be a JSON object".to_owned())),
        Err(error) => Err(refuse(format!("must be JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests;
