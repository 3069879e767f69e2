//! Emoji and invisible characters.

use std::borrow::Cow;

use nexy_types::Language;
use unicode_segmentation::UnicodeSegmentation;

use super::words::Words;

/// Emoji and invisible characters become blanks or nothing, keycaps their digit;
/// those that say something (arrows, a rating, a cell of a table) say it.
pub(super) fn without_emoji<'a>(text: &'a str, words: Option<&Words>) -> Cow<'a, str> {
    // Printable ASCII, line breaks and Russian letters alone need no look-up.
    let is_plain = |byte| matches!(byte, b'\n' | b' '..=b'~' | 0xd0 | 0xd1 | 0x80..=0xbf);
    if text.bytes().all(is_plain) || !text.chars().any(is_special) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(grapheme) = rest.graphemes(true).next() {
        if let Some((said, used)) = words.and_then(|words| rating(rest, words)) {
            kept.push_str(&said);
            rest = &rest[used..];
            continue;
        }
        rest = &rest[grapheme.len()..];
        let first = grapheme.chars().next().unwrap_or(' ');
        if grapheme.contains('\u{20e3}') {
            kept.extend(grapheme.chars().filter(char::is_ascii));
        } else if let Some(arrow) = arrow(first) {
            kept.push(arrow);
        } else if grapheme.chars().any(is_emoji) {
            match words.and_then(|words| answer(first, &kept, rest, words)) {
                Some(answer) => kept.push_str(answer),
                None => kept.push(' '),
            }
        } else {
            kept.extend(grapheme.chars().filter(|c| !is_invisible(*c)));
        }
    }
    Cow::Owned(kept)
}

/// What stands for a text of which nothing can be said: the name of its first
/// picture, as far as it is one that answers something. By the short names of
/// Unicode CLDR; in English where there is no Russian.
#[must_use]
pub fn name_of_signs(text: &str, language: &Language) -> &'static str {
    let [english, russian] = match text.chars().find(|c| is_emoji(*c)) {
        Some('👍') => ["thumbs up", "палец вверх"],
        Some('👎') => ["thumbs down", "палец вниз"],
        Some('👌') => ["OK hand", "всё отлично"],
        Some('✅' | '✔' | '✓' | '☑') => ["check mark", "галочка"],
        Some('❌' | '✖' | '✗' | '✘' | '❎') => ["cross mark", "крестик"],
        Some('❤' | '\u{1f493}'..='\u{1f49f}' | '🖤' | '🤍' | '🧡') => ["heart", "сердце"],
        Some('👋') => ["waving hand", "машу рукой"],
        Some('🙏') => ["folded hands", "сложенные руки"],
        Some('\u{1f600}'..='\u{1f64f}' | '\u{1f910}'..='\u{1f92f}' | '☺') => {
            ["smiley", "смайлик"]
        }
        Some(_) => ["emoji", "эмодзи"],
        None => ["no words", "без слов"],
    };
    if language.is_russian() { russian } else { english }
}

fn is_special(c: char) -> bool {
    is_emoji(c) || is_invisible(c) || arrow(c).is_some() || matches!(c, '\u{20e3}' | '☆')
}

/// Arrows that are shown as pictures, as the plain ones.
fn arrow(c: char) -> Option<char> {
    match c {
        '➡' | '➔' | '➜' | '➝' | '➞' | '⟶' | '⇒' | '⟹' | '▸' => Some('→'),
        '⬅' | '⟵' => Some('←'),
        '⬆' => Some('↑'),
        '⬇' => Some('↓'),
        _ => None,
    }
}

/// `★★★★☆`: four out of five. One star alone is a decoration.
fn rating(text: &str, words: &Words) -> Option<(String, usize)> {
    let full = |c: char| matches!(c, '★' | '⭐');
    let is_part = |c: char| full(c) || matches!(c, '☆' | '\u{fe0f}');
    if !text.starts_with(full) {
        return None;
    }
    let used = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let stars = text[..used].chars().filter(|c| full(*c)).count();
    let most = text[..used].chars().filter(|c| *c != '\u{fe0f}').count();
    let count = stars.to_string();
    let said = match most {
        1 => return None,
        _ if stars == most => format!("{count} {}", words.plural(&count, words.stars)),
        _ => format!("{count} {} {most}", words.stars_of),
    };
    Some((said, used))
}

/// ✅ and ❌ as the whole of a table's cell.
fn answer(c: char, before: &str, after: &str, words: &Words) -> Option<&'static str> {
    let [yes, no] = words.answers;
    let answer = match c {
        '✅' | '✔' | '✓' | '☑' => yes,
        '❌' | '✖' | '✗' | '✘' | '❎' => no,
        _ => return None,
    };
    let blank = |c: char| matches!(c, ' ' | '\u{fe0f}');
    let in_cell = before.trim_end_matches(blank).ends_with('|')
        && after.trim_start_matches(blank).starts_with('|');
    in_cell.then_some(answer)
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
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}'
            | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
