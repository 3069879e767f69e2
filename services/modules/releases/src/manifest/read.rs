//! Reads the keys of a manifest. Everything is read before anybody leaves, so
//! that every problem is noted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{Informational, Manifest, Notes, NotesFormat, NotesSignature, fields::Fields};
use crate::{
    Artifact, Delta, FileName, HttpsUrl, Language, OsVersion, Problem, Sha256Digest, Signature,
    Translation, Version,
    artifact::{Architecture, ArtifactKind, InstallationType},
    translation::OWN_LANGUAGE,
    version,
};

/// Sparkle's seven groups are at most this many seconds apart: 30 days.
const LONGEST_PHASE: u64 = 30 * 86_400;
/// Sparkle looks at no more (2.6, `DELTA_EXPECTED_LOCALES_LIMIT`).
const MOST_LOCALES: usize = 15;

/// None where a problem has been noted.
pub(super) fn manifest(fields: &mut Fields<'_>) -> Option<Manifest> {
    let version = fields.version("version");
    let build = fields.version("build");
    let artifact = fields.object("artifact", artifact);
    let alternatives = fields.objects("alternatives", self::artifact);
    let critical = fields.flag("critical", false);
    let auto_install = fields.flag("auto_install", true);
    let manifest = Manifest {
        critical_below: fields.optional_version("critical_below"),
        informational: informational(fields),
        link: fields.optional_text("link", HttpsUrl::parse),
        phased_rollout_interval: fields
            .optional_number("phased_rollout_interval", (1, LONGEST_PHASE)),
        minimum_update_version: fields.optional_version("minimum_update_version"),
        minimum_autoupdate_version: fields.optional_version("minimum_autoupdate_version"),
        ignore_skipped_upgrades_below: fields.optional_version("ignore_skipped_upgrades_below"),
        notes_url: fields.optional_text("notes_url", HttpsUrl::parse),
        notes_signature: fields.optional_object("notes_signature", notes_signature),
        notes: fields.optional_object("notes", notes),
        translations: fields.objects("translations", translation),
        full_notes_url: fields.optional_text("full_notes_url", HttpsUrl::parse),
        release_date: fields.text("release_date", date)?,
        version: version?,
        build: build?,
        artifact: artifact?,
        alternatives,
        critical: critical?,
        auto_install: auto_install?,
    };
    agreement(fields, &manifest);
    Some(manifest)
}

/// The rules about several keys at once.
fn agreement(fields: &mut Fields<'_>, manifest: &Manifest) {
    let build = &manifest.build;
    if manifest.critical_below.is_some() && !manifest.critical {
        fields.refuse("critical_below", "has no meaning unless critical is true");
    }
    if manifest.informational.is_some() && manifest.link.is_none() {
        fields.refuse("link", "is missing: an informational update opens it");
    }
    if manifest.notes.is_some() && manifest.notes_url.is_some() {
        fields.refuse("notes", "must not stand beside notes_url: clients show one of them only");
    }
    if manifest.notes_signature.is_some() && manifest.notes_url.is_none() {
        fields.refuse("notes_signature", "has no meaning without notes_url");
    }
    if manifest.minimum_autoupdate_version.is_some() && !manifest.auto_install {
        fields.refuse("minimum_autoupdate_version", "has no meaning while auto_install is false");
    }
    translated(fields, manifest);
    for (key, version) in [
        ("critical_below", &manifest.critical_below),
        ("minimum_update_version", &manifest.minimum_update_version),
        ("minimum_autoupdate_version", &manifest.minimum_autoupdate_version),
        ("ignore_skipped_upgrades_below", &manifest.ignore_skipped_upgrades_below),
    ] {
        if version.as_ref().is_some_and(|version| version > build) {
            fields.refuse(key, format!("must not be newer than build {build} itself"));
        }
    }
    let mut names = BTreeSet::new();
    for claim in manifest.claims() {
        if !names.insert(claim.file_name.clone()) {
            fields.refuse(&format!("{}.url", claim.key), "names a file that stands there already");
        }
    }
    for delta in manifest.artifacts().flat_map(|artifact| &artifact.deltas) {
        if delta.from >= *build {
            let reason = format!("must lead from an older version than {build}");
            fields.refuse(&format!("deltas from {}", delta.from), reason);
        }
    }
}

/// Clients show a page before a text, so all languages have the same form.
fn translated(fields: &mut Fields<'_>, manifest: &Manifest) {
    let mut languages = BTreeSet::from([OWN_LANGUAGE]);
    for (place, translation) in manifest.translations.iter().enumerate() {
        let key = |name: &str| format!("translations[{place}].{name}");
        if !languages.insert(translation.language.as_str()) {
            let reason = format!("is there already ({OWN_LANGUAGE} is that of the release's own)");
            fields.refuse(&key("lang"), reason);
        }
        for (name, own, other) in [
            ("notes_url", manifest.notes_url.is_some(), translation.notes_url.is_some()),
            ("notes", manifest.notes.is_some(), translation.notes.is_some()),
        ] {
            if own != other {
                fields.refuse(&key(name), format!("must stand there exactly if {name} does"));
            }
        }
        if translation.notes_url.is_none() && translation.notes.is_none() {
            fields.refuse(&key("notes"), "are missing, and so is notes_url");
        }
        if translation.notes_signature.is_some() && translation.notes_url.is_none() {
            fields.refuse(&key("notes_signature"), "has no meaning without notes_url");
        }
    }
}

