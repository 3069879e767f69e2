//! Roman numerals where they can be nothing else. Only I, V and X are looked at:
//! CD, MIX and XL are words of their own.

use super::{
    Spot, Token,
    ordinal::{self, Ending},
};

/// English words that a numeral behind them counts.
const COUNTED: &[&str] = &[
    "Act", "Appendix", "Article", "Book", "Chapter", "Class", "Episode", "Grade", "Level", "Part",
    "Phase", "Section", "Stage", "Title", "Type", "Volume", "War",
];

/// Names of kings, queens and popes.
const RULERS: &[&str] = &[
    "Alexander",
    "Benedict",
    "Catherine",
    "Charles",
    "Edward",
    "Elizabeth",
    "Francis",
    "Frederick",
    "George",
    "Henry",
    "Ivan",
    "James",
    "Leo",
    "Louis",
    "Napoleon",
    "Nicholas",
    "Paul",
    "Peter",
    "Philip",
    "Pius",
    "Richard",
    "Victor",
    "William",
];

/// The same in Russian, without their endings; the women first.
const WOMEN: &[&str] = &["Екатерин", "Елизавет", "Анн", "Мари", "Маргарит", "Изабелл", "Виктори"];
const MEN: &[&str] = &[
    "Пётр",
    "Петр",
    "Александр",
    "Никола",
    "Павел",
    "Павл",
    "Иван",
    "Людовик",
    "Генрих",
    "Карл",
    "Георг",
    "Эдуард",
    "Яков",
    "Вильгельм",
    "Фридрих",
    "Филипп",
    "Наполеон",
    "Ричард",
    "Франциск",
    "Бенедикт",
    "Василий",
    "Васили",
    "Рамсес",
];

/// Russian words that a numeral behind them counts, without their endings.
const PARTS: &[&str] = &["Глав", "глав", "Част", "част", "Том", "том", "Раздел", "раздел"];

/// Russian words that take the genitive.
pub(super) const OF: &[&str] = &[
    "с",
    "со",
    "до",
    "от",
    "из",
    "у",
    "около",
    "после",
    "конца",
    "начала",
    "середины",
    "возле",
    "конец",
    "начало",
    "летом",
    "весной",
    "осенью",
    "зимой",
];

/// Whether a word is made of the letters of small numerals: then it is looked at
/// closer.
pub(super) fn is_likely(word: &str) -> bool {
    word.starts_with(['I', 'V', 'X'])
        && word.bytes().all(|b| matches!(b, b'I' | b'V' | b'X' | b','))
}

/// "World War II", "Henry VIII".
pub(super) fn english(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let number = value(token.core)?;
    let before = spot.before.map(|word| Token::of(word).core)?;
    if RULERS.contains(&before) {
        let suffix = match (number % 10, number % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        return Some((token.around(&format!("the {number}{suffix}")), 1));
    }
    let counted = COUNTED.contains(&before)
        || (token.core.len() > 1 && before.len() > 1 && before.starts_with(char::is_uppercase));
    counted.then(|| (token.around(&number.to_string()), 1))
}

/// "XXI век", "II мировая", "Пётр I", "глава IV".
pub(super) fn russian(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let Some(number) = value(token.core) else { return centuries(spot) };
    if let Some(before) = spot.before
        && let Some(ending) = ruler(before)
    {
        return Some((token.around(&capital(&ordinal::said(number, ending)?)), 1));
    }
    let next = spot.next().filter(|_| token.close.is_empty());
    if let Some(next) = next.as_ref().filter(|next| next.core == "в") {
        let (ending, noun) = match spot.before.unwrap_or_default().to_lowercase().as_str() {
            "в" | "во" => (Ending::In, "веке"),
            before if OF.contains(&before) => (Ending::Of, "века"),
            _ => (Ending::Masculine, "век"),
        };
        let said = ordinal::said(number, ending)?;
        return next
            .close
            .starts_with('.')
            .then(|| (format!("{}{said} {noun}{}", token.open, spot.stop(1)), 2));
    }
    if let Some(ending) = next.and_then(|next| agreement(next.core)) {
        return Some((token.around(&ordinal::said(number, ending)?), 1));
    }
    let counted = spot.before.is_some_and(|word| PARTS.iter().any(|part| word.starts_with(part)));
    (counted || token.core.len() > 1).then(|| (token.around(&number.to_string()), 1))
}

/// "XIX–XX вв."
fn centuries(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let (from, till) = token.core.split_once(['–', '—', '-'])?;
    let (from, till) = (value(from)?, value(till)?);
    let next = spot.next().filter(|_| token.close.is_empty())?;
    let (ending, noun) = match next.core {
        "веках" => (Ending::In, "веках"),
        "веков" => (Ending::Of, "веков"),
        "века" => (Ending::Masculine, "века"),
        "вв" => match spot.before.unwrap_or_default().to_lowercase().as_str() {
            "в" | "во" => (Ending::In, "веках"),
            before if OF.contains(&before) => (Ending::Of, "веков"),
            _ => (Ending::Masculine, "века"),
        },
        _ => return None,
    };
    let (from, till) = (ordinal::said(from, ending)?, ordinal::said(till, ending)?);
    let close = if next.core == "вв" { spot.stop(1) } else { next.close };
    Some((format!("{}{from} – {till} {noun}{close}", token.open), 2))
}

/// The number that a numeral of I, V and X is, if it is one.
fn value(numeral: &str) -> Option<u32> {
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    let ones = numeral.trim_start_matches("X");
    // IX begins with no ten.
    let tens = numeral.len() - ones.len();
    let ones = ONES.iter().position(|written| *written == ones)?;
    let number = u32::try_from(tens * 10 + ones).ok()?;
    (tens <= 3 && number > 0).then_some(number)
}

/// How the numeral of a ruler ends, by the ending of the name.
fn ruler(name: &str) -> Option<Ending> {
    let rest =
        |stems: &[&str]| stems.iter().find_map(|stem| name.strip_prefix(stem)).map(str::to_owned);
    if let Some(ending) = rest(WOMEN) {
        return match ending.as_str() {
            "а" | "я" => Some(Ending::Feminine),
            "у" | "ю" => Some(Ending::FeminineObject),
            "ы" | "и" | "е" | "ой" | "ей" => Some(Ending::FeminineOblique),
            _ => None,
        };
    }
    match rest(MEN)?.as_str() {
        "" | "й" => Some(Ending::Masculine),
        "а" | "я" => Some(Ending::Of),
        "у" | "ю" => Some(Ending::To),
        "ом" | "ем" => Some(Ending::With),
        "е" => Some(Ending::In),
        _ => None,
    }
}

/// How an ordinal goes with the word behind it: a century, or an adjective.
fn agreement(word: &str) -> Option<Ending> {
    let ending = match word {
        "век" | "квартал" | "съезд" | "том" => Ending::Masculine,
        "века" | "веков" | "квартала" | "съезда" | "тысячелетия" => {
            Ending::Of
        }
        "веку" => Ending::To,
        "веком" => Ending::With,
        "веке" | "квартале" | "съезде" | "тысячелетии" => Ending::In,
        "тысячелетие" => Ending::Neuter,
        _ if word.ends_with("ая") => Ending::Feminine,
        _ if word.ends_with("ую") => Ending::FeminineObject,
        _ if word.ends_with("ой") => Ending::FeminineOblique,
        _ if word.ends_with("ый") || word.ends_with("ий") => Ending::Masculine,
        _ if word.ends_with("ого") || word.ends_with("его") => Ending::Of,
        _ => return None,
    };
    Some(ending)
}

/// A word with a capital letter.
pub(super) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
