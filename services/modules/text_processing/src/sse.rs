//! Server-sent events, decoded a chunk at a time.
//!
//! Follows "Interpreting an event stream" of the HTML standard, with three
//! differences that providers make necessary: the size of an event is bounded,
//! a field `error` is read like `data` (llama.cpp), and a block that begins with
//! `{` or `[` is taken whole although it has no field names (errors that a
//! provider writes into a running stream, and servers that answer with one JSON
//! document). Event names and ids are not used by any provider and are dropped.

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
    /// The present block has no field names.
    is_bare: bool,
    /// The last line ended with CR: an LF right after it belongs to it.
    after_cr: bool,
    at_first_line: bool,
    is_over: bool,
}

// === impl Decoder ===

impl Decoder {
    pub(crate) fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            line: Vec::new(),
            data: Vec::new(),
            is_bare: false,
            after_cr: false,
            at_first_line: true,
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
            let line_end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n'));
            let (part, rest) = bytes.split_at(line_end.unwrap_or(bytes.len()));
            if self.data.len() + self.line.len() + part.len() > self.max_event_bytes {
                self.is_over = true;
                events.push_back(Err(TooLarge));
                return;
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
    /// dropped, as the standard says; a bare block ends here.
    pub(crate) fn finish(&mut self, events: &mut VecDeque<Event>) {
        if !self.line.is_empty() && !self.is_over {
            self.end_line(events);
        }
        if self.is_bare && !self.is_over {
            self.dispatch(events);
        }
        self.is_over = true;
    }

    fn end_line(&mut self, events: &mut VecDeque<Event>) {
        let line = mem::take(&mut self.line);
        let mut line = line.as_slice();
        if mem::take(&mut self.at_first_line) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        match line.first() {
            None => self.dispatch(events),
            Some(b'{' | b'[') if self.data.is_empty() => {
                self.is_bare = true;
                self.push_data(line);
            }
            Some(_) if self.is_bare => self.push_data(line),
            Some(_) => self.field(line),
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
        self.is_bare = false;
        if !self.data.is_empty() {
            let data = mem::take(&mut self.data);
            events.push_back(Ok(String::from_utf8_lossy(&data).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests;
