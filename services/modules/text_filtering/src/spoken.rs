//! The form of a segment that is handed to a voice.
//!
//! What a good voice reads well by itself stays as it is: plain numbers, 10:30,
//! 50%, 1st, dates, AT&T. Where the right words depend on grammar that is not
//! looked at (Russian "г.", "ул.", "тыс."), the writing stays too. A form that
//! is not understood whole is left alone, so that nothing is damaged by halves.

mod markdown;
mod quantity;
mod words;

use std::borrow::Cow;

use nexy_types::Language;
use unicode_segmentation::UnicodeSegmentation;

use self::words::{Place, Words};

/// Writes a segment the way it is said: without Markdown and emoji, with
/// addresses, signs and abbreviations in words. English and Russian have words;
/// in other languages only what is never said is removed.
///
/// Empty when nothing is left that can be said. Never longer than a few times
/// the text.
#[must_use]
pub fn spoken(text: &str, language: &Language) -> String {
    let plain = markdown::plain(&without_emoji(text));
    let tokens: Vec<&str> = plain.split_whitespace().collect();
    let said = say(&tokens, Words::of(language));
    if said.contains(char::is_alphanumeric) { said } else { String::new() }
}

/// A token without the punctuation around it.
struct Token<'a> {
    open: &'a str,
    core: &'a str,
    close: &'a str,
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
}

fn say(tokens: &[&str], words: Option<&Words>) -> String {
    let mut said = String::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        let (text, after) = if is_word(token) {
            (Cow::Borrowed(*token), after)
        } else if let Some((text, used)) = words.and_then(|words| quantity::say(rest, words)) {
            (Cow::Owned(text), &rest[used..])
        } else {
            (Cow::Owned(say_token(token, after.first().copied(), words)), after)
        };
        let is_stop = text.chars().all(|c| matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | '…'));
        if !said.is_empty() && !is_stop {
            said.push(' ');
        }
        said.push_str(&text);
        rest = after;
    }
    said
}

/// Whether a token is nothing but a word as most are, which is said as it is
/// written: of Latin and Russian letters, without a digit, a stop or a sign.
fn is_word(token: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_alphabetic()
            || matches!(byte, b',' | b'-' | b'\'' | 0xd0 | 0xd1 | 0x80..=0xbf)
    };
    token.bytes().all(fits)
}

fn say_token(token: &str, next: Option<&str>, words: Option<&Words>) -> String {
    if let Some(link) = say_link(token, words) {
        return link;
    }
    let Some(words) = words else { return token.to_owned() };
    if let Some(said) = say_abbreviation(token, next, words) {
        return said;
    }
    let Token { open, core, close } = Token::of(token);
    let said = words
        .symbol(core)
        .map(str::to_owned)
        .or_else(|| say_address(core, words))
        .or_else(|| say_number_sign(core, words))
        .or_else(|| say_version(core, words));
    said.map_or_else(|| token.to_owned(), |said| format!("{open}{said}{close}"))
}

/// `https://www.example.com/a?b` by its host.
fn say_link(token: &str, words: Option<&Words>) -> Option<String> {
    let Token { open, core, close } = Token::of(token);
    let (before, address) = match core.split_once("://") {
        Some((scheme, address)) => {
            let before = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
            if before.len() == scheme.len() {
                return None;
            }
            (before, address)
        }
        None if core.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) => ("", core),
        None => return None,
    };
    let authority = address.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    let link = words.map_or("", |words| words.link_to);
    Some(format!("{open}{before}{link}{host}{close}"))
}

/// `bob@example.com`.
fn say_address(core: &str, words: &Words) -> Option<String> {
    let address = core.strip_prefix("mailto:").unwrap_or(core);
    let (name, domain) = address.split_once('@')?;
    let plain = |text: &str, more: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || more.contains(&c))
    };
    let is_address = plain(name, &['.', '_', '-', '+', '%'])
        && plain(domain, &['.', '-'])
        && domain.contains('.');
    is_address.then(|| format!("{name} {} {domain}", words.at))
}

/// `№5`, `#5`.
fn say_number_sign(core: &str, words: &Words) -> Option<String> {
    let number = core.strip_prefix(['№', '#'])?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| format!("{} {number}", words.number))
}

/// `v2.1`, `1.2.3`; but not a date such as 12.05.2024 or a grouped number such
/// as 1.000.000.
fn say_version(core: &str, words: &Words) -> Option<String> {
    let bare = core.strip_prefix(['v', 'V']);
    let parts: Vec<&str> = bare.unwrap_or(core).split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() < 2 || !parts.iter().all(digits) {
        return None;
    }
    let numbers = match parts.len() {
        2 => parts.join("."),
        _ => parts.join(&format!(" {} ", words.point)),
    };
    if bare.is_some() {
        return Some(format!("{} {numbers}", words.version));
    }
    let is_date = parts.len() == 3
        && (parts.iter().all(|part| part.len() == 2) || parts.iter().any(|part| part.len() == 4));
    let is_grouped = parts.iter().skip(1).all(|part| part.len() == 3);
    (parts.len() > 2 && !is_date && !is_grouped).then_some(numbers)
}

fn say_abbreviation(token: &str, next: Option<&str>, words: &Words) -> Option<String> {
    let open = Token::of(token).open;
    let lower = token.strip_prefix(open)?.to_lowercase();
    let row = words.abbreviations.iter().find_map(|(written, said, place)| {
        let close = lower.strip_prefix(written)?;
        let whole = !close.starts_with(char::is_alphanumeric) && !close.starts_with('-');
        whole.then_some((close, said, place))
    });
    let (close, said, place) = row?;
    let first = next.and_then(|next| Token::of(next).core.chars().next());
    let fits = match place {
        Place::BeforeName => first.is_some_and(char::is_uppercase),
        Place::BeforeNumber => first.is_some_and(|c| c.is_ascii_digit()),
        Place::Inside | Place::Last => true,
    };
    // The stop of an abbreviation is also the sentence's where one ends.
    let ends = next.is_none() || (*place == Place::Last && first.is_some_and(char::is_uppercase));
    let stop = if ends && close.is_empty() { "." } else { "" };
    fits.then(|| format!("{open}{said}{stop}{close}"))
}

/// Emoji and invisible characters become blanks or nothing, keycaps their digit.
fn without_emoji(text: &str) -> Cow<'_, str> {
    // Printable ASCII, line breaks and Russian letters alone need no look-up.
    let is_plain = |byte| matches!(byte, b'\n' | b' '..=b'~' | 0xd0 | 0xd1 | 0x80..=0xbf);
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        if grapheme.contains('\u{20e3}') {
            kept.extend(grapheme.chars().filter(char::is_ascii));
        } else if grapheme.chars().any(is_emoji) {
            kept.push(' ');
        } else {
            kept.extend(grapheme.chars().filter(|c| !is_invisible(*c)));
        }
    }
    Cow::Owned(kept)
}

/// The blocks of Unicode that hold pictures: U+2600–27BF without the circled
/// digits, U+1F000–1FAFF, and the few older ones that are shown in colour.
fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{2600}'..='\u{2775}' | '\u{2794}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}'
            | '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23fa}' | '\u{2b05}'..='\u{2b07}'
            | '\u{2b1b}' | '\u{2b1c}' | '\u{2b50}' | '\u{2b55}'
    )
}

fn is_invisible(c: char) -> bool {
    let control = c.is_control() && !c.is_whitespace();
    control
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests;
