//! Russian ordinals, which voices without grammar read as a number and a letter.

use super::Spot;

/// The largest number that has an ordinal here: the years need no more.
const MOST: u32 = 2999;

/// The ending of an adjective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// первый
    Masculine,
    /// первая
    Feminine,
    /// первое
    Neuter,
    /// первого
    Of,
    /// первому
    To,
    /// первым
    With,
    /// о первом
    In,
    /// первую
    FeminineObject,
    /// первой
    FeminineOblique,
    /// первые
    Plural,
    /// первых
    PluralOf,
    /// первыми
    PluralWith,
}

const UNITS: [&str; 20] = [
    "",
    "один",
    "два",
    "три",
    "четыре",
    "пять",
    "шесть",
    "семь",
    "восемь",
    "девять",
    "десять",
    "одиннадцать",
    "двенадцать",
    "тринадцать",
    "четырнадцать",
    "пятнадцать",
    "шестнадцать",
    "семнадцать",
    "восемнадцать",
    "девятнадцать",
];

const TENS: [&str; 10] = [
    "",
    "",
    "двадцать",
    "тридцать",
    "сорок",
    "пятьдесят",
    "шестьдесят",
    "семьдесят",
    "восемьдесят",
    "девяносто",
];

const HUNDREDS: [&str; 10] = [
    "",
    "сто",
    "двести",
    "триста",
    "четыреста",
    "пятьсот",
    "шестьсот",
    "семьсот",
    "восемьсот",
    "девятьсот",
];

/// Without their endings. "трет" is told apart where the ending is put.
const UNIT_STEMS: [&str; 20] = [
    "",
    "перв",
    "втор",
    "трет",
    "четвёрт",
    "пят",
    "шест",
    "седьм",
    "восьм",
    "девят",
    "десят",
    "одиннадцат",
    "двенадцат",
    "тринадцат",
    "четырнадцат",
    "пятнадцат",
    "шестнадцат",
    "семнадцат",
    "восемнадцат",
    "девятнадцат",
];

const TEN_STEMS: [&str; 10] = [
    "",
    "",
    "двадцат",
    "тридцат",
    "сороков",
    "пятидесят",
    "шестидесят",
    "семидесят",
    "восьмидесят",
    "девяност",
];

const HUNDRED_STEMS: [&str; 10] = [
    "",
    "сот",
    "двухсот",
    "трёхсот",
    "четырёхсот",
    "пятисот",
    "шестисот",
    "семисот",
    "восьмисот",
    "девятисот",
];

/// "1-й", "21-я", "2-го", "90-е", "3-х", "10-ти".
pub(super) fn say(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let (digits, written) = token.core.split_once(['-', '‑'])?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let said = match written {
        "х" | "ух" if (2..=4).contains(&number) => some_of(number)?.to_owned(),
        "ти" | "и" | "ми" if (5..=20).contains(&number) || number == 30 => few(number)?,
        _ => said(number, ending(number, written)?)?,
    };
    Some((token.around(&said), 1))
}

/// The ordinal in words; `None` for 0 and for what is too large.
pub(super) fn said(number: u32, ending: Ending) -> Option<String> {
    if number == 0 || number > MOST {
        return None;
    }
    let at = |words: &[&'static str], index: u32| words.get(index as usize).copied();
    let (thousands, hundreds) = (number / 1000, number / 100 % 10);
    let (rest, ones) = (number % 100, number % 10);
    let mut words = Vec::new();
    let stem = if rest == 0 && hundreds == 0 {
        ["тысячн", "двухтысячн"].get(thousands as usize - 1).copied()?
    } else {
        words.extend(["", "тысяча", "две тысячи"].get(thousands as usize).copied());
        if rest == 0 {
            at(&HUNDRED_STEMS, hundreds)?
        } else {
            words.extend(at(&HUNDREDS, hundreds));
            match (rest, ones) {
                (1..20, _) => at(&UNIT_STEMS, rest)?,
                (_, 0) => at(&TEN_STEMS, rest / 10)?,
                _ => {
                    words.extend(at(&TENS, rest / 10));
                    at(&UNIT_STEMS, ones)?
                }
            }
        }
    };
    words.retain(|word| !word.is_empty());
    let last = format!("{stem}{}", suffix(stem, ending));
    words.push(&last);
    Some(words.join(" "))
}

fn suffix(stem: &str, ending: Ending) -> &'static str {
    let third = stem == "трет";
    match ending {
        Ending::Masculine if third => "ий",
        Ending::Masculine if matches!(stem, "втор" | "шест" | "седьм" | "восьм" | "сороков") => {
            "ой"
        }
        Ending::Masculine => "ый",
        Ending::Feminine if third => "ья",
        Ending::Feminine => "ая",
        Ending::Neuter if third => "ье",
        Ending::Neuter => "ое",
        Ending::Of if third => "ьего",
        Ending::Of => "ого",
        Ending::To if third => "ьему",
        Ending::To => "ому",
        Ending::With if third => "ьим",
        Ending::With => "ым",
        Ending::In if third => "ьем",
        Ending::In => "ом",
        Ending::FeminineObject if third => "ью",
        Ending::FeminineObject => "ую",
        Ending::FeminineOblique if third => "ьей",
        Ending::FeminineOblique => "ой",
        Ending::Plural if third => "ьи",
        Ending::Plural => "ые",
        Ending::PluralOf if third => "ьих",
        Ending::PluralOf => "ых",
        Ending::PluralWith if third => "ьими",
        Ending::PluralWith => "ыми",
    }
}

/// What is written behind a number and a hyphen.
fn ending(number: u32, written: &str) -> Option<Ending> {
    let ending = match written {
        "й" | "ый" | "ий" => Ending::Masculine,
        "я" | "ая" | "ья" => Ending::Feminine,
        // "90-е годы", "1-е место".
        "е" if number.is_multiple_of(10) => Ending::Plural,
        "е" | "ое" | "ье" => Ending::Neuter,
        "го" | "ого" | "его" => Ending::Of,
        "му" | "ому" | "ему" => Ending::To,
        "м" | "ом" | "ем" => Ending::In,
        "ым" | "им" => Ending::With,
        "ю" | "ую" | "ью" => Ending::FeminineObject,
        "ой" | "ей" => Ending::FeminineOblique,
        "ые" | "ьи" => Ending::Plural,
        "х" | "ых" | "их" => Ending::PluralOf,
        "ми" | "ыми" => Ending::PluralWith,
        _ => return None,
    };
    Some(ending)
}

/// двух, трёх, четырёх.
fn some_of(number: u32) -> Option<&'static str> {
    ["двух", "трёх", "четырёх"].get(number.checked_sub(2)? as usize).copied()
}

/// пяти, восьми, двадцати.
fn few(number: u32) -> Option<String> {
    let word = match number {
        8 => return Some("восьми".to_owned()),
        30 => TENS.get(3),
        20 => TENS.get(2),
        _ => UNITS.get(number as usize),
    };
    Some(format!("{}и", word?.strip_suffix('ь')?))
}
