//! The form of a segment that is handed to a voice.
//!
//! What every voice reads well by itself stays as it is: plain numbers, 10:30,
//! 50%, 1st, AT&T. What one of them leaves out or reads as something else goes in
//! words: espeak-ng says nothing for ⌘, >, ^ and a range's dash, spells "km", and
//! reads the Russian "1-й" as "one, short i". A form that is not understood whole
//! is left alone, so that nothing is damaged by halves.

mod abbreviation;
mod address;
mod calendar;
mod html;
mod latex;
mod markdown;
mod ordinal;
mod pictures;
mod quantity;
mod roman;
mod signs;
mod telephone;
mod words;

use std::borrow::Cow;

use nexy_types::Language;

pub use self::pictures::name_of_signs;
use self::words::Words;

/// Writes a segment the way it is said: without Markdown and emoji, with
/// addresses, signs, units and abbreviations in words. English and Russian have
/// words; in other languages only what is never said is removed.
///
/// Empty when nothing is left that can be said. Never longer than a few times
/// the text. Not to be applied twice: `\\*` is said as an asterisk, and an
/// asterisk may be Markdown.
#[must_use]
pub fn spoken(text: &str, language: &Language) -> String {
    let words = Words::of(language);
    let text = pictures::without_emoji(text, words);
    let text = words.map_or(Cow::Borrowed(&*text), |words| latex::plain(&text, words));
    let plain = markdown::plain(&text, words);
    let plain = match words {
        Some(words) => {
            let joined = quantity::joined(&plain, words.groups_by);
            match quantity::parted_range(&joined, words) {
                Cow::Borrowed(_) => joined,
                Cow::Owned(parted) => parted.into(),
            }
        }
        None => Cow::Borrowed(plain.as_str()),
    };
    let tokens: Vec<&str> = plain.split_whitespace().collect();
    let mut said = say(&tokens, words);
    if said.contains("  ") {
        said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if said.contains(char::is_alphanumeric) { said } else { String::new() }
}

/// A token without the punctuation around it.
struct Token<'a> {
    open: &'a str,
    core: &'a str,
    close: &'a str,
}

/// Where in a text the voice is.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    /// What was said last, as it is written.
    before: Option<&'a str>,
    /// What is still to be said: at least one.
    tokens: &'a [&'a str],
}

// === impl Token ===

impl<'a> Token<'a> {
    fn of(token: &'a str) -> Self {
        let inside = token.trim_start_matches(['(', '[', '{', '"', '\'', '«', '“', '„', '‘']);
        let core = inside.trim_end_matches([
            ')', ']', '}', '"', '\'', '»', '”', '“', '’', '.', ',', ';', ':', '!', '?', '…',
        ]);
        let (open, _) = token.split_at(token.len() - inside.len());
        let (_, close) = inside.split_at(core.len());
        Self { open, core, close }
    }

    /// Other words with the same punctuation.
    fn around(&self, said: &str) -> String {
        format!("{}{said}{}", self.open, self.close)
    }
}

// === impl Spot ===

impl<'a> Spot<'a> {
    fn token(&self) -> Token<'a> {
        Token::of(self.tokens.first().copied().unwrap_or_default())
    }

    fn next(&self) -> Option<Token<'a>> {
        self.tokens.get(1).map(|next| Token::of(next))
    }

    /// What closes an abbreviation whose words were said: its stop counts only
    /// where the sentence ends.
    fn stop(&self, index: usize) -> &'a str {
        let close = self.tokens.get(index).map_or("", |token| Token::of(token).close);
        self.stop_behind(close, index + 1)
    }

    fn stop_behind(&self, close: &'a str, next: usize) -> &'a str {
        let goes_on = self.tokens.get(next).is_some_and(|word| {
            word.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit() || c == '(')
        });
        close.strip_prefix('.').filter(|_| goes_on).unwrap_or(close)
    }
}

fn say(tokens: &[&str], words: Option<&Words>) -> String {
    let mut said = String::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let (text, used) = if is_word(token) {
            (Cow::Borrowed(*token), 1)
        } else {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before)).copied();
            say_token(Spot { before, tokens: &tokens[at..] }, words)
        };
        let is_stop = text.starts_with(", ")
            || text.chars().all(|c| matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | '…'));
        if !said.is_empty() && !is_stop {
            said.push(' ');
        }
        said.push_str(&text);
        at += used;
    }
    said
}

/// Whether a token is nothing but a word as most are, which is said as it is
/// written: of Latin and Russian letters, without a digit, a stop or a sign.
fn is_word(token: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_alphabetic() || matches!(byte, b',' | b'\'' | 0xd0 | 0xd1 | 0x80..=0xbf)
    };
    let hyphenated = |byte: u8| fits(byte) || byte == b'-';
    match token.as_bytes() {
        [b'I' | b'V' | b'X', ..] => token.bytes().all(fits) && !roman::is_likely(token),
        // Options of commands, and "Cmd-C".
        [b'-', ..] => false,
        // "г-н", "г-жа".
        [0xd0, 0xb3, b'-', ..] => false,
        [first, ..] if first.is_ascii_uppercase() => token.bytes().all(fits) && token != "Cmd",
        _ => token != "vs" && token.bytes().all(hyphenated),
    }
}

/// What is said for the next tokens, and how many they are.
fn say_token<'a>(spot: Spot<'a>, words: Option<&Words>) -> (Cow<'a, str>, usize) {
    let token = spot.tokens.first().copied().unwrap_or_default();
    if let Some(link) = address::link(token, words) {
        return (link.into(), 1);
    }
    let Some(words) = words else { return (token.into(), 1) };
    let said = (words.idiom)(spot)
        .or_else(|| calendar::say(spot, words))
        .or_else(|| quantity::say(spot, words))
        .or_else(|| abbreviation::say(spot, words))
        .or_else(|| say_core(spot, words).map(|said| (said, 1)));
    match said {
        Some((said, used)) => (said.into(), used),
        None => (token.into(), 1),
    }
}

/// What is said for one token by itself.
fn say_core(spot: Spot<'_>, words: &Words) -> Option<String> {
    let token = spot.token();
    let core = token.core;
    if let Some(said) = words.symbol(core) {
        return Some(token.around(said));
    }
    if is_word(core) {
        return None;
    }
    let said = address::mail(core, words)
        .or_else(|| address::number_sign(core, words))
        .or_else(|| address::version(core, spot.before, words))
        .or_else(|| address::option(core, words));
    match said {
        Some(said) => Some(token.around(&said)),
        None => signs::say(spot, words),
    }
}

#[cfg(test)]
mod tests;
