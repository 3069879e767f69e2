mod quiet;

use unicode_segmentation::UnicodeSegmentation;

use self::quiet::Quiet;
use crate::sentence::{self, Before, End};

/// When a segment is long enough to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A segment has at least so many characters, or waits for the next
    /// sentence. `workflow.stream_min_chars`.
    pub min_chars: usize,
    /// A segment has at least so many words. `workflow.stream_min_words`.
    pub min_words: usize,
    /// A first segment that is a whole sentence needs only so many words.
    /// `workflow.stream_first_sentence_min_words`.
    pub first_sentence_min_words: usize,
    /// A segment that gets longer than so many characters is cut at its last
    /// blank; 0 = never. `workflow.force_flush_max_chars`.
    pub force_flush_max_chars: usize,
}

/// Cuts one reply into segments while it arrives.
///
/// The first segment ends with the first clause or sentence that is pleasant
/// to hear, every later one with a sentence; a line break ends a sentence too.
/// What is too short goes together with what follows.
///
/// A no-break blank is part of its word, as its writer wished.
pub struct Segmenter {
    settings: Settings,
    /// The segment so far, as written, without blanks at its start.
    pending: String,
    /// How many characters that is; counted only if there is a longest segment.
    chars: usize,
    /// Where the word that is being written begins.
    word: usize,
    before: Before,
    /// Words up to the byte that goes with them, as far as they matter.
    words: (usize, usize),
    /// Where the last place is that a segment may be cut at.
    last_break: usize,
    state: State,
    is_first: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a word, which does not end in a wide stop.
    Word,
    /// Behind a wide stop or clause mark and what closes with it.
    Wide(End),
    /// Behind blanks; what comes next decides whether a sentence ended at this
    /// byte.
    Blank(Option<usize>),
}

// === impl Segmenter ===

