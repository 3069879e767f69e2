//! What holds for any input. Called by tests here and by the targets in fuzz/.

use crate::{Part, ReplyParser, Warning};

/// What a reply comes to.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    speech: String,
    actions: Vec<(String, String)>,
    warnings: Vec<Warning>,
}

/// However a reply is cut, its speech, its action and what is wrong with it are
/// the same, and there is one action at most. The first byte says how it is cut.
///
/// # Panics
/// When that does not hold.
pub fn reply_parser(data: &[u8]) {
    let Some((first, reply)) = data.split_first() else { return };
    let reply = String::from_utf8_lossy(reply);
    let whole = parse(&[&reply]);
    assert!(whole.actions.len() <= 1, "{whole:?}");
    assert_eq!(parse(&pieces(&reply, 1)), whole, "by character");
    assert_eq!(parse(&pieces(&reply, usize::from(first % 32) + 1)), whole, "in larger pieces");
}

fn parse(deltas: &[&str]) -> Outcome {
    let mut parser = ReplyParser::new();
    let mut outcome = Outcome::default();
    for delta in deltas {
        parser.push(delta);
        outcome.take(&mut parser);
    }
    parser.finish();
    outcome.take(&mut parser);
    outcome
}

impl Outcome {
    fn take(&mut self, parser: &mut ReplyParser) {
        while let Some(part) = parser.next_part() {
            match part {
                Part::Speech(text) => self.speech.push_str(&text),
                Part::Warning(warning) => self.warnings.push(warning),
                Part::Action(request) => {
                    let args = serde_json::Value::Object(request.args).to_string();
                    self.actions.push((request.command, args));
                }
            }
        }
    }
}

/// A text in pieces of so many bytes, or a few more where a character needs them.
fn pieces(text: &str, bytes: usize) -> Vec<&str> {
    let mut rest = text;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(bytes));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests;
