//! Where sentences and clauses end, judged by one word.

/// Abbreviations that always have something after them, lower case, without
/// their last stop.
const BEFORE_A_WORD: &[&str] = &[
    "dr",
    "mr",
    "mrs",
    "ms",
    "mx",
    "prof",
    "rev",
    "hon",
    "gen",
    "col",
    "lt",
    "capt",
    "sgt",
    "sen",
    "rep",
    "gov",
    "pres",
    "st",
    "mt",
    "ft",
    "fig",
    "figs",
    "vol",
    "vols",
    "pp",
    "eq",
    "eqs",
    "sec",
    "ch",
    "art",
    "approx",
    "vs",
    "viz",
    "e.g",
    "i.e",
    "cf",
    "al",
    "ca",
    "incl",
    "т.е",
    "т.к",
    "т.н",
    "т",
    "им",
    "ул",
    "пр",
    "просп",
    "пер",
    "пл",
    "наб",
    "бул",
    "д",
    "кв",
    "корп",
    "стр",
    "рис",
    "табл",
    "гл",
    "п",
    "пп",
    "ст",
    "ср",
    "см",
    "напр",
    "гр",
    "г-н",
    "г-жа",
    "проф",
    "акад",
    "доц",
    "инж",
    "св",
    "тел",
    "обл",
    "р-н",
    "пос",
    "дер",
    "оз",
    "о-в",
    "прим",
    "ред",
    "изд",
    "итал",
    "англ",
    "нем",
    "фр",
    "лат",
    "греч",
    "рус",
    "яз",
];

/// Abbreviations that can also end a sentence: the next letter decides. Lower
/// case, without their last stop.
const ANYWHERE: &[&str] = &[
    "etc", "no", "nos", "inc", "ltd", "co", "corp", "jr", "sr", "dept", "est", "ave", "blvd", "rd",
    "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon",
    "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "min", "max", "hr", "hrs",
    "др", "пр", "гг", "в", "вв", "н.э", "э", "руб", "коп", "тыс", "млн", "млрд", "трлн", "мин",
    "сек", "ч", "шт", "экз", "чел", "долл", "янв", "февр", "апр", "авг", "сент", "окт", "нояб",
    "дек",
];

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
    /// Any other word.
    Word,
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
    if matches!(core, "—" | "–") && before != Before::Word {
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
    let lower = word.to_lowercase();
    let letters = word.chars().count();
    match lower.as_str() {
        // "в 2024 г." may end a sentence, "г. Москва" does not.
        "г" if before == Before::Number => End::Perhaps,
        "г" => End::None,
        // "5 p." is said of neither; a page or a flat is followed by its number.
        _ if before == Before::Number && ANYWHERE.contains(&lower.as_str()) => End::Perhaps,
        _ if BEFORE_A_WORD.contains(&lower.as_str()) => End::None,
        _ if ANYWHERE.contains(&lower.as_str()) => End::Perhaps,
        // Initials: "J. S. Bach", "А. С. Пушкин".
        _ if letters == 1 && word.chars().all(char::is_alphabetic) => End::None,
        _ if is_dotted_letters(word) => End::Perhaps,
        _ => End::Sentence,
    }
}

/// "U.S", "a.m", "и т.д": letters with a stop after each but the last.
fn is_dotted_letters(word: &str) -> bool {
    word.contains('.')
        && word.split('.').all(|part| {
            part.chars().all(char::is_alphabetic) && (1..=2).contains(&part.chars().count())
        })
}
