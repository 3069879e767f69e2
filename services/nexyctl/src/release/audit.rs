//! Who changed what, when and why: one line of JSON for each step, each with
//! the digest of the line before it, so that a line cannot be taken out or
//! changed unnoticed.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use nexy_releases::{Channel, Manifest, Sha256Digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Who acts, and why.
#[derive(clap::Args, Clone)]
pub(super) struct WhoArgs {
    /// Who does this, for the audit log.
    #[arg(long, value_name = "NAME", value_parser = some_text)]
    pub(super) by: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    pub(super) reason: String,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) action: String,
    pub(super) state: State,
    pub(super) channel: String,
    pub(super) version: String,
    pub(super) build: String,
    /// The digest of the release as it stands in the manifest.
    pub(super) release: String,
    pub(super) reason: String,
    /// The digest of the line before; empty for the first.
    #[serde(default)]
    pub(super) chain: String,
}

/// How far an action has come. One that begun and is not done was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It is about to happen.
    Begun,
    /// It has happened.
    Done,
}

/// What the audit log holds.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) entries: Vec<Entry>,
    /// Lines that cannot be read or do not follow the one before, from 1.
    pub(super) broken: Vec<usize>,
}

fn some_text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        text if text.chars().any(char::is_control) => Err("must be one line".to_owned()),
        text => Ok(text.to_owned()),
    }
}

// === impl Entry ===

impl Entry {
    pub(super) fn new(who: &WhoArgs, action: &str, channel: Channel, release: &Manifest) -> Self {
        Self {
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            by: who.by.clone(),
            action: action.to_owned(),
            state: State::Begun,
            channel: channel.to_string(),
            version: release.version.to_string(),
            build: release.build.to_string(),
            release: digest_of(release),
            reason: who.reason.clone(),
            chain: String::new(),
        }
    }

    /// Whether it is the same act of the same person.
    fn completes(&self, begun: &Self) -> bool {
        self.action == begun.action && self.channel == begun.channel && self.build == begun.build
    }
}

/// What an approval is about, down to the digests of its files.
pub(super) fn digest_of(release: &Manifest) -> String {
    let text = serde_json::to_vec(release).unwrap_or_default();
    hex(&text)
}

fn hex(bytes: &[u8]) -> String {
    Sha256Digest::from_bytes(Sha256::digest(bytes).into()).to_string()
}

// === impl Log ===

impl Log {
    /// # Errors
    /// When it cannot be read; a log that is not there is empty.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut log = Self::default();
        let mut before = String::new();
        for (index, line) in text.lines().enumerate() {
            match serde_json::from_str::<Entry>(line) {
                Ok(entry) => {
                    if entry.chain != before {
                        log.broken.push(index + 1);
                    }
                    log.entries.push(entry);
                }
                Err(_) => log.broken.push(index + 1),
            }
            before = hex(line.as_bytes());
        }
        Ok(log)
    }

    /// The actions that begun and were never done.
    pub(super) fn interrupted(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().enumerate().filter_map(|(place, entry)| {
            let mut later = self.entries.iter().skip(place + 1);
            let is_open = entry.state == State::Begun
                && !later.any(|done| done.state == State::Done && done.completes(entry));
            is_open.then_some(entry)
        })
    }
}

/// Puts an entry at the end of the log, on the disk when it returns.
///
/// # Errors
/// When it cannot be written.
pub(super) fn append(path: &Path, mut entry: Entry) -> io::Result<()> {
    let mut file = File::options().create(true).read(true).append(true).open(path)?;
    file.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    entry.chain = text.lines().next_back().map(|line| hex(line.as_bytes())).unwrap_or_default();
    let mut line = serde_json::to_string(&entry)? + "\n";
    // The end of a line that was cut off when somebody pulled the plug.
    if !text.is_empty() && !text.ends_with('\n') {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes())?;
    file.sync_all()
}
