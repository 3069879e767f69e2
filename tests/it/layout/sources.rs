//! The text of the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nexy_testkit::stack::workspace_root;

use super::workspace::{Layer, Package};

/// Lines that a file may have.
pub(super) const LONGEST_FILE: usize = 500;

/// A file as it is.
pub(crate) struct File {
    /// Below the root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A file of code that is compiled into what is shipped.
pub(super) struct Code {
    pub(super) path: String,
    /// Without comments.
    pub(super) text: String,
    /// The package that it belongs to.
    pub(super) package: String,
    pub(super) layer: Layer,
}

// === impl Code ===

impl Code {
    /// The shipped code of a package: its build script and what lies below
    /// src/, without modules that are compiled for tests only.
    pub(super) fn of(package: &Package) -> Vec<Self> {
        let folder = &package.folder;
        let all = files(&[&format!("{folder}/src"), &format!("{folder}/build.rs")], &["rs"]);
        let test_only: Vec<String> = all.iter().flat_map(test_only_modules).collect();
        let is_shipped = |file: &File| {
            let module = file.path.trim_end_matches(".rs");
            !test_only.iter().any(|test| {
                module
                    .strip_prefix(test.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let shipped = all.into_iter().filter(is_shipped);
        shipped
            .map(|File { path, text }| Self {
                path,
                text: without_comments(&text),
                package: package.name.clone(),
                layer: package.layer,
            })
            .collect()
    }

    pub(super) fn is(&self, path: &str) -> bool {
        self.path == path
    }
}

/// The files with these endings at or below these paths.
pub(crate) fn files(below: &[&str], endings: &[&str]) -> Vec<File> {
    let root = workspace_root();
    let mut found = Vec::new();
    for place in below {
        collect(&root.join(place), &mut found);
    }
    found.sort();
    found
        .into_iter()
        .filter(|path| {
            path.extension().is_some_and(|is| endings.iter().any(|ending| is == *ending))
        })
        .map(|path| {
            let relative = path.strip_prefix(&root).expect("below the root");
            let relative = relative.to_str().expect("UTF-8").to_owned();
            File { text: read(&relative), path: relative }
        })
        .collect()
}

/// All code at or below a folder, tests and benches included, as one text.
pub(super) fn text_below(folder: &str) -> String {
    files(&[folder], &["rs"]).into_iter().map(|file| without_comments(&file.text)).collect()
}

/// A file of the checkout.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path))
        .unwrap_or_else(|error| panic!("read {path}: {error}"))
}

/// Whether a text has this path or word, not as a part of a longer one.
pub(crate) fn names(text: &str, needle: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(needle).any(|(at, found)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_path_buf());
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        collect(&entry.path(), found);
    }
}

/// Paths, without `.rs`, of the modules that a file declares for tests only.
fn test_only_modules(file: &File) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let is_root = ["/lib", "/main"].iter().any(|root| stem.ends_with(root));
    let folder =
        if is_root { stem.rsplit_once('/').map_or(stem, |(folder, _)| folder) } else { stem };
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].rsplit_once("mod ")?.1.strip_suffix(';'))
        .map(|module| format!("{folder}/{module}"))
        .collect()
}

/// Without lines that are comments only.
pub(crate) fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}
