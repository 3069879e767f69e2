//! Server-sent events, decoded a chunk at a time.
//!
//! Follows "Interpreting an event stream" of the HTML standard, with three
//! differences that providers make necessary: the size of an event is bounded,
//! a field `error` is read like `data` (llama.cpp), and bare JSON is an event: what
//! begins at the start of a line with `{` or `[` is taken until that bracket is
//! closed (errors that a provider writes into a running stream, and servers that
//! answer with one JSON document). Event names and ids are not used by any
//! provider and are dropped.

use std::{collections::VecDeque, mem};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The data of one event, or the fact that it is larger than allowed; nothing
/// follows that.
pub(crate) type Event = Result<String, TooLarge>;

/// An event, or a line, is larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Turns bytes, split anywhere, into events.
pub(crate) struct Decoder {
    max_event_bytes: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    /// Where the present bare JSON is.
    bare: Option<Nesting>,
    /// The last line ended with CR: an LF right after it belongs to it.
    after_cr: bool,
    /// How much of a byte order mark the stream has begun with; none once that
    /// is settled.
    mark: Option<usize>,
    is_over: bool,
}

/// How deep in JSON a byte is. Brackets of both kinds count alike: what closes
/// the wrong one is found by the parser.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    after_backslash: bool,
}

// === impl Decoder ===

impl Decoder {
    pub(crate) fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            line: Vec::new(),
            data: Vec::new(),
            bare: None,
            after_cr: false,
            mark: Some(0),
            is_over: false,
        }
    }

    /// Reads the next bytes; what they complete is appended to `events`.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], events: &mut VecDeque<Event>) {
        while let (Some(&first), false) = (bytes.first(), self.is_over) {
            if mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            if self.is_in_mark(first) {
                bytes = &bytes[1..];
                continue;
            }
            if self.begins_bare(first) {
                self.bare = Some(Nesting::default());
            }
            let part_end = match &mut self.bare {
                Some(nesting) => nesting.end_in(bytes),
                None => bytes.iter().position(|b| matches!(b, b'\r' | b'\n')),
            };
            let (part, rest) = bytes.split_at(part_end.unwrap_or(bytes.len()));
            if self.data.len() + self.line.len() + part.len() > self.max_event_bytes {
                self.is_over = true;
                events.push_back(Err(TooLarge));
                return;
            }
            if self.bare.is_some() {
                self.data.extend_from_slice(part);
                if part_end.is_some() {
                    self.dispatch(events);
                }
                bytes = rest;
                continue;
            }
            self.line.extend_from_slice(part);
            bytes = match rest.split_first() {
                Some((&terminator, rest)) => {
                    self.after_cr = terminator == b'\r';
                    self.end_line(events);
                    rest
                }
                None => rest,
            };
        }
    }

    /// The stream is over. An event without its blank line is cut off and
    /// dropped, as the standard says; bare JSON is passed on as it is.
    pub(crate) fn finish(&mut self, events: &mut VecDeque<Event>) {
        if !self.line.is_empty() && !self.is_over {
            self.end_line(events);
        }
        if self.bare.is_some() && !self.is_over {
            self.dispatch(events);
        }
        self.is_over = true;
    }

    /// Whether a byte belongs to the mark, which is dropped. Half a mark is part
    /// of the first line.
    fn is_in_mark(&mut self, byte: u8) -> bool {
        let Some(seen) = self.mark else { return false };
        let is_next = BYTE_ORDER_MARK.get(seen) == Some(&byte);
        if is_next {
            self.mark = Some(seen + 1);
        } else {
            self.mark = None;
            if seen < BYTE_ORDER_MARK.len() {
                self.line.extend_from_slice(&BYTE_ORDER_MARK[..seen]);
            }
        }
        is_next
    }

    fn begins_bare(&self, first: u8) -> bool {
        let at_line_start = self.line.is_empty() && self.data.is_empty();
        matches!(first, b'{' | b'[') && self.bare.is_none() && at_line_start
    }

    fn end_line(&mut self, events: &mut VecDeque<Event>) {
        let line = mem::take(&mut self.line);
        if line.is_empty() {
            self.dispatch(events);
        } else {
            self.field(&line);
        }
    }

    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        // A comment is a field with an empty name.
        if matches!(name, b"data" | b"error") {
            let value = value.strip_prefix(b":").unwrap_or(value);
            self.push_data(value.strip_prefix(b" ").unwrap_or(value));
        }
    }

    fn push_data(&mut self, line: &[u8]) {
        if !self.data.is_empty() {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(line);
    }

    fn dispatch(&mut self, events: &mut VecDeque<Event>) {
        self.bare = None;
        if !self.data.is_empty() {
            let data = mem::take(&mut self.data);
            events.push_back(Ok(String::from_utf8_lossy(&data).into_owned()));
        }
    }
}

// === impl Nesting ===

impl Nesting {
    /// Reads the next bytes; where the JSON ends, if it ends in them.
    fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|b| self.closes(*b)).map(|at| at + 1)
    }

    fn closes(&mut self, byte: u8) -> bool {
        if mem::take(&mut self.after_backslash) {
            return false;
        }
        match byte {
            b'\\' if self.in_string => self.after_backslash = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests;
