//! One look at the folders.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nexy_releases::{Channel, CheckRecord, FileName, MAX_MANIFEST_BYTES};

use super::files::{self, StoredFile};
use crate::settings::Settings;

/// What lay in the folders at one moment.
#[derive(Debug)]
pub(super) struct Seen {
    /// None where there is no folder of manifests.
    pub(super) manifests: Option<Vec<(Channel, ManifestSeen)>>,
    pub(super) files: BTreeMap<FileName, StoredFile>,
    /// What the tool has found; none where it never checked, or wrote something
    /// that cannot be read.
    pub(super) checked: Option<CheckRecord>,
}

/// What lay where a channel's manifest belongs.
#[derive(Debug)]
pub(super) enum ManifestSeen {
    /// Nothing.
    Missing,
    /// Something that cannot be read; why.
    Unreadable(String),
    /// A file, perhaps cut after the longest allowed length and one byte.
    Present {
        /// Its content.
        bytes: Vec<u8>,
        /// When it was last put there or changed.
        changed: SystemTime,
    },
}

/// Looks at both folders, and at what the tool says of them.
///
/// # Errors
/// Why a folder cannot be read, without its path.
pub(super) fn look(settings: &Settings) -> Result<Seen, String> {
    let files = match files::list(&settings.downloads_dir) {
        Ok(files) => files,
        // No downloads are no fault: every release may lie elsewhere.
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(unreadable("update.downloads_dir", &error)),
    };
    let manifests = match std::fs::read_dir(&settings.manifests_dir) {
        Ok(_) => Some(read_manifests(settings)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable("update.manifests_dir", &error)),
    };
    Ok(Seen { manifests, files, checked: read_check(&settings.check_record) })
}

fn read_manifests(settings: &Settings) -> Vec<(Channel, ManifestSeen)> {
    let path = |channel: Channel| settings.manifests_dir.join(channel.manifest_file());
    settings.channels().map(|channel| (channel, read_manifest(&path(channel)))).collect()
}

fn read_check(path: &Path) -> Option<CheckRecord> {
    let (bytes, _) = try_read(path, CheckRecord::MAX_BYTES).ok()?;
    CheckRecord::parse(&bytes).ok()
}

fn read_manifest(path: &Path) -> ManifestSeen {
    match try_read(path, MAX_MANIFEST_BYTES) {
        Ok((bytes, changed)) => ManifestSeen::Present { bytes, changed },
        Err(error) if error.kind() == io::ErrorKind::NotFound => ManifestSeen::Missing,
        Err(error) => ManifestSeen::Unreadable(format!("cannot be read: {}", error.kind())),
    }
}

/// Reads a file, and one byte more than is allowed, so that it is seen.
fn try_read(path: &Path, limit: u64) -> io::Result<(Vec<u8>, SystemTime)> {
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let file = File::open(path)?;
    let changed = u64::try_from(file.metadata()?.ctime()).unwrap_or(0);
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes, UNIX_EPOCH + Duration::from_secs(changed)))
}

fn unreadable(key: &str, error: &io::Error) -> String {
    format!("{key}: the folder cannot be read: {}", error.kind())
}
