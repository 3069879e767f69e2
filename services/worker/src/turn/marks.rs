use std::borrow::Cow;

use nexy_types::{ACTION_MARK, is_line_end};

/// Keeps marks of actions out of what a model says, cut anywhere: each with the
/// rest of its line, which would be the action and is nothing to listen to.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The beginning of what may become a mark.
    held: String,
    /// In the line behind a mark.
    in_line: bool,
    found: bool,
}

// === impl Marks ===

impl Marks {
    /// The next piece of the speech, without marks.
    pub(super) fn push<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
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

    /// What was held back, at the end of the speech.
    pub(super) fn finish(&mut self) -> String {
        self.in_line = false;
        std::mem::take(&mut self.held)
    }

    /// Whether there was a mark so far.
    pub(super) const fn found(&self) -> bool {
        self.found
    }
}

/// How many bytes at the end of a text may be the beginning of a mark.
fn begun(text: &str) -> usize {
    let is_begun = |len: &usize| text.ends_with(&ACTION_MARK[..*len]);
    (1..ACTION_MARK.len()).rev().find(is_begun).unwrap_or(0)
}

#[cfg(test)]
mod tests;
