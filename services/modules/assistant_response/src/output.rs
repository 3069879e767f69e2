use std::collections::VecDeque;

use crate::part::{ActionRequest, Part, Warning};

/// The parser's output side: joins speech, keeps the pieces of a reply apart
/// and holds the action until it may leave.
#[derive(Default)]
pub(crate) struct Output {
    /// Those that were not taken yet.
    parts: VecDeque<Part>,
    /// How much speech is to be expected of the delta, in bytes.
    room: usize,
    /// Whether anything but blanks was spoken.
    spoke: bool,
    /// Whether an object or a fence stands between the last speech and the next.
    edge: bool,
    /// Whether the last spoken character is a blank.
    ends_blank: bool,
    /// Whether the reply's one action has been asked for.
    acted: bool,
    /// The action, while nothing has been spoken yet.
    waiting: Option<ActionRequest>,
}

// === impl Output ===

impl Output {
    /// Says how long the delta is of which everything now comes.
    pub(crate) fn expect(&mut self, bytes: usize) {
        self.room = bytes;
    }

    /// Text outside an object, unchanged save for blanks beside an object, a
    /// fence or the start of the reply, which are layout and not speech.
    pub(crate) fn prose(&mut self, text: &str) {
        let layout = self.edge || !self.spoke;
        let text = if layout { text.trim_start() } else { text };
        self.text(text);
    }

    /// Text of an object, letter for letter.
    pub(crate) fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.edge) && self.spoke {
            let touches = !self.ends_blank && !text.starts_with(char::is_whitespace);
            if touches {
                self.append("\n");
            }
        }
        self.append(text);
    }

    /// Marks the border of an object or a fence: what is spoken before it and
    /// after it are different sentences.
    pub(crate) fn edge(&mut self) {
        self.edge = true;
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.parts.push_back(Part::Warning(warning));
    }

    /// Gives the reply's first action, at the latest with [`Output::end`].
    pub(crate) fn act(&mut self, request: ActionRequest) {
        if self.acted {
            return self.warn(Warning::ActionRepeated);
        }
        self.acted = true;
        if self.spoke {
            self.parts.push_back(Part::Action(request));
        } else {
            self.waiting = Some(request);
        }
    }

    pub(crate) fn next_part(&mut self) -> Option<Part> {
        self.parts.pop_front()
    }

    /// Gives an action that nothing was spoken before, when the reply is over.
    pub(crate) fn end(&mut self) {
        self.release();
    }

    fn append(&mut self, text: &str) {
        match self.parts.back_mut() {
            Some(Part::Speech(speech)) => speech.push_str(text),
            _ => {
                // Most deltas make one part, of which no letter is moved twice.
                let mut speech = String::with_capacity(self.room.max(text.len()));
                speech.push_str(text);
                self.parts.push_back(Part::Speech(speech));
            }
        }
        self.ends_blank = text.ends_with(char::is_whitespace);
        if !self.spoke && !text.trim_start().is_empty() {
            self.spoke = true;
            self.release();
        }
    }

    fn release(&mut self) {
        self.parts.extend(self.waiting.take().map(Part::Action));
    }
}
