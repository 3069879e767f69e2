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
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(ACTION_MARK) {
        kept.push_str(&rest[..at]);
        let line = &rest[at..];
        rest = &line[line.find(is_line_end).unwrap_or(line.len())..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// Whether the line of an action ends here.
#[must_use]
pub const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

#[cfg(test)]
mod tests;
