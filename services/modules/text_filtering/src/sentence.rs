//! Where sentences and clauses end, judged by one word.

/// Abbreviations that always have something after them, lower case, without
/// their last stop. Sorted, as is the next list.
const BEFORE_A_WORD: &[&str] = &[
    "al",
    "approx",
    "art",
    "ca",
    "capt",
    "cf",
    "ch",
    "col",
    "dr",
    "e.g",
    "eq",
    "eqs",
    "fig",
    "figs",
    "ft",
    "gen",
    "gov",
    "hon",
    "i.e",
    "incl",
    "lt",
    "mr",
    "mrs",
    "ms",
    "mt",
    "mx",
    "pp",
    "pres",
    "prof",
    "rep",
    "rev",
    "sec",
    "sen",
    "sgt",
    "st",
    "viz",
    "vol",
    "vols",
    "vs",
    "акад",
    "англ",
    "бул",
    "г-жа",
    "г-н",
    "гл",
    "гр",
    "греч",
    "д",
    "дер",
    "доц",
    "изд",
    "им",
    "инж",
    "итал",
    "кв",
    "корп",
    "лат",
    "наб",
    "напр",
    "нем",
    "о-в",
    "обл",
    "оз",
    "п",
    "пер",
    "пл",
    "пос",
    "пп",
    "пр",
    "прим",
    "просп",
    "проф",
    "р-н",
    "ред",
    "рис",
    "рус",
    "св",
    "см",
    "ср",
    "ст",
    "стр",
    "т",
    "т.е",
    "т.к",
    "т.н",
    "табл",
    "тел",
    "ул",
    "фр",
    "яз",
];

/// Abbreviations that can also end a sentence: the next letter decides. Lower
/// case, without their last stop.
const ANYWHERE: &[&str] = &[
    "apr", "aug", "ave", "blvd", "co", "corp", "dec", "dept", "est", "etc", "feb", "fri", "hr",
    "hrs", "inc", "jan", "jr", "jul", "jun", "ltd", "mar", "max", "min", "mon", "no", "nos", "nov",
    "oct", "rd", "sat", "sep", "sept", "sr", "sun", "thu", "thur", "thurs", "tue", "tues", "wed",
    "авг", "апр", "в", "вв", "гг", "дек", "долл", "др", "коп", "мин", "млн", "млрд", "н.э", "нояб",
    "окт", "пр", "руб", "сек", "сент", "трлн", "тыс", "февр", "ч", "чел", "шт", "э", "экз", "янв",
];

/// The longest of them, in bytes.
const ABBREVIATION_MAX_BYTES: usize = 10;

/// How a word stands to the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The sentence goes on.
    None,
    /// A clause ends.
    Clause,
    /// The sentence ends if the next word begins with a letter that is not
    /// lower case.
    Perhaps,
    /// The sentence ends.
    Sentence,
}

/// Where a word stands, which decides about some stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// It is the first of its line.
    LineStart,
    /// The word before it ends in a digit.
    Number,
    /// The word before it is "т.", as in "т. д.".
    Half,
    /// Any other word.
    Word,
}

// === impl Before ===

impl Before {
    /// For the word that follows this text on its line.
    pub(crate) fn behind(text: &str) -> Self {
        match () {
            () if text.ends_with(|c: char| c.is_ascii_digit()) => Self::Number,
            () if text.ends_with(" т.") => Self::Half,
            () => Self::Word,
        }
    }
}

/// Stops of scripts that write no blank behind them.
pub(crate) fn is_wide_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

/// Clause marks of scripts that write no blank behind them.
pub(crate) fn is_wide_clause(c: char) -> bool {
    matches!(c, '，' | '、' | '；' | '：')
}

/// What closes a quotation, a bracket or Markdown emphasis behind a stop.
pub(crate) fn is_closer(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '”' | '’' | '»' | '›' | '“' // “ closes in German and Russian hand-set quotes
            | ')' | ']' | '}' | '*' | '_' | '`' | '~'
            | '」' | '』' | '）' | '】' | '》' | '〉'
    )
}

/// How a word that is followed by a blank ends.
pub(crate) fn end_of(word: &str, before: Before) -> End {
    let core = word.trim_end_matches(is_closer);
    if matches!(core, "—" | "–") && matches!(before, Before::LineStart | Before::Number) {
        // A line of dialogue or a range of numbers.
        return End::None;
    }
    match core.chars().next_back() {
        Some('!' | '?' | '…' | '‽' | '؟' | '۔' | '।' | '॥') => End::Sentence,
        Some('.') => stop(core, before),
        Some(c) if is_wide_stop(c) => End::Sentence,
        Some(',' | ';' | ':' | '—' | '–' | '،' | '؛') => End::Clause,
        Some(c) if is_wide_clause(c) => End::Clause,
        _ => End::None,
    }
}

/// What the full stop at the end of a word means.
fn stop(core: &str, before: Before) -> End {
    let word = core
        .strip_suffix('.')
        .unwrap_or(core)
        .trim_start_matches(|c: char| !c.is_alphanumeric() && c != '.');
    if word.is_empty() || word.ends_with(['.', '!', '?', '…']) {
        // "...", "?." and a stop behind a bracket.
        return End::Sentence;
    }
    let digits = word.chars().all(|c| c.is_ascii_digit() || c == '.');
    if digits {
        return if before == Before::LineStart { End::None } else { End::Sentence };
    }
    let lower =
        if word.len() <= ABBREVIATION_MAX_BYTES { word.to_lowercase() } else { String::new() };
    let is_in = |list: &[&str]| list.binary_search(&lower.as_str()).is_ok();
    match lower.as_str() {
        // "в 2024 г." may end a sentence, "г. Москва" does not.
        "г" if before == Before::Number => End::Perhaps,
        "г" => End::None,
        // "и т. д." and "и т. п.", as without the blank.
        "д" | "п" if before == Before::Half => End::Perhaps,
        // "5 p." is said of neither; a page or a flat is followed by its number.
        _ if before == Before::Number && is_in(ANYWHERE) => End::Perhaps,
        _ if is_in(BEFORE_A_WORD) => End::None,
        _ if is_in(ANYWHERE) => End::Perhaps,
        // Initials: "J. S. Bach", "А. С. Пушкин".
        _ if is_letters(word, 1) => End::None,
        // "U.S", "a.m", "и т.д": a stop after each but the last.
        _ if word.contains('.') && word.split('.').all(|part| is_letters(part, 2)) => End::Perhaps,
        _ => End::Sentence,
    }
}

/// Whether a text is so many letters at most, and one at least.
fn is_letters(text: &str, most: usize) -> bool {
    !text.is_empty()
        && text.chars().take(most + 1).count() <= most
        && text.chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests;
