//! Requests to open and to close apps.

use super::{
    Tongue,
    Tongue::{English, Russian},
    words::Word,
};

/// An app that is to be opened or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AppRequest<'a> {
    pub(super) action: AppAction,
    pub(super) target: Target<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppAction {
    Open,
    Close,
}

/// Which app is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// This one, in the user's spelling.
    App(&'a str),
    /// The user has not said.
    Unsaid,
    /// More than one thing is asked for.
    Several,
}

/// How much a verb alone says about an app being meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    /// Enough.
    Strong,
    /// Only together with a name in capitals or the word "app": people also
    /// start over, run away and quit smoking.
    Weak,
}

use AppAction::{Close, Open};
use Hint::{Strong, Weak};

const VERBS: &[(&str, AppAction, Hint, Tongue)] = &[
    ("open", Open, Strong, English),
    ("launch", Open, Strong, English),
    ("start", Open, Weak, English),
    ("run", Open, Weak, English),
    ("close", Close, Strong, English),
    ("quit", Close, Weak, English),
    ("exit", Close, Weak, English),
    ("открой", Open, Strong, Russian),
    ("откройте", Open, Strong, Russian),
    ("открыть", Open, Strong, Russian),
    ("запусти", Open, Strong, Russian),
    ("запустите", Open, Strong, Russian),
    ("запустить", Open, Strong, Russian),
    ("закрой", Close, Strong, Russian),
    ("закройте", Close, Strong, Russian),
    ("закрыть", Close, Strong, Russian),
    ("заверши", Close, Weak, Russian),
];

/// Words before the name that do not belong to it.
const ARTICLES: &str = "up the my мне please пожалуйста";

/// Words that say that an app is meant, before or after its name.
const APP_WORDS: &str = "app application program приложение программу программа";

/// The name of an app that contains one of those words.
const APP_STORE: [&str; 2] = ["app", "store"];

const PRONOUNS: &str = "it that this them something anything его ее это что-нибудь что-то";

const CONJUNCTIONS: &str = "and then or и а потом затем или";

/// No app has these in its name, so the sentence is about something else.
const NEVER_IN_A_NAME: &str = "\
     a an is are was were be about your you i me to with on in at for from over all every \
     everything what why how who not file folder tab page link website site document в на про о \
     об с к для из не все файл папку вкладку страницу ссылку сайт документ";

/// What people also open and close. With the word "app" it is an app.
const NO_APPS: &str = "\
     question questions mind door window windows eyes mouth issue call friend friends source \
     enough дверь окно окна глаза рот вопрос тему скобку скобки рану";

/// Names of macOS apps are at most this many words long.
const NAME_MAX_WORDS: usize = 5;

/// Understands `words` if they ask to open or close an app.
pub(super) fn request<'a>(prompt: &'a str, words: &[Word]) -> Option<(AppRequest<'a>, Tongue)> {
    let (verb, object) = words.split_first()?;
    let (_, action, hint, tongue) = *VERBS.iter().find(|(word, ..)| *word == verb.norm)?;
    let (name, is_called_app) = name_in(object);
    let target = target(prompt, name)?;
    if let (Target::App(app), false) = (target, is_called_app) {
        let is_weak = hint == Weak && !app.chars().any(char::is_uppercase);
        let is_no_app = matches!(name, [only] if is_one_of(only, NO_APPS));
        if is_weak || is_no_app {
            return None;
        }
    }
    if target == Target::Unsaid && hint == Weak && !is_called_app {
        return None;
    }
    Some((AppRequest { action, target }, tongue))
}

/// The words of the name, and whether it was called an app.
fn name_in(mut words: &[Word]) -> (&[Word], bool) {
    let mut is_called_app = false;
    while let Some((first, rest)) = words.split_first() {
        let is_app_word = is_one_of(first, APP_WORDS) && !is_app_store(words);
        if !is_app_word && !is_one_of(first, ARTICLES) {
            break;
        }
        is_called_app |= is_app_word;
        words = rest;
    }
    while let Some((last, rest)) = words.split_last() {
        if !is_one_of(last, APP_WORDS) {
            break;
        }
        is_called_app = true;
        words = rest;
    }
    (words, is_called_app)
}

fn is_app_store(words: &[Word]) -> bool {
    words.len() == APP_STORE.len() && words.iter().zip(APP_STORE).all(|(word, s)| word.norm == s)
}

/// `None` when the words are no name of an app.
fn target<'a>(prompt: &'a str, name: &[Word]) -> Option<Target<'a>> {
    let has = |list| name.iter().any(|word| is_one_of(word, list));
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return Some(Target::Unsaid);
    };
    if name.len() == 1 && has(PRONOUNS) {
        return Some(Target::Unsaid);
    }
    if has(CONJUNCTIONS) {
        return Some(Target::Several);
    }
    if has(NEVER_IN_A_NAME) || has(PRONOUNS) || name.len() > NAME_MAX_WORDS {
        return None;
    }
    // Signs such as the ones of "Notepad++" belong to the name.
    let after = &prompt[last.end..];
    let signs = after.find(|c| !matches!(c, '+' | '#')).unwrap_or(after.len());
    Some(Target::App(&prompt[first.start..last.end + signs]))
}

/// Whether a word is in a list that is separated by spaces.
fn is_one_of(word: &Word, list: &str) -> bool {
    list.split(' ').any(|known| known == word.norm)
}
