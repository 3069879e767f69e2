//! Files of one folder, reached by name only.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nexy_releases::FileName;

/// A regular file that lies in the folder itself, perhaps under a second name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFile {
    /// Where it lies, free of symbolic links.
    pub(crate) path: PathBuf,
    /// When its content last changed.
    pub(crate) modified: SystemTime,
    pub(crate) fingerprint: Fingerprint,
}

/// What changes whenever the content of a file may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// In bytes.
    pub(crate) length: u64,
    /// Seconds and nanoseconds of the last change of the content.
    pub(crate) modified: (i64, i64),
    /// The same of the last change of anything; no program can set it back.
    changed: (i64, i64),
    inode: u64,
    device: u64,
}

/// Every file of a folder that has a name which can be asked for.
pub(crate) fn list(folder: &Path) -> io::Result<BTreeMap<FileName, StoredFile>> {
    let root = folder.canonicalize()?;
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&root)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().and_then(|name| FileName::parse(name).ok()) else {
            continue;
        };
        // A file that went away meanwhile, or is none, is not listed.
        if let Ok(file) = locate(&root, &name) {
            files.insert(name, file);
        }
    }
    Ok(files)
}

/// Opens a file of the folder for reading.
///
/// # Errors
/// `NotFound` for everything that is not a regular file of this very folder.
pub(crate) fn open(folder: &Path, name: &FileName) -> io::Result<(File, StoredFile)> {
    let located = locate(&folder.canonicalize()?, name)?;
    let file = File::open(&located.path)?;
    let opened = StoredFile::new(located.path.clone(), &file.metadata()?)?;
    let (before, after) = (located.fingerprint, opened.fingerprint);
    // Something else was put in its place between the two looks.
    if (before.inode, before.device) != (after.inode, after.device) {
        return Err(not_found());
    }
    Ok((file, opened))
}

/// Looks without opening, because opening a pipe would wait for its writer.
fn locate(root: &Path, name: &FileName) -> io::Result<StoredFile> {
    let mut path = root.join(name.as_str());
    let mut metadata = fs::symlink_metadata(&path)?;
    if metadata.file_type().is_symlink() {
        path = path.canonicalize()?;
        let target = path.file_name().and_then(|name| name.to_str());
        let is_ours = path.parent() == Some(root)
            && target.is_some_and(|target| FileName::parse(target).is_ok());
        if !is_ours {
            return Err(not_found());
        }
        metadata = fs::symlink_metadata(&path)?;
    }
    StoredFile::new(path, &metadata)
}

// === impl StoredFile ===

impl StoredFile {
    fn new(path: PathBuf, metadata: &Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(not_found());
        }
        let fingerprint = Fingerprint::of(metadata);
        Ok(Self { path, modified: metadata.modified()?, fingerprint })
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

#[cfg(test)]
mod tests;
