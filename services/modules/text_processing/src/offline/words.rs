//! A prompt as whole words.

/// Contractions and the words they stand for.
const CONTRACTIONS: &[(&str, &[&str])] = &[
    ("what's", &["what", "is"]),
    ("whats", &["what", "is"]),
    ("who's", &["who", "is"]),
    ("how's", &["how", "is"]),
    ("i'd", &["i", "would"]),
    ("let's", &["let", "us"]),
];

/// Characters that hold a word together when both neighbours belong to it.
const JOINERS: &[char] = &['\'', '\u{2019}', '-', '.', '&', '_', '@'];

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Lower case, with ё written е and plain apostrophes.
    pub(super) norm: String,
    /// Where it stands in the prompt, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// The words of a text, in order. The two words of a contraction stand at the
/// same place.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let joins = start.is_some() && JOINERS.contains(&c);
        let belongs = c.is_alphanumeric() || (joins && next.is_some_and(char::is_alphanumeric));
        if belongs {
            start = start.or(Some(at));
        } else if let Some(start) = start.take() {
            push(&mut found, text, start..at);
        }
    }
    if let Some(start) = start {
        push(&mut found, text, start..text.len());
    }
    found
}

/// Lower case in the spelling in which words are compared.
pub(super) fn normalise(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ё' => 'е',
            '\u{2019}' => '\'',
            c => c,
        })
        .collect()
}

/// Whether the words begin with this phrase, and in how many words.
pub(super) fn starts_with(words: &[Word], phrase: &str) -> Option<usize> {
    let mut count = 0;
    for expected in phrase.split(' ') {
        if words.get(count)?.norm != expected {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// Whether the words end with this phrase, and in how many words.
pub(super) fn ends_with(words: &[Word], phrase: &str) -> Option<usize> {
    let count = phrase.split(' ').count();
    let tail = words.len().checked_sub(count)?;
    starts_with(&words[tail..], phrase)
}

fn push(found: &mut Vec<Word>, text: &str, place: std::ops::Range<usize>) {
    let norm = normalise(&text[place.clone()]);
    let long = CONTRACTIONS.iter().find(|(short, _)| *short == norm).map(|(_, long)| *long);
    let mut add = |norm| found.push(Word { norm, start: place.start, end: place.end });
    match long {
        Some(long) => long.iter().for_each(|word| add((*word).to_owned())),
        None => add(norm),
    }
}
