/// The longest key that is compared, in bytes. The known ones have ten at most;
/// this leaves room for any of them written in `\u` escapes.
const KEY_MAX_BYTES: usize = 64;

/// Finds its way through a JSON object without building it: where its keys and
/// its top-level strings begin and where it ends.
///
/// It only counts brackets and reads strings, so a broken object is followed
/// as well as can be. Whether the object is valid is for `serde_json` to say.
pub(crate) struct Scanner {
    /// The bracket that ends it all.
    outer: u8,
    depth: usize,
    deepest: usize,
    place: Place,
    opening: Opening,
    /// The latest top-level string that is no value, as written.
    key: String,
    after_colon: bool,
}

/// Where the scanner stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// At the end of the input.
    Exhausted,
    /// After the colon of a top-level key.
    Key,
    /// After the opening quote of a top-level string value.
    StringValue,
    /// After the last bracket.
    Closed,
    /// After a raw line break in a string, which JSON does not allow.
    BrokenString,
    /// Before a backtick outside a string: a fence ends here, and the object
    /// with it.
    Backtick,
    /// Before a character that shows that this is no object: not even its
    /// first key is one.
    NoObject,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    InString,
    Escaped,
}

/// The first key, by which an object is told from prose in braces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Quote,
    Key,
    Colon,
    Done,
}

// === impl Scanner ===

impl Scanner {
    /// For what follows a `{`.
    pub(crate) fn object() -> Self {
        Self {
            outer: b'}',
            depth: 1,
            deepest: 1,
            place: Place::Outside,
            opening: Opening::Quote,
            key: String::new(),
            after_colon: false,
        }
    }

    /// For what follows a `{` that is the first thing in an array.
    pub(crate) fn array() -> Self {
        Self { outer: b']', depth: 2, deepest: 2, opening: Opening::Done, ..Self::object() }
    }

    /// Reads on to the next event. The number is how many bytes of the input
    /// lie before it.
    pub(crate) fn advance(&mut self, input: &str) -> (usize, Event) {
        let mut at = 0;
        while at < input.len() {
            let (used, event) = match self.place {
                Place::Outside => self.outside(&input[at..]),
                Place::InString => self.in_string(&input[at..]),
                Place::Escaped => (self.escaped(&input[at..]), None),
            };
            at += used;
            if let Some(event) = event {
                return (at, event);
            }
        }
        (at, Event::Exhausted)
    }

    /// Tells it that the string value it stopped in has been read to its end.
    pub(crate) fn close_string(&mut self) {
        self.place = Place::Outside;
        if self.depth == 1 {
            // Set back here and not by the comma, which models forget.
            self.after_colon = false;
        }
        if self.opening == Opening::Key {
            self.opening = Opening::Colon;
        }
    }

    /// Whether the latest top-level key is this one, however it is escaped.
    pub(crate) fn key_is(&self, name: &str) -> bool {
        if !self.key.contains('\\') {
            return self.key == name;
        }
        serde_json::from_str(&format!("\"{}\"", self.key)).is_ok_and(|key: String| key == name)
    }

    /// Whether the input may have ended inside the first key, of which `names`
    /// are the possible ones.
    pub(crate) fn cut_in_first_key(&self, names: &[&str]) -> bool {
        match self.opening {
            Opening::Quote | Opening::Done => false,
            Opening::Key => {
                !self.key.is_empty() && names.iter().any(|name| name.starts_with(&self.key))
            }
            Opening::Colon => names.contains(&self.key.as_str()),
        }
    }

    /// The deepest nesting so far; the object itself is 1.
    pub(crate) fn deepest(&self) -> usize {
        self.deepest
    }

    fn outside(&mut self, input: &str) -> (usize, Option<Event>) {
        let at = input.bytes().position(|b| {
            matches!(b, b'"' | b'{' | b'}' | b'[' | b']' | b':' | b',' | b'`')
                || (self.opening != Opening::Done && !b.is_ascii_whitespace())
        });
        let Some(at) = at else { return (input.len(), None) };
        let byte = input.as_bytes()[at];
        let expected = match self.opening {
            Opening::Quote => byte == b'"',
            Opening::Colon => byte == b':',
            Opening::Key | Opening::Done => true,
        };
        if !expected {
            return (at, Some(Event::NoObject));
        }
        if byte == b'`' {
            return (at, Some(Event::Backtick));
        }
        (at + 1, self.punctuation(byte))
    }

    fn punctuation(&mut self, byte: u8) -> Option<Event> {
        match byte {
            b'"' => return self.open_string(),
            b'{' | b'[' => {
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            b'}' | b']' if self.depth > 1 || byte == self.outer => {
                self.depth -= 1;
                match self.depth {
                    0 => return Some(Event::Closed),
                    1 => self.after_colon = false,
                    _ => {}
                }
            }
            b':' if self.depth == 1 && !self.after_colon => {
                self.after_colon = true;
                self.opening = Opening::Done;
                return Some(Event::Key);
            }
            b',' if self.depth == 1 => {
                self.after_colon = false;
                self.key.clear();
            }
            _ => {}
        }
        None
    }

    fn open_string(&mut self) -> Option<Event> {
        self.place = Place::InString;
        if self.depth == 1 && self.after_colon {
            return Some(Event::StringValue);
        }
        if self.depth == 1 {
            self.key.clear();
        }
        if self.opening == Opening::Quote {
            self.opening = Opening::Key;
        }
        None
    }

    fn in_string(&mut self, input: &str) -> (usize, Option<Event>) {
        let end =
            input.bytes().position(|b| matches!(b, b'"' | b'\\' | b'\n')).unwrap_or(input.len());
        if self.depth == 1 && !self.after_colon {
            let room = KEY_MAX_BYTES.saturating_sub(self.key.len());
            let kept = input.floor_char_boundary(room.min(end));
            self.key.push_str(&input[..kept]);
            if kept < end && self.opening == Opening::Key {
                return (kept, Some(Event::NoObject));
            }
        }
        match input.as_bytes().get(end) {
            Some(b'"') => {
                self.close_string();
                (end + 1, None)
            }
            Some(b'\\') => {
                self.place = Place::Escaped;
                (end + 1, None)
            }
            Some(_) if self.opening == Opening::Key => (end, Some(Event::NoObject)),
            Some(_) => (end + 1, Some(Event::BrokenString)),
            None => (end, None),
        }
    }

    /// Skips what a backslash hides. Only ASCII can be mistaken for something
    /// else, so any other character is left to [`Scanner::in_string`].
    fn escaped(&mut self, input: &str) -> usize {
        self.place = Place::InString;
        let hidden = input.chars().next().filter(char::is_ascii);
        if self.depth == 1 && !self.after_colon && self.key.len() < KEY_MAX_BYTES {
            self.key.push('\\');
            self.key.extend(hidden);
        }
        usize::from(hidden.is_some())
    }
}

#[cfg(test)]
mod tests;
