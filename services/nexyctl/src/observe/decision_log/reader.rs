use std::io::{self, BufRead};

use serde::Serialize;

use super::Record;

/// Reads a log of any size, one line after the other.
///
/// Lines may carry the name of a container in front, as `docker compose logs`
/// and docker-compose 1.29 print it.
pub(crate) struct LogReader<R> {
    input: R,
    line: Vec<u8>,
    /// Lines so far, blank ones too.
    number: u64,
    tally: Tally,
}

/// One line that is not blank.
pub(crate) enum Entry<'a> {
    Record {
        /// The container that it came from, where that was printed.
        source: Option<&'a str>,
        record: Record<'a>,
    },
    /// One of nginx's access log, which stands among the ingress's lines.
    Access { source: Option<&'a str>, json: &'a str },
    /// Anything else, and why it is no record.
    Unreadable { line: &'a [u8], why: &'static str },
}

/// What was met so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Without blank ones.
    pub(crate) lines: u64,
    pub(crate) records: u64,
    pub(crate) access: u64,
    pub(crate) unreadable: u64,
    /// The first line that is unreadable, counted from 1 in its file, and why it
    /// is.
    pub(crate) first_unreadable: Option<(u64, &'static str)>,
}

/// The longest line that is kept, in bytes: far above what a decision writes.
const LINE_LIMIT: usize = 1024 * 1024;
const TOO_LONG: &str = "longer than a line can be";

// === impl LogReader ===

impl<R: BufRead> LogReader<R> {
    pub(crate) const fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            number: 0,
            tally: Tally { lines: 0, records: 0, access: 0, unreadable: 0, first_unreadable: None },
        }
    }

    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the input breaks.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry<'_>>> {
        let is_whole = loop {
            let Some(is_whole) = self.read_line()? else { return Ok(None) };
            self.number += 1;
            if !is_whole || !self.line.trim_ascii().is_empty() {
                break is_whole;
            }
        };
        self.tally.lines += 1;
        let entry = if is_whole { entry(&self.line) } else { unreadable(&self.line, TOO_LONG) };
        match &entry {
            Entry::Record { .. } => self.tally.records += 1,
            Entry::Access { .. } => self.tally.access += 1,
            Entry::Unreadable { why, .. } => {
                self.tally.unreadable += 1;
                self.tally.first_unreadable.get_or_insert((self.number, why));
            }
        }
        Ok(Some(entry))
    }

    /// Fills `line`: whether it is whole, or `None` at the end of the input.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut is_whole, mut is_begun) = (true, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                return Ok(is_begun.then_some(is_whole));
            }
            is_begun = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let room = LINE_LIMIT.saturating_sub(self.line.len());
            is_whole &= part.len() <= room;
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(is_whole));
            }
        }
    }
}

// === impl Tally ===

impl Tally {
    /// Both together, of two files one after the other.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            lines: self.lines + next.lines,
            records: self.records + next.records,
            access: self.access + next.access,
            unreadable: self.unreadable + next.unreadable,
            first_unreadable: self.first_unreadable.or(next.first_unreadable),
        }
    }
}

fn entry(line: &[u8]) -> Entry<'_> {
    let Ok(text) = str::from_utf8(line) else { return unreadable(line, "not UTF-8") };
    let (source, text) = without_source(text.trim_end_matches('\r'));
    if text.starts_with("{\"ts\":") && text.ends_with('}') {
        return Entry::Access { source, json: text };
    }
    match Record::parse(text) {
        Ok(record) => Entry::Record { source, record },
        Err(why) => unreadable(line, why),
    }
}

const fn unreadable<'a>(line: &'a [u8], why: &'static str) -> Entry<'a> {
    Entry::Unreadable { line, why }
}

/// The name before a `|`, and the rest; colours of the name and the time that
/// `docker logs -t` adds are dropped.
fn without_source(line: &str) -> (Option<&str>, &str) {
    if line.starts_with("ts=") {
        return (None, line);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let named = line.split_once('|').map(|(name, rest)| (without_colour(name).trim(), rest));
    let (source, rest) = match named {
        Some((name, rest)) if !name.is_empty() && name.chars().all(is_name) => {
            let rest = without_colour(rest);
            (Some(name), rest.strip_prefix(' ').unwrap_or(rest))
        }
        _ => (None, line),
    };
    match rest.split_once(' ') {
        Some((time, record)) if record.starts_with("ts=") && time.ends_with('Z') => {
            (source, record)
        }
        _ => (source, rest),
    }
}

/// Without the escape sequences (`ECMA-48` SGR) at its beginning.
fn without_colour(mut text: &str) -> &str {
    while let Some((parameters, rest)) =
        text.strip_prefix("\u{1b}[").and_then(|it| it.split_once('m'))
    {
        if !parameters.chars().all(|c| c.is_ascii_digit() || c == ';') {
            break;
        }
        text = rest;
    }
    text
}