fn translation(fields: &mut Fields<'_>) -> Option<Translation> {
    let language = fields.text("lang", Language::parse);
    let notes_url = fields.optional_text("notes_url", HttpsUrl::parse);
    let notes_signature = fields.optional_object("notes_signature", notes_signature);
    let notes = fields.optional_object("notes", notes);
    Some(Translation { language: language?, notes_url, notes_signature, notes })
}

fn artifact(fields: &mut Fields<'_>) -> Option<Artifact> {
    let kind = fields.text("type", |text| {
        ArtifactKind::from_wire(text)
            .ok_or_else(|| Problem::new("type", "must be one of dmg, zip, pkg, tar.xz"))
    });
    let file = file(fields, kind.map(ArtifactKind::as_str));
    let arch = fields.text("arch", |text| {
        Architecture::from_wire(text)
            .ok_or_else(|| Problem::new("arch", "must be one of universal2, arm64, x86_64"))
    });
    let min_os = fields.text("min_os", OsVersion::parse);
    let max_os = fields.optional_text("max_os", OsVersion::parse);
    let installation = fields.optional_text("installation_type", |text| {
        let wrong = "must be one of application, package, interactive-package";
        InstallationType::from_wire(text).ok_or_else(|| Problem::new("installation_type", wrong))
    });
    let ed25519 = fields.optional_text("ed25519", Signature::parse);
    let deltas = fields.objects("deltas", delta);
    let froms: BTreeSet<_> = deltas.iter().map(|delta| delta.from.as_str()).collect();
    if froms.len() < deltas.len() {
        fields.refuse("deltas", "must have one delta for each version that it leads from");
    }
    let (kind, file, arch, min_os) = (kind?, file?, arch?, min_os?);
    let is_package = kind == ArtifactKind::Pkg;
    if is_package && installation == Some(InstallationType::Application) {
        fields.refuse("installation_type", "must be a package's, because the artifact is a pkg");
    }
    let is_above = |max: &OsVersion| version::compare(min_os.as_str(), max.as_str()).is_gt();
    if max_os.as_ref().is_some_and(is_above) {
        fields.refuse("max_os", format!("must not be older than min_os {min_os}"));
    }
    let File { url, file_name, size, sha256 } = file;
    Some(Artifact {
        kind,
        url,
        file_name,
        size,
        sha256,
        arch,
        min_os,
        max_os,
        installation,
        ed25519,
        deltas,
    })
}

fn delta(fields: &mut Fields<'_>) -> Option<Delta> {
    let from = fields.version("from");
    let file = file(fields, Some("delta"));
    let ed25519 = fields.optional_text("ed25519", Signature::parse);
    let executable_size = fields.optional_number("executable_size", (1, u64::MAX));
    let locales = fields.texts("locales", |text| {
        let is_plain = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let wrong = "must be names of locales, e.g. \"de\" or \"pt_BR\"";
        if is_plain { Ok(text.to_owned()) } else { Err(Problem::new("locales", wrong)) }
    });
    if locales.len() > MOST_LOCALES {
        fields
            .refuse("locales", format!("must be at most {MOST_LOCALES}: clients look at no more"));
    }
    let File { url, file_name, size, sha256 } = file?;
    Some(Delta { from: from?, url, file_name, size, sha256, ed25519, executable_size, locales })
}

/// What every download says of itself.
struct File {
    url: HttpsUrl,
    file_name: FileName,
    size: u64,
    sha256: Sha256Digest,
}

fn file(fields: &mut Fields<'_>, ending: Option<&str>) -> Option<File> {
    let url = fields.text("url", HttpsUrl::parse);
    let size = fields.size("size");
    let sha256 = fields.text("sha256", Sha256Digest::parse);
    let url = url?;
    let file_name = fields.note(url.file_name())?;
    let ending = ending?;
    if !file_name.as_str().ends_with(&format!(".{ending}")) {
        let reason =
            format!("must end with .{ending} like its type (clients choose by it how to unpack)");
        fields.refuse("url", reason);
    }
    Some(File { url, file_name, size: size?, sha256: sha256? })
}

fn informational(fields: &mut Fields<'_>) -> Option<Informational> {
    match fields.optional("informational")? {
        Value::Bool(true) => Some(Informational::default()),
        Value::Bool(false) => None,
        _ => fields.optional_object("informational", |fields| {
            Some(Informational {
                versions: fields.texts("versions", Version::parse),
                below: fields.texts("below", Version::parse),
            })
        }),
    }
}

fn notes(fields: &mut Fields<'_>) -> Option<Notes> {
    let format = fields.text("format", |text| {
        NotesFormat::from_wire(text)
            .ok_or_else(|| Problem::new("format", "must be one of html, plain-text, markdown"))
    });
    let text = fields.text("text", |text| match text.trim() {
        "" => Err(Problem::new("text", "must not be empty")),
        // Clients take such a description for the address of the notes.
        text if text.starts_with("http://") || text.starts_with("https://") => {
            Err(Problem::new("text", "must not begin with an address: use notes_url"))
        }
        _ => Ok(text.to_owned()),
    });
    Some(Notes { format: format?, text: text? })
}

fn notes_signature(fields: &mut Fields<'_>) -> Option<NotesSignature> {
    let ed25519 = fields.text("ed25519", Signature::parse);
    let size = fields.size("size");
    Some(NotesSignature { ed25519: ed25519?, size: size? })
}

fn date(text: &str) -> Result<Timestamp, Problem> {
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
