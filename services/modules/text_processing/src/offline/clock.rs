//! Time and date as they are said.

use jiff::{ToSpan, Zoned, civil::Weekday};

use super::{Tongue, topic::Day};

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// In the genitive, as dates need them.
const RUSSIAN_MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// A Russian noun after 1, after 2 to 4, and after 5.
type Forms = [&'static str; 3];
const HOURS: Forms = ["час", "часа", "часов"];
const MINUTES: Forms = ["минута", "минуты", "минут"];

/// The time of day in its own zone. UTC is named: it is what is left when
/// nobody knows where the listener is.
pub(super) fn time(now: &Zoned, tongue: Tongue) -> String {
    let (hour, minute) = (now.hour(), now.minute());
    let zone = if now.time_zone().iana_name().is_none_or(|name| !name.contains("UTC")) {
        ""
    } else {
        " UTC"
    };
    match tongue {
        Tongue::English => {
            let half = if hour < 12 { "AM" } else { "PM" };
            let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
            let minutes = if minute == 0 { String::new() } else { format!(":{minute:02}") };
            format!("It is {hour}{minutes} {half}{zone}.")
        }
        Tongue::Russian if minute == 0 => {
            format!("Сейчас ровно {hour} {}{zone}.", form(hour, HOURS))
        }
        Tongue::Russian => {
            let (hours, minutes) = (form(hour, HOURS), form(minute, MINUTES));
            format!("Сейчас {hour} {hours} {minute} {minutes}{zone}.")
        }
    }
}

/// Weekday and date of a day near today.
pub(super) fn date(now: &Zoned, day: Day, tongue: Tongue) -> String {
    let shift = match day {
        Day::Yesterday => -1,
        Day::Today => 0,
        Day::Tomorrow => 1,
    };
    let date = now.date().saturating_add(shift.days());
    let (english, russian, was) = weekday_names(date.weekday());
    let (number, year) = (date.day(), date.year());
    let month = usize::from(date.month().unsigned_abs()) - 1;
    match tongue {
        Tongue::English => {
            let begin = match day {
                Day::Yesterday => "Yesterday was",
                Day::Today => "Today is",
                Day::Tomorrow => "Tomorrow is",
            };
            format!("{begin} {english}, {} {number}, {year}.", ENGLISH_MONTHS[month])
        }
        Tongue::Russian => {
            let begin = match day {
                Day::Yesterday => format!("Вчера {was}"),
                Day::Today => "Сегодня".to_owned(),
                Day::Tomorrow => "Завтра".to_owned(),
            };
            format!("{begin} {russian}, {number} {} {year} года.", RUSSIAN_MONTHS[month])
        }
    }
}

fn form(number: i8, [one, few, many]: Forms) -> &'static str {
    match (number % 10, number % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

/// The weekday's English name, its Russian name, and the form of "was" that
/// agrees with the latter.
fn weekday_names(day: Weekday) -> (&'static str, &'static str, &'static str) {
    match day {
        Weekday::Monday => ("Monday", "понедельник", "был"),
        Weekday::Tuesday => ("Tuesday", "вторник", "был"),
        Weekday::Wednesday => ("Wednesday", "среда", "была"),
        Weekday::Thursday => ("Thursday", "четверг", "был"),
        Weekday::Friday => ("Friday", "пятница", "была"),
        Weekday::Saturday => ("Saturday", "суббота", "была"),
        Weekday::Sunday => ("Sunday", "воскресенье", "было"),
    }
}
