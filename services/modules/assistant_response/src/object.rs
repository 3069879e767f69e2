use serde_json::Value;

use crate::{
    decoder::TextDecoder,
    part::Warning,
    scanner::{Event, Scanner},
};

/// The keys of a reply object.
const KEYS: [&str; 4] = ["session_id", "command", "args", "text"];

/// How much of an object with a foreign first key is held back to see whether
/// it is a reply after all, in bytes: a few sentences of reasoning that a model
/// put first. Everything else is decided within the first key.
const LOOKAHEAD_BYTES: usize = 4096;

/// The most that is kept of a reply object, its text not counted, in bytes.
/// Arguments are names, addresses and dictated messages; a model's whole reply
/// is smaller than this.
const OBJECT_MAX_BYTES: usize = 64 * 1024;

/// The deepest nesting of a reply object that is passed on: arguments are flat
/// in the catalogue, and every reader of JSON copes with this much.
const OBJECT_MAX_DEPTH: usize = 32;

/// Something in braces that may or may not be a reply object.
pub(crate) struct Candidate {
    scanner: Scanner,
    /// All of it so far, as written, its brace included.
    held: String,
    keys: usize,
    known: usize,
}

/// A reply object that is being read.
pub(crate) struct ReplyObject {
    scanner: Scanner,
    /// While the text is being read.
    decoder: Option<TextDecoder>,
    has_text: bool,
    /// The object as written, the inside of its text left out.
    raw: String,
    oversized: bool,
}

/// What of a reply object makes an action. Of a repeated key nobody knows which
/// one is meant, and serde refuses it.
#[derive(serde::Deserialize)]
pub(crate) struct Request {
    pub(crate) command: Option<Value>,
    pub(crate) args: Option<Value>,
}

// === impl Candidate ===

impl Default for Candidate {
    fn default() -> Self {
        Self { scanner: Scanner::object(), held: "{".to_owned(), keys: 0, known: 0 }
    }
}

impl Candidate {
    /// Reads on to the next event, or not at all when it holds as much as it
    /// may.
    pub(crate) fn advance(&mut self, input: &str) -> Option<(usize, Event)> {
        let room = LOOKAHEAD_BYTES.saturating_sub(self.held.len());
        let window = &input[..input.floor_char_boundary(room)];
        if window.is_empty() {
            return None;
        }
        let (used, event) = self.scanner.advance(window);
        self.held.push_str(&window[..used]);
        if event == Event::Key {
            self.keys += 1;
            self.known += usize::from(KEYS.iter().any(|key| self.scanner.key_is(key)));
        }
        Some((used, event))
    }

    /// Whether its keys so far make it a reply: the first is known, or two are.
    pub(crate) fn is_reply(&self) -> bool {
        self.known >= 2 || (self.known == 1 && self.keys == 1)
    }

    /// Whether it can be the beginning of a reply that is cut off in its first
    /// key.
    pub(crate) fn is_cut_reply(&self) -> bool {
        self.scanner.cut_in_first_key(&KEYS)
    }

    pub(crate) fn held(&self) -> &str {
        &self.held
    }

    /// What it holds behind its brace.
    pub(crate) fn inside(&self) -> &str {
        self.held.strip_prefix('{').unwrap_or_default()
    }

    pub(crate) fn into_scanner(self) -> Scanner {
        self.scanner
    }
}

// === impl ReplyObject ===

impl Default for ReplyObject {
    fn default() -> Self {
        Self {
            scanner: Scanner::object(),
            decoder: None,
            has_text: false,
            raw: "{".to_owned(),
            oversized: false,
        }
    }
}

impl ReplyObject {
    /// Reads on in the text and says how much of the input was its; `None`
    /// outside the text.
    pub(crate) fn speak(&mut self, input: &str, speak: impl FnMut(&str)) -> Option<usize> {
        let progress = self.decoder.as_mut()?.decode(input, speak);
        if progress.closed {
            self.decoder = None;
            self.scanner.close_string();
            self.keep("\"");
        }
        Some(progress.used)
    }

    /// Reads on to the next event.
    pub(crate) fn advance(&mut self, input: &str) -> (usize, Event) {
        let (used, event) = self.scanner.advance(input);
        self.keep(&input[..used]);
        if event == Event::StringValue && !self.has_text && self.scanner.key_is("text") {
            self.has_text = true;
            self.decoder = Some(TextDecoder::default());
        }
        (used, event)
    }

    pub(crate) fn has_text(&self) -> bool {
        self.has_text
    }

    /// What the whole object asks for.
    pub(crate) fn request(&self) -> Result<Request, Warning> {
        if self.oversized || self.scanner.deepest() > OBJECT_MAX_DEPTH {
            return Err(Warning::ObjectTooLarge);
        }
        serde_json::from_str(&self.raw).map_err(|_| Warning::ObjectInvalid)
    }

    fn keep(&mut self, raw: &str) {
        self.oversized |= self.raw.len() + raw.len() > OBJECT_MAX_BYTES;
        if self.oversized {
            self.raw = String::new();
        } else {
            self.raw.push_str(raw);
        }
    }
}