impl Segmenter {
    /// A segmenter for one reply.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            pending: String::new(),
            chars: 0,
            word: 0,
            before: Before::LineStart,
            words: (0, 0),
            last_break: 0,
            state: State::Blank(None),
            is_first: true,
        }
    }

    /// Takes the next piece of the reply, cut anywhere, and gives the segments
    /// whose end is now certain.
    #[must_use]
    pub fn push(&mut self, text: &str) -> Vec<String> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let quiet = self.take_quiet(rest);
            rest = &rest[quiet..];
            if quiet == 0 {
                segments.extend(if is_blank(c) { self.blank(c) } else { self.letter(c) });
                rest = &rest[c.len_utf8()..];
            }
        }
        segments
    }

    /// Takes note that the reply is over and gives the rest of it, if any.
    #[must_use]
    pub fn finish(self) -> Option<String> {
        let rest = self.pending.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    }

    fn blank(&mut self, c: char) -> Option<String> {
        let line_break = is_line_break(c);
        let end_of_word = !matches!(self.state, State::Blank(_));
        let end = match () {
            () if line_break => End::Sentence,
            () if end_of_word => sentence::end_of(&self.pending[self.word..], self.before),
            () => End::None,
        };
        let mut at = self.pending.len();
        if end_of_word {
            self.last_break = at;
            self.state = State::Blank(None);
            self.before = Before::behind(&self.pending);
        } else {
            at = self.pending.trim_end_matches(is_blank).len();
        }
        if line_break {
            self.before = Before::LineStart;
            self.state = State::Blank(None);
        }
        if !self.pending.is_empty() {
            self.pending.push(c);
            self.chars += 1;
        }
        if end == End::Perhaps {
            self.state = State::Blank(Some(at));
        }
        self.cut_if_due(at, end)
    }

    fn letter(&mut self, c: char) -> Option<String> {
        let end = match self.state {
            State::Wide(_) if self.belongs_to_stop(c) => None,
            State::Wide(end) => Some((self.pending.len(), end_before(end, c))),
            State::Blank(Some(at)) => Some((at, end_before(End::Perhaps, c))),
            State::Blank(None) => Some((self.pending.len(), End::None)),
            State::Word => None,
        };
        let mut segment = None;
        if let Some((at, end)) = end {
            if matches!(self.state, State::Wide(_)) {
                self.before = Before::Word;
                self.last_break = at;
            }
            self.word = self.pending.len();
            self.state = State::Word;
            segment = self.cut_if_due(at, end);
        }
        self.state = match self.state {
            _ if sentence::is_wide_stop(c) => State::Wide(End::Sentence),
            State::Wide(end) => State::Wide(end),
            _ if sentence::is_wide_clause(c) => State::Wide(End::Clause),
            State::Word | State::Blank(_) => State::Word,
        };
        self.pending.push(c);
        self.chars += 1;
        // At most one of the two: what is left behind a cut is short.
        segment.or_else(|| self.cut_if_too_long())
    }

    /// Takes the words at the start of a text in which nothing can end, and says
    /// how many bytes they are. Most of a reply goes this way: it comes to the
    /// same as a call for each character and takes a fraction of the time.
    fn take_quiet(&mut self, text: &str) -> usize {
        if !matches!(self.state, State::Word | State::Blank(None)) {
            return 0;
        }
        let max = self.settings.force_flush_max_chars;
        let room = if max == 0 { text.len() } else { max.saturating_sub(self.chars) };
        let Quiet { len, last_blank } = Quiet::of(&text[..text.floor_char_boundary(room)]);
        if len == 0 {
            return 0;
        }
        let start = self.pending.len();
        self.pending.push_str(&text[..len]);
        if max > 0 {
            self.chars += text[..len].chars().count();
        }
        if self.state != State::Word {
            self.word = start;
            self.state = State::Word;
        }
        if let Some(blank) = last_blank {
            self.last_break = start + blank;
            self.before = Before::behind(&text[..blank]);
            self.word = start + blank + 1;
            if blank + 1 == len {
                self.state = State::Blank(None);
            }
        }
        len
    }

    /// Whether a character behind a wide stop or clause mark goes with it.
    fn belongs_to_stop(&self, c: char) -> bool {
        sentence::is_closer(c)
            || sentence::is_wide_stop(c)
            || sentence::is_wide_clause(c)
            || is_extension(&self.pending, c)
    }

    /// Cuts at a boundary if the segment before it is long enough.
    #[inline]
    fn cut_if_due(&mut self, at: usize, end: End) -> Option<String> {
        if !matches!(end, End::Clause | End::Sentence) || (end == End::Clause && !self.is_first) {
            return None;
        }
        self.count_words(at);
        let Settings { min_chars, min_words, first_sentence_min_words, .. } = self.settings;
        let words = self.words.0;
        let long_enough =
            words >= min_words && self.pending[..at].chars().take(min_chars).count() >= min_chars;
        let whole_first =
            self.is_first && end == End::Sentence && words >= first_sentence_min_words;
        if long_enough || whole_first { self.cut(at) } else { None }
    }

    fn cut_if_too_long(&mut self) -> Option<String> {
        let max = self.settings.force_flush_max_chars;
        if max == 0 || self.chars <= max { None } else { self.cut(self.last_break) }
    }

    /// Takes everything before a byte away as a segment.
    fn cut(&mut self, at: usize) -> Option<String> {
        let segment = self.pending[..at].trim().to_owned();
        if segment.is_empty() {
            return None;
        }
        let rest = self.pending[at..].trim_start_matches(is_blank);
        let gone = self.pending.len() - rest.len();
        self.chars = rest.chars().count();
        self.pending.drain(..gone);
        self.word = self.word.saturating_sub(gone);
        self.words = (0, 0);
        self.last_break = 0;
        self.is_first = false;
        Some(segment)
    }

    /// Counts the words up to a byte until there are enough, each only once
    /// however often it is asked.
    fn count_words(&mut self, at: usize) {
        let (words, counted) = self.words;
        let Settings { min_words, first_sentence_min_words, .. } = self.settings;
        let wanted = min_words.max(first_sentence_min_words).saturating_sub(words);
        if wanted > 0
            && let Some(text) = self.pending.get(counted..at)
        {
            self.words = (words + count_words(text, wanted), at);
        }
    }
}

/// What an end comes to once the character behind it is known.
fn end_before(end: End, next: char) -> End {
    match end {
        // Letters without case (Chinese, Hebrew …) begin sentences too.
        End::Perhaps if next.is_alphabetic() && !next.is_lowercase() => End::Sentence,
        // A wide colon or comma inside a number.
        End::Clause if next.is_numeric() => End::None,
        End::Perhaps => End::None,
        End::None | End::Clause | End::Sentence => end,
    }
}

/// How many words a text has, or `enough` if it has more.
fn count_words(text: &str, enough: usize) -> usize {
    // What blanks part are different words, so where that is enough nothing has
    // to be looked up.
    let has_word = |part: &&str| part.contains(char::is_alphanumeric);
    match text.split(is_blank).filter(has_word).take(enough).count() {
        parted if parted == enough => enough,
        _ => text.unicode_words().take(enough).count(),
    }
}

/// Whether words may be parted here: white space other than the no-break kinds
/// (U+00A0, U+2007, U+202F).
fn is_blank(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Whether a new line begins behind it (UAX #14, classes BK, CR, LF and NL).
fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character belongs to the same grapheme as the one before it.
fn is_extension(text: &str, c: char) -> bool {
    let last = text.chars().next_back();
    let pair: String = last.into_iter().chain([c]).collect();
    pair.graphemes(true).count() < pair.chars().count()
}

#[cfg(test)]
mod tests;
