//! From a prompt to what is meant by it.

use super::{
    Tongue, app,
    app::AppRequest,
    arithmetic,
    arithmetic::Outcome,
    topic::{CLOSERS, GREETINGS, OPENERS, TIME_WORDS, Topic, alternatives, topic_of},
    words::{Word, ends_with, starts_with, words},
};

/// What a prompt means, and the language to answer in.
pub(super) struct Understood<'a> {
    pub(super) intent: Intent<'a>,
    pub(super) tongue: Tongue,
}

/// What a user may want. Names are the user's own words.
pub(super) enum Intent<'a> {
    Topic(Topic),
    App(AppRequest<'a>),
    Sum(Outcome),
    Unknown,
}

/// The rules, in order: fixed phrases, apps, sums. `tongue` answers where the
/// rule itself does not tell the language.
pub(super) fn understand(prompt: &str, tongue: Tongue) -> Understood<'_> {
    let all = words(prompt);
    let (core, greeted) = without_manners(&all);
    let bare = without_endings(core, TIME_WORDS);
    if let Some((topic, tongue)) =
        topic_in(&all).or_else(|| topic_in(core)).or_else(|| topic_in(bare))
    {
        return Understood { intent: Intent::Topic(topic), tongue };
    }
    if let Some((request, tongue)) = app::request(prompt, core) {
        return Understood { intent: Intent::App(request), tongue };
    }
    let intent = match arithmetic::evaluate(&matter(prompt, &all, core), tongue) {
        Some(outcome) => Intent::Sum(outcome),
        None if greeted && core.is_empty() => Intent::Topic(Topic::Greeting),
        None => Intent::Unknown,
    };
    Understood { intent, tongue }
}

fn topic_in(words: &[Word]) -> Option<(Topic, Tongue)> {
    let norms: Vec<&str> = words.iter().map(|word| word.norm.as_str()).collect();
    topic_of(&norms.join(" "))
}

/// What is left without greetings, openers and closers, and whether there was a
/// greeting.
fn without_manners(mut words: &[Word]) -> (&[Word], bool) {
    let mut greeted = false;
    loop {
        let first = |phrases| alternatives(phrases).find_map(|phrase| starts_with(words, phrase));
        if let Some(count) = first(GREETINGS) {
            greeted = true;
            words = &words[count..];
        } else if let Some(count) = first(OPENERS) {
            words = &words[count..];
        } else {
            break;
        }
    }
    (without_endings(words, CLOSERS), greeted)
}

/// Never takes the last word: thanks alone are not an ending.
fn without_endings<'a>(mut words: &'a [Word], endings: &'static str) -> &'a [Word] {
    let ending = |words: &[Word]| alternatives(endings).find_map(|phrase| ends_with(words, phrase));
    while let Some(count) = ending(words).filter(|count| *count < words.len()) {
        words = &words[..words.len() - count];
    }
    words
}

/// The text between the words that were taken off, signs included: a sum is more
/// than its words.
fn matter(prompt: &str, all: &[Word], core: &[Word]) -> String {
    let (Some(first), Some(last)) = (core.first(), core.last()) else { return String::new() };
    let from = all.iter().take_while(|word| word.end <= first.start).last().map_or(0, |w| w.end);
    let to = all.iter().find(|word| word.start >= last.end).map_or(prompt.len(), |w| w.start);
    prompt[from..to].to_owned()
}
