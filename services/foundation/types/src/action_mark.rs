use std::borrow::Cow;

/// What a text chunk begins with that is no text but an action for the app.
/// Only the gateway writes it; nothing that a model says may hold it.
pub const ACTION_MARK: &str = "__MCP__";

/// A text without the marks of actions in it, wherever they stand, and without
/// the rest of their lines. An app must never take what a model says for an
/// action that the server has checked.
#[must_use]
pub fn without_action_marks(text: &str) -> Cow<'_, str> {
    if !text.contains(ACTION_MARK) {
        return Cow::Borrowed(text);
    }
    let mut marks = ActionMarks::default();
    let kept = marks.push(text).into_owned();
    Cow::Owned(kept + &marks.finish())
}

/// Takes the marks of actions out of a text that comes in pieces, cut anywhere:
/// each with the rest of its line, which would be the action and is nothing to
/// listen to.
#[derive(Debug, Default)]
pub struct ActionMarks {
    /// The beginning of what may become a mark.
    held: String,
    /// In the line behind a mark.
    in_line: bool,
    found: bool,
}

// === impl ActionMarks ===

impl ActionMarks {
    /// The next piece of the text, without marks.
    pub fn push<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if !self.in_line && self.held.is_empty() && !text.contains('_') {
            return Cow::Borrowed(text);
        }
        let all = std::mem::take(&mut self.held) + text;
        let mut kept = String::new();
        let mut rest = all.as_str();
        loop {
            if self.in_line {
                let Some(end) = rest.find(is_line_end) else { return Cow::Owned(kept) };
                rest = &rest[end..];
                self.in_line = false;
            }
            match rest.split_once(ACTION_MARK) {
                Some((before, behind)) => {
                    kept.push_str(before);
                    rest = behind;
                    (self.in_line, self.found) = (true, true);
                }
                None => break,
            }
        }
        let (said, held) = rest.split_at(rest.len() - begun(rest));
        kept.push_str(said);
        self.held.push_str(held);
        Cow::Owned(kept)
    }

    /// What was held back, at the end of the text.
    pub fn finish(&mut self) -> String {
        self.in_line = false;
        std::mem::take(&mut self.held)
    }

    /// Whether there was a mark so far.
    #[must_use]
    pub const fn found(&self) -> bool {
        self.found
    }
}

/// How many bytes at the end of a text may be the beginning of a mark.
fn begun(text: &str) -> usize {
    let is_begun = |len: &usize| text.ends_with(&ACTION_MARK[..*len]);
    (1..ACTION_MARK.len()).rev().find(is_begun).unwrap_or(0)
}

const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

#[cfg(test)]
mod tests;
