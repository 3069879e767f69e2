//! What holds for any input. Called by tests here and by the targets in fuzz/.

use nexy_types::Language;

use crate::{Segmenter, Settings, sentence, spoken};

/// However a reply is cut, its segments are the same, and joined they are the
/// reply. The first bytes are the settings and say how it is cut.
///
/// # Panics
/// When that does not hold.
pub fn segmenter(data: &[u8]) {
    let Some(([chars, words, first_words, most, cut], reply)) = data.split_first_chunk() else {
        return;
    };
    let settings = Settings {
        min_chars: usize::from(chars % 32),
        min_words: usize::from(words % 5),
        first_sentence_min_words: usize::from(first_words % 4),
        force_flush_max_chars: usize::from(most % 64),
    };
    let reply = String::from_utf8_lossy(reply);
    let whole = segments(settings, &[&reply]);
    assert_eq!(segments(settings, &pieces(&reply, 1)), whole, "by character");
    let larger = pieces(&reply, usize::from(cut % 32) + 1);
    assert_eq!(segments(settings, &larger), whole, "in larger pieces");
    assert!(whole.iter().all(|segment| !segment.is_empty() && segment.trim() == segment));
    if reply.contains(|c| sentence::is_wide_stop(c) || sentence::is_wide_clause(c)) {
        // Between such sentences the join adds a blank.
        let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(without_blanks(&whole.concat()), without_blanks(&reply));
    } else {
        let normalised = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(normalised(&whole.join(" ")), normalised(&reply));
    }
}

/// What a voice is given holds no control characters, no blanks around it and none
/// side by side, is
/// not much longer than the text, and is always something that can be said or
/// nothing. The first byte chooses the language.
///
/// # Panics
/// When that does not hold.
pub fn spoken_form(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let language = match first % 3 {
        0 => Language::english(),
        1 => Language::russian(),
        _ => Language::parse("de-DE").unwrap_or_else(Language::english),
    };
    let text = String::from_utf8_lossy(text);
    let said = spoken(&text, &language);
    assert!(!said.contains(char::is_control), "{said:?}");
    assert!(said.len() <= 16 * text.len() + 16, "{} bytes of {}", said.len(), text.len());
    assert_eq!(said.trim(), said);
    assert!(!said.contains("  "), "{said:?}");
    assert!(said.is_empty() || said.contains(char::is_alphanumeric), "{said:?}");
}

fn segments(settings: Settings, deltas: &[&str]) -> Vec<String> {
    let mut segmenter = Segmenter::new(settings);
    let mut segments: Vec<_> = deltas.iter().flat_map(|delta| segmenter.push(delta)).collect();
    segments.extend(segmenter.finish());
    segments
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
