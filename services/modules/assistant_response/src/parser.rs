use std::mem;

use serde_json::{Map, Value};

use crate::{
    object::{Candidate, ReplyObject, Request},
    output::Output,
    part::{ActionRequest, Part, Warning},
    scanner::{Event, Scanner},
};

/// The longest language tag of a fence, with the blanks after it, in bytes.
/// Longer ones are words.
const FENCE_TAG_MAX_BYTES: usize = 32;

/// Takes one reply apart, delta by delta: what goes in with [`push`] and
/// [`tool_call`] comes out of [`next_part`].
///
/// [`push`]: ReplyParser::push
/// [`tool_call`]: ReplyParser::tool_call
/// [`next_part`]: ReplyParser::next_part
///
/// What counts as a reply object: braces whose first key is `session_id`,
/// `command`, `args` or `text`; or whose first key is another, but which has
/// two of the four among its top-level keys (in its first 4096 bytes). Other
/// JSON, also an array, and other braces are prose and spoken in full. An
/// object may stand anywhere in prose.
///
/// A run of three or more backticks is a fence. It is never spoken, nor is the
/// language tag behind an opening one: a word that is followed by a line break
/// or by a bracket.
///
/// The first `text` of an object streams while it is written. The text is read
/// leniently, since it is only spoken; everything else must be JSON to the
/// letter, or the action is dropped. Speech on the two sides of an object or a
/// fence is kept apart by a line break if nothing else does.
#[derive(Default)]
pub struct ReplyParser {
    mode: Mode,
    out: Output,
    in_fence: bool,
    /// Whether the last thing in the prose is a `[`.
    after_bracket: bool,
}

#[derive(Default)]
enum Mode {
    #[default]
    Prose,
    /// In a run of so many backticks.
    Ticks(usize),
    /// Behind an opening fence, in what may be its language tag.
    Tag(String),
    /// In an object that may or may not be a reply.
    Undecided(Box<Candidate>),
    Reply(Box<ReplyObject>),
    /// In JSON that is not a reply.
    Foreign(Box<Scanner>),
}

// === impl ReplyParser ===

impl ReplyParser {
    /// A parser for one reply.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the reply, cut anywhere.
    pub fn push(&mut self, delta: &str) {
        self.out.expect(delta.len());
        self.read(delta);
    }

    /// Takes a native function call of the provider. Empty arguments and `null`
    /// stand for none.
    pub fn tool_call(&mut self, name: &str, arguments_json: &str) {
        let arguments = match arguments_json.trim() {
            "" => Ok(None),
            json => serde_json::from_str(json),
        };
        match arguments {
            Ok(args) => {
                self.request(Request { command: Some(Value::String(name.to_owned())), args });
            }
            Err(_) => self.out.warn(Warning::ActionMalformed),
        }
    }

    /// Takes note that the reply is over, and lets go of what was held back.
    pub fn finish(&mut self) {
        match mem::take(&mut self.mode) {
            Mode::Prose | Mode::Tag(_) | Mode::Foreign(_) => {}
            Mode::Ticks(count) => self.ticks_end(count),
            Mode::Undecided(candidate) if !candidate.is_cut_reply() => {
                self.out.prose(candidate.held());
            }
            Mode::Undecided(_) | Mode::Reply(_) => self.out.warn(Warning::ObjectCutOff),
        }
        self.out.end();
    }

    /// The next part of what was taken in so far.
    pub fn next_part(&mut self) -> Option<Part> {
        self.out.next_part()
    }

    fn read(&mut self, input: &str) {
        let mut rest = input;
        // Every step either uses some of the input or leaves its mode for one
        // that will.
        while !rest.is_empty() {
            let used = match mem::take(&mut self.mode) {
                Mode::Prose => self.prose(rest),
                Mode::Ticks(count) => self.ticks(count, rest),
                Mode::Tag(tag) => self.tag(tag, rest),
                Mode::Undecided(candidate) => self.undecided(candidate, rest),
                Mode::Reply(object) => self.reply(object, rest),
                Mode::Foreign(scanner) => self.foreign(scanner, rest),
            };
            rest = &rest[used..];
        }
    }

