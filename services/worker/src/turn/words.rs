//! What is said when a reply asks for something and has no words of its own.

use nexy_assistant_response::Action;
use nexy_config::CommandEntry;
use nexy_types::Language;
use serde_json::{Map, Value};

/// The longest argument that is read out in a sentence, in characters. A longer
/// one is a text of its own, and no name.
const NAME_MAX_CHARS: usize = 80;

/// The sentences for commands that the catalogue has none for.
#[derive(Debug, Clone)]
pub(crate) struct WordsSettings {
    pub(crate) doing_english: String,
    pub(crate) doing_russian: String,
    pub(crate) cannot_english: String,
    pub(crate) cannot_russian: String,
}

/// The words of one turn.
pub(super) struct Words<'a> {
    pub(super) settings: &'a WordsSettings,
    pub(super) commands: &'a [CommandEntry],
    pub(super) language: Language,
}

// === impl Words ===

impl Words<'_> {
    /// Says that an action is on its way: by the catalogue, in the listener's
    /// language, else in English.
    pub(super) fn doing(&self, action: &Action) -> String {
        let entry = self.commands.iter().find(|entry| entry.command.name == action.command);
        let own = self.language.primary().to_ascii_lowercase();
        let sentence = entry.and_then(|entry| {
            let english = || entry.says.get("en").filter(|_| !self.language.is_russian());
            entry.says.get(&own).or_else(english)
        });
        sentence
            .and_then(|sentence| filled(sentence, &action.args))
            .unwrap_or_else(|| self.plain(|w| (&w.doing_english, &w.doing_russian)).to_owned())
    }

    /// Says that what was asked for is not done.
    pub(super) fn cannot(&self) -> &str {
        self.plain(|w| (&w.cannot_english, &w.cannot_russian))
    }

    fn plain<'a>(&'a self, both: fn(&'a WordsSettings) -> (&'a String, &'a String)) -> &'a str {
        let (english, russian) = both(self.settings);
        if self.language.is_russian() { russian } else { english }
    }
}

/// A sentence with the arguments in it. `None` when one is missing, or is
/// nothing that can be said in passing.
fn filled(sentence: &str, args: &Map<String, Value>) -> Option<String> {
    let mut said = String::new();
    let mut rest = sentence;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        said.push_str(before);
        said.push_str(&name_of(args.get(name)?)?);
        rest = after;
    }
    said.push_str(rest);
    Some(said)
}

fn name_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let is_name = !text.is_empty()
        && !text.contains(char::is_control)
        && text.chars().count() <= NAME_MAX_CHARS;
    is_name.then_some(text)
}
