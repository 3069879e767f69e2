//! Dates, and what goes from one time or day to another.

use super::{Spot, words::Words};

/// Says a date or a range of times or days; also gives the number of tokens.
pub(super) fn say(spot: Spot<'_>, words: &Words) -> Option<(String, usize)> {
    date(spot, words).or_else(|| times(spot, words)).or_else(|| days(spot, words))
}

/// `2026-11-20`, `20.11.2026` and, where it can be no other day, `11/20/2026`.
/// A voice reads these as a sum, or stroke by stroke.
fn date(spot: Spot<'_>, words: &Words) -> Option<(String, usize)> {
    let token = spot.token();
    let core = token.core;
    let sign = ['-', '.', '/'].into_iter().find(|sign| core.contains(*sign))?;
    let mut parts = core.splitn(3, sign);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = match sign {
        '-' => (first, second, third),
        '.' => (third, second, first),
        _ if number(first, 1)? <= 12 && number(second, 1)? > 12 => (third, first, second),
        _ => return None,
    };
    let (year, month, day) = (number(year, 4)?, number(month, 1)?, number(day, 1)?);
    let known = (1800..2200).contains(&year) && (1..=31).contains(&day);
    let month = words.months.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let said = (words.date)(year, month, day);
    // "20.11.2026 г." has said it already.
    let year_sign = spot.next().filter(|next| next.core == "г" && token.close.is_empty());
    let (close, used) = match year_sign {
        Some(_) => (spot.stop(1), 2),
        None => (token.close, 1),
    };
    known.then(|| (format!("{}{said}{close}", token.open), used))
}

/// A number of so many digits at least, four at most.
fn number(text: &str, least: usize) -> Option<u32> {
    let fits = (least..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// `10:30–11:00`.
fn times(spot: Spot<'_>, words: &Words) -> Option<(String, usize)> {
    let token = spot.token();
    let (from, till) = token.core.split_once(['–', '—', '-', '−'])?;
    let [before, between] = words.from_till;
    // "с 10:30–11:00" and "в 10:30–11:00" have their preposition.
    let has_one = spot.before.is_some_and(|word| word.chars().count() <= 2);
    let before = if has_one || before.is_empty() { String::new() } else { format!("{before} ") };
    (is_time(from) && is_time(till))
        .then(|| (token.around(&format!("{before}{from} {between} {till}")), 1))
}

fn is_time(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hour, minute)| {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        (1..=2).contains(&hour.len()) && minute.len() == 2 && digits(hour) && digits(minute)
    })
}

/// `Mon–Fri`.
fn days(spot: Spot<'_>, words: &Words) -> Option<(String, usize)> {
    let token = spot.token();
    let (from, till) = token.core.split_once(['–', '—'])?;
    let day = |short: &str| words.day(&short.to_lowercase());
    let (from, till) = (day(from)?, day(till)?);
    let said = match words.from_till {
        ["", to] => format!("{from} {to} {till}"),
        // Before a day it is said otherwise than before a time.
        [with, _] => format!("{with} {} по {till}", of_day(from)),
    };
    Some((token.around(&said), 1))
}

/// The genitive of a Russian day of the week.
fn of_day(day: &str) -> &str {
    match day {
        "понедельник" => "понедельника",
        "вторник" => "вторника",
        "среду" => "среды",
        "четверг" => "четверга",
        "пятницу" => "пятницы",
        "субботу" => "субботы",
        "воскресенье" => "воскресенья",
        _ => day,
    }
}
