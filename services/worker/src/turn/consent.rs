//! Commands that are confirmed by voice first: what the user has agreed to, and
//! how they are asked.
//!
//! The model judges whether the user's words are a yes. The locks here are
//! plain comparisons beside its judgement, and they only ever keep something
//! back: what is kept back is asked about again.

use nexy_assistant_response::Action;
use nexy_types::Language;
use serde_json::Value;

use crate::question::Question;

/// Words that say no. Any of them, anywhere in what the user says, keeps the
/// action back; so does every word that ends in `n't`.
const REFUSALS: &[&str] = &[
    "no",
    "nope",
    "nah",
    "not",
    "dont",
    "never",
    "stop",
    "wait",
    "cancel",
    "нет",
    "не",
    "ни",
    "никогда",
    "нельзя",
    "стоп",
    "стой",
    "хватит",
    "подожди",
    "погоди",
    "отмена",
    "отмени",
];

/// Words that say yes. Words that people also use of what is on a screen, such
/// as "OK", are none.
const AGREEMENTS: &[&str] = &[
    "yes",
    "yeah",
    "yep",
    "yup",
    "sure",
    "confirm",
    "confirmed",
    "да",
    "ага",
    "угу",
    "конечно",
    "давай",
    "подтверждаю",
    "согласен",
    "согласна",
];

/// In Latin, Chinese and Arabic letters.
const QUESTION_MARKS: [char; 3] = ['?', '？', '؟'];

const SENTENCE_ENDS: [char; 7] = ['.', '!', '…', '。', '?', '？', '؟'];

/// How the user is asked when the model does not ask.
#[derive(Debug, Clone)]
pub(crate) struct ConsentSettings {
    pub(crate) english: String,
    pub(crate) russian: String,
    /// The longest arguments that are asked about, in bytes of JSON: they go
    /// into a prompt.
    pub(crate) max_args_bytes: usize,
}

/// What the user has agreed to in this turn.
pub(super) struct Consent<'a> {
    settings: &'a ConsentSettings,
    /// What they were asked about.
    waiting: Option<&'a Action>,
    /// Whether their own words can be a yes.
    agreeable: bool,
    language: Language,
}

/// Why an action is kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// The user was not asked about anything, or is not waited for any more.
    Unasked,
    /// They were asked about something else, or about other arguments.
    Changed,
    /// Their words refuse, or nothing in them agrees.
    Unagreed,
    /// Too long to be asked about: it is dropped.
    TooLong,
}

// === impl Consent ===

impl<'a> Consent<'a> {
    pub(super) fn of(question: &'a Question, settings: &'a ConsentSettings) -> Self {
        Self {
            settings,
            waiting: question.waiting.as_ref(),
            agreeable: question.waiting.is_some() && can_be_yes(question),
            language: question.language(),
        }
    }

    /// Whether the user has agreed to exactly this.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self, action: &Action) -> Result<(), Hold> {
        match self.waiting {
            Some(waiting) if waiting == action && self.agreeable => Ok(()),
            _ if is_longer(action, self.settings.max_args_bytes) => Err(Hold::TooLong),
            None => Err(Hold::Unasked),
            Some(waiting) if waiting != action => Err(Hold::Changed),
            Some(_) => Err(Hold::Unagreed),
        }
    }

    /// What is said after a reply that asks for an action that is kept back.
    /// `None` when the reply ends with a question itself.
    pub(super) fn question_after(&self, reply: &str) -> Option<&'a str> {
        if is_question(reply) {
            return None;
        }
        let is_russian = if reply.is_empty() {
            self.language.is_russian()
        } else {
            Language::of_text(reply).is_russian()
        };
        let ConsentSettings { english, russian, .. } = self.settings;
        Some(if is_russian { russian } else { english })
    }
}

// === impl Hold ===

impl Hold {
    /// The name in the decision log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Changed => "changed",
            Self::Unagreed => "unagreed",
            Self::TooLong => "too_long",
        }
    }
}

/// A screenshot may say that the user agrees. In a turn that shows one, the
/// user's own words must say so too.
fn can_be_yes(question: &Question) -> bool {
    let words = words(&question.prompt);
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let refuses = says(REFUSALS) || words.iter().any(|word| word.ends_with("n't"));
    !refuses && (question.screenshot.is_none() || says(AGREEMENTS))
}

/// What an action would do, for a user to whom the model says nothing about it:
/// the command's words and its plain values.
pub(super) fn spelled_out(action: &Action) -> String {
    let values = action.args.values().filter_map(|value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    });
    let parts: Vec<String> = [action.command.replace('_', " ")].into_iter().chain(values).collect();
    format!("{}.", parts.join(", "))
}

/// Whether the last sentence of a text is a question. Quotes and the like
/// behind its mark do not count.
fn is_question(text: &str) -> bool {
    let is_end = |c: char| c.is_alphanumeric() || SENTENCE_ENDS.contains(&c);
    text.trim_end_matches(|c| !is_end(c)).ends_with(QUESTION_MARKS)
}

fn is_longer(action: &Action, max_bytes: usize) -> bool {
    serde_json::to_string(&action.args).map_or(true, |json| json.len() > max_bytes)
}

/// The words of a text, in lower case and in one spelling.
fn words(text: &str) -> Vec<String> {
    let text: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ё' => 'е',
            '\u{2019}' => '\'',
            c => c,
        })
        .collect();
    let is_gap = |c: char| !c.is_alphanumeric() && c != '\'';
    text.split(is_gap).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