    fn prose(&mut self, input: &str) -> usize {
        let end = input.bytes().position(|b| matches!(b, b'{' | b'[' | b'`'));
        let (plain, special) = input.split_at(end.unwrap_or(input.len()));
        if !plain.is_empty() {
            self.after_bracket &= plain.trim_start().is_empty();
            self.out.prose(plain);
        }
        let in_array = self.after_bracket;
        match special.as_bytes().first() {
            None => return input.len(),
            Some(b'`') => self.mode = Mode::Ticks(1),
            Some(b'[') => self.out.prose("["),
            Some(_) if in_array => {
                self.out.prose("{");
                self.mode = Mode::Foreign(Box::new(Scanner::array()));
            }
            Some(_) => self.mode = Mode::Undecided(Box::default()),
        }
        self.after_bracket = special.starts_with('[');
        plain.len() + 1
    }

    fn ticks(&mut self, count: usize, input: &str) -> usize {
        let more = input.bytes().take_while(|b| *b == b'`').count();
        if more == input.len() {
            self.mode = Mode::Ticks(count + more);
        } else {
            self.ticks_end(count + more);
        }
        more
    }

    fn ticks_end(&mut self, count: usize) {
        if count < 3 {
            return self.out.prose(&"`".repeat(count));
        }
        self.out.edge();
        self.in_fence = !self.in_fence;
        if self.in_fence {
            self.mode = Mode::Tag(String::new());
        }
    }

    fn tag(&mut self, mut tag: String, input: &str) -> usize {
        for (at, c) in input.char_indices() {
            let blank = matches!(c, ' ' | '\t' | '\r');
            let letter = c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '#' | '.');
            let one_word = letter && !tag.ends_with([' ', '\t', '\r']);
            match c {
                '\n' => return at + 1,
                '{' | '[' => return at,
                _ if (blank || one_word) && tag.len() < FENCE_TAG_MAX_BYTES => tag.push(c),
                _ => {
                    self.out.prose(&tag);
                    return at;
                }
            }
        }
        self.mode = Mode::Tag(tag);
        input.len()
    }

    fn undecided(&mut self, mut candidate: Box<Candidate>, input: &str) -> usize {
        let Some((used, event)) = candidate.advance(input) else {
            self.out.prose(candidate.held());
            self.mode = Mode::Foreign(Box::new(candidate.into_scanner()));
            return 0;
        };
        match event {
            Event::Key if candidate.is_reply() => {
                self.out.edge();
                self.mode = Mode::Reply(Box::default());
                self.read(candidate.inside());
            }
            Event::Exhausted | Event::Key | Event::StringValue => {
                self.mode = Mode::Undecided(candidate);
            }
            Event::Closed | Event::BrokenString | Event::Backtick | Event::NoObject => {
                self.out.prose(candidate.held());
            }
        }
        used
    }

    fn foreign(&mut self, mut scanner: Box<Scanner>, input: &str) -> usize {
        let (used, event) = scanner.advance(input);
        self.out.prose(&input[..used]);
        match event {
            Event::Exhausted | Event::Key | Event::StringValue => {
                self.mode = Mode::Foreign(scanner);
            }
            Event::Closed | Event::BrokenString | Event::Backtick | Event::NoObject => {}
        }
        used
    }

    fn reply(&mut self, mut object: Box<ReplyObject>, input: &str) -> usize {
        if let Some(used) = object.speak(input, |text| self.out.text(text)) {
            self.mode = Mode::Reply(object);
            return used;
        }
        let (used, event) = object.advance(input);
        match event {
            Event::Closed => self.complete(&object),
            Event::Backtick | Event::NoObject => {
                self.out.warn(Warning::ObjectCutOff);
                self.out.edge();
            }
            Event::Exhausted | Event::Key | Event::StringValue | Event::BrokenString => {
                self.mode = Mode::Reply(object);
            }
        }
        used
    }

    fn complete(&mut self, object: &ReplyObject) {
        self.out.edge();
        if !object.has_text() {
            self.out.warn(Warning::TextMissing);
        }
        match object.request() {
            Ok(request) => self.request(request),
            Err(warning) => self.out.warn(warning),
        }
    }

    /// No command, `null` and a blank one all mean that nothing is asked for.
    fn request(&mut self, request: Request) {
        let command = match request.command {
            None => return,
            Some(Value::String(command)) if command.trim().is_empty() => return,
            Some(Value::String(command)) => command,
            Some(_) => return self.out.warn(Warning::ActionMalformed),
        };
        match request.args {
            None => self.out.act(ActionRequest { command, args: Map::new() }),
            Some(Value::Object(args)) => self.out.act(ActionRequest { command, args }),
            Some(_) => self.out.warn(Warning::ActionMalformed),
        }
    }
}

#[cfg(test)]
mod tests;
