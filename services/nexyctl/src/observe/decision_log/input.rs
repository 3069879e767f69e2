use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

/// A log that can be read more than once.
pub(crate) struct Input {
    /// As it was given.
    pub(crate) name: String,
    file: File,
}

/// What stands for the standard input on the command line.
const STDIN: &str = "-";
/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// A log that is read once, as it comes; `-` is the standard input.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn stream(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path == Path::new(STDIN) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let (_, file) = open(path)?;
    Ok(Box::new(BufReader::with_capacity(CHUNK, file)))
}

fn open(path: &Path) -> anyhow::Result<(String, File)> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("open {name}"))?;
    let is_folder = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    ensure!(!is_folder, "{name} is a folder");
    Ok((name, file))
}

// === impl Input ===

impl Input {
    /// Opens a file, or keeps all of the standard input (`-`) in a temporary one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new(STDIN) {
            let mut file = tempfile::tempfile().context("make a temporary file")?;
            io::copy(&mut io::stdin().lock(), &mut file).context("keep the standard input")?;
            return Ok(Self { name: "the standard input".to_owned(), file });
        }
        let (name, file) = open(path)?;
        // A pipe can be read once only.
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(Self { name, file });
        }
        let mut kept = tempfile::tempfile().context("make a temporary file")?;
        io::copy(&mut &file, &mut kept).with_context(|| format!("read {name}"))?;
        Ok(Self { name, file: kept })
    }

    /// Opens all of them.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(crate) fn open_all(paths: &[PathBuf]) -> anyhow::Result<Vec<Self>> {
        paths.iter().map(|path| Self::open(path)).collect()
    }

    /// From its beginning.
    ///
    /// # Errors
    /// When it cannot be read again.
    pub(crate) fn reader(&mut self) -> anyhow::Result<BufReader<&File>> {
        self.file.rewind().with_context(|| format!("read {}", self.name))?;
        Ok(BufReader::with_capacity(CHUNK, &self.file))
    }
}
