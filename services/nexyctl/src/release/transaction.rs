//! Changes the folder of a running server so that it is good at every moment,
//! whatever happens to this process: files are written beside their places and
//! renamed into them, artifacts before the manifest that names them, and the
//! manifest in one step.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use super::{
    audit::{self, Entry, State},
    bytes::each_piece,
    place::Place,
    progress::Progress,
};
use crate::screen::Screen;

/// What files are called until they are whole. The server serves no name that
/// begins with a dot.
const UNFINISHED: &str = ".incoming-";

/// A change of what a channel serves.
pub(super) struct Transaction {
    /// Files for the downloads folder.
    pub(super) copies: Vec<PathBuf>,
    /// The channel's file, and what it will say.
    pub(super) manifest: PathBuf,
    pub(super) text: String,
    pub(super) entry: Entry,
}

/// Is told of every point at which a change may be interrupted.
pub(super) trait Watch {
    /// # Errors
    /// To break off there, as if the process had ended.
    fn reach(&mut self, point: &str) -> io::Result<()>;
}

/// Stops for ever at one of the points, for tests that end the process there:
/// it can delay a change and not alter it.
pub(super) struct Pause {
    /// Points that are passed before.
    pub(super) after: Option<usize>,
}

// === impl Pause ===

impl Watch for Pause {
    fn reach(&mut self, point: &str) -> io::Result<()> {
        match &mut self.after {
            None => Ok(()),
            Some(0) => {
                let mut out = io::stdout();
                writeln!(out, "paused: {point}")?;
                out.flush()?;
                loop {
                    std::thread::park();
                }
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

// === impl Transaction ===

impl Transaction {
    /// Makes the change.
    ///
    /// # Errors
    /// When a step fails. What was served before is served still, unless the
    /// last step, a note in the audit log, is what failed.
    pub(super) fn run(
        self,
        place: &Place,
        watch: &mut dyn Watch,
        screen: &mut Screen,
    ) -> io::Result<()> {
        fs::create_dir_all(&place.manifests)?;
        fs::create_dir_all(&place.downloads)?;
        sweep(&place.manifests)?;
        sweep(&place.downloads)?;
        watch.reach("nothing is done")?;
        audit::append(&place.audit_path(), self.entry.clone())?;
        watch.reach("the beginning is noted")?;
        for from in &self.copies {
            copy(from, &place.downloads, watch, screen)?;
        }
        let unfinished = write_beside(&self.manifest, self.text.as_bytes(), watch)?;
        watch.reach("the manifest is written beside its place")?;
        fs::rename(unfinished, &self.manifest)?;
        watch.reach("the manifest is in its place")?;
        sync_folder_of(&self.manifest)?;
        watch.reach("the manifest is there to stay")?;
        let done = Entry { state: State::Done, ..self.entry };
        audit::append(&place.audit_path(), done)?;
        watch.reach("the end is noted")
    }
}

/// Puts other bytes in the place of a file, in one step.
///
/// # Errors
/// When they cannot be written; then the file is what it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = write_beside(path, bytes, &mut Pause { after: None })?;
    fs::rename(unfinished, path)?;
    sync_folder_of(path)
}

fn copy(from: &Path, to: &Path, watch: &mut dyn Watch, screen: &mut Screen) -> io::Result<()> {
    let name = from.file_name().ok_or(ErrorKind::InvalidInput)?;
    let unfinished = to.join(format!("{UNFINISHED}{}", name.to_string_lossy()));
    let mut source = File::open(from)?;
    let size = source.metadata()?.len();
    let mut target = File::create(&unfinished)?;
    watch.reach("an empty artifact is there")?;
    let what = format!("Copying {}", name.to_string_lossy());
    let mut progress = Progress::new(screen, what, size);
    let mut is_told = false;
    each_piece(&mut source, |piece| {
        let (first, second) = piece.split_at(piece.len() / 2);
        target.write_all(first)?;
        if !is_told {
            is_told = true;
            watch.reach("a part of an artifact is there")?;
        }
        target.write_all(second)?;
        progress.advance(piece.len())
    })?;
    progress.end()?;
    watch.reach("an artifact is written")?;
    target.sync_all()?;
    watch.reach("an artifact is on the disk")?;
    let path = to.join(name);
    fs::rename(&unfinished, &path)?;
    watch.reach("an artifact is in its place")?;
    sync_folder_of(&path)
}

fn write_beside(path: &Path, bytes: &[u8], watch: &mut dyn Watch) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let unfinished = path.with_file_name(format!("{UNFINISHED}{name}"));
    let mut file = File::create(&unfinished)?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first)?;
    watch.reach("a part of the manifest is written")?;
    file.write_all(second)?;
    file.sync_all()?;
    Ok(unfinished)
}

/// A rename is on the disk once its folder is.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Takes away what interrupted changes have left. Nobody else is at work here,
/// because the folder is locked.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
