use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    Artifact, HttpsUrl, MinimumOs, Problem, Sha256Digest, Signature, Version,
    artifact::{Architecture, ArtifactKind},
};
use fields::Fields;

mod fields;

/// A manifest that is longer is not one; a real one has less than a kilobyte.
pub const MAX_MANIFEST_BYTES: u64 = 64 * 1024;

/// What is released on a channel: the single source of the released version.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Manifest {
    /// The version that people read, `CFBundleShortVersionString`.
    pub version: Version,
    /// The version that clients compare, `CFBundleVersion`.
    pub build: Version,
    /// The file to install.
    pub artifact: Artifact,
    /// Clients must not let the user skip or postpone it for long.
    pub critical: bool,
    /// Clients may install it without asking, where the user has allowed that.
    pub auto_install: bool,
    /// A page about what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes_url: Option<HttpsUrl>,
    /// When it was released.
    pub release_date: Timestamp,
}

/// Whether a release may follow another one in the same channel.
///
/// # Errors
/// When the build goes backwards (clients never downgrade, so it would reach
/// nobody), or stays and its bytes change (they are cached as immutable).
pub fn may_replace(old: &Manifest, new: &Manifest) -> Result<(), Problem> {
    let refuse = |key, reason| Err(Problem::new(key, reason));
    match new.build.cmp(&old.build) {
        Ordering::Less => refuse(
            "build",
            format!("must not go backwards: {} is older than {}", new.build, old.build),
        ),
        Ordering::Equal if new.artifact.sha256 != old.artifact.sha256 => refuse(
            "artifact.sha256",
            format!("must not change within build {}: other bytes need a higher build", new.build),
        ),
        Ordering::Equal | Ordering::Greater => Ok(()),
    }
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
        let mut problems = Vec::new();
        let manifest = read_manifest(&mut Fields::new(&object, &mut problems));
        match manifest {
            Some(manifest) if problems.is_empty() => Ok(manifest),
            _ => Err(problems),
        }
    }
}

fn read_object(json: &[u8]) -> Result<Map<String, Value>, Problem> {
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

/// None where a problem has been noted.
fn read_manifest(fields: &mut Fields<'_>) -> Option<Manifest> {
    // Read everything before leaving, so that every problem is noted.
    let version = fields.version("version");
    let build = fields.version("build");
    let artifact = fields.nested("artifact").and_then(|mut fields| read_artifact(&mut fields));
    let critical = fields.flag("critical", false);
    let auto_install = fields.flag("auto_install", true);
    let notes_url = fields.optional_text("notes_url", HttpsUrl::parse);
    let release_date = fields.text("release_date", read_date);
    Some(Manifest {
        version: version?,
        build: build?,
        artifact: artifact?,
        critical: critical?,
        auto_install: auto_install?,
        notes_url,
        release_date: release_date?,
    })
}

fn read_artifact(fields: &mut Fields<'_>) -> Option<Artifact> {
    let kind = fields.text("type", |text| {
        ArtifactKind::from_wire(text)
            .ok_or_else(|| Problem::new("type", "must be one of dmg, zip, pkg, tar.xz"))
    });
    let url = fields.text("url", HttpsUrl::parse);
    let size = fields.size("size");
    let sha256 = fields.text("sha256", Sha256Digest::parse);
    let arch = fields.text("arch", |text| {
        Architecture::from_wire(text)
            .ok_or_else(|| Problem::new("arch", "must be one of universal2, arm64, x86_64"))
    });
    let min_os = fields.text("min_os", MinimumOs::parse);
    let ed25519 = fields.optional_text("ed25519", Signature::parse);
    let (kind, url) = (kind?, url?);
    let file_name = fields.note(url.file_name())?;
    if !file_name.as_str().ends_with(&format!(".{}", kind.as_str())) {
        let reason = format!(
            "must end with .{} like its type (clients choose by it how to unpack)",
            kind.as_str()
        );
        fields.note::<()>(Err(Problem::new("url", reason)));
    }
    let (size, sha256, arch, min_os) = (size?, sha256?, arch?, min_os?);
    Some(Artifact { kind, url, file_name, size, sha256, arch, min_os, ed25519 })
}

fn read_date(text: &str) -> Result<Timestamp, Problem> {
    let wrong =
        || Problem::new("date", "must be an RFC 3339 date, e.g. \"2026-02-26T19:57:35+00:00\"");
    // jiff also reads spaces, a missing offset's seconds and zone annotations.
    let is_rfc_3339 = text.len() >= "2026-02-26T19:57:35Z".len()
        && text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'T'))
        && text.as_bytes().get(16) == Some(&b':')
        && !text.contains('[');
    if !is_rfc_3339 {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
