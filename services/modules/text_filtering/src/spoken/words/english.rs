use super::{Currency, Forms, Place, Words};
use crate::spoken::{Spot, roman, telephone};

pub(super) const WORDS: Words = Words {
    link_to: "link to ",
    at: "at",
    dot: "dot",
    dash: "dash",
    underscore: "underscore",
    number: "number",
    version: "version",
    point: "point",
    minus: "minus",
    plus: "plus",
    about: "about",
    to: Some("to"),
    from_till: ["", "to"],
    ratio: "to",
    by: "by",
    times: "times",
    less: "less than",
    greater: "greater than",
    then: ", then",
    right_arrow: "right arrow",
    squared: "squared",
    cubed: "cubed",
    to_the_power: "to the power of",
    over: "over",
    root_of: "square root of",
    tasks: ["done: ", "not done: "],
    answers: ["yes", "no"],
    stars_of: "out of",
    stars: ["star", "stars", "stars"],
    and: "and",
    articles: &["a", "an", "A", "An"],
    currencies: &[
        ("$", money(["dollar", "dollars", "dollars"], ["cent", "cents", "cents"])),
        ("€", money(["euro", "euros", "euros"], ["cent", "cents", "cents"])),
        ("£", money(["pound", "pounds", "pounds"], ["penny", "pence", "pence"])),
        ("¥", Currency { whole: ["yen", "yen", "yen"], hundredth: None }),
        ("₽", money(["ruble", "rubles", "rubles"], ["kopeck", "kopecks", "kopecks"])),
        ("₴", Currency { whole: ["hryvnia", "hryvnias", "hryvnias"], hundredth: None }),
        ("₹", Currency { whole: ["rupee", "rupees", "rupees"], hundredth: None }),
    ],
    units: UNITS,
    per: &[
        ("month", "per month"),
        ("mo", "per month"),
        ("year", "per year"),
        ("yr", "per year"),
        ("week", "per week"),
        ("day", "per day"),
        ("night", "per night"),
        ("hour", "per hour"),
        ("hr", "per hour"),
        ("h", "per hour"),
        ("min", "per minute"),
        ("s", "per second"),
        ("sec", "per second"),
        ("person", "per person"),
        ("user", "per user"),
        ("kg", "per kilogram"),
        ("lb", "per pound"),
        ("m²", "per square meter"),
    ],
    scales: &[
        ("thousand", ["thousand"; 3]),
        ("million", ["million"; 3]),
        ("billion", ["billion"; 3]),
        ("trillion", ["trillion"; 3]),
    ],
    short_scales: &[
        ("k", "thousand"),
        ("K", "thousand"),
        ("m", "million"),
        ("M", "million"),
        ("bn", "billion"),
        ("B", "billion"),
        ("T", "trillion"),
    ],
    symbols: &[
        ("&", "and"),
        ("w/", "with"),
        ("w/o", "without"),
        ("and/or", "and or"),
        ("24/7", "24 7"),
        ("n/a", "not available"),
        ("N/A", "not available"),
        ("Cmd", "Command"),
        ("°C", "degrees Celsius"),
        ("°F", "degrees Fahrenheit"),
        ("m²", "square meters"),
        ("km²", "square kilometers"),
        ("m³", "cubic meters"),
        ("km/h", "kilometers per hour"),
        ("m/s", "meters per second"),
        ("CO₂", "C O 2"),
        ("CO2", "C O 2"),
        ("c/o", "care of"),
    ],
    signs: &[
        ('№', "number"),
        ('×', "times"),
        ('÷', "divided by"),
        ('±', "plus or minus"),
        ('≈', "about"),
        ('≤', "at most"),
        ('≥', "at least"),
        ('≠', "is not"),
        ('−', "minus"),
        ('√', "square root of"),
        ('∞', "infinity"),
        ('‰', "per mille"),
        ('½', "one half"),
        ('⅓', "one third"),
        ('⅔', "two thirds"),
        ('¼', "one quarter"),
        ('¾', "three quarters"),
        ('⅛', "one eighth"),
        ('←', "left arrow"),
        ('↑', "up arrow"),
        ('↓', "down arrow"),
        ('↔', "left right arrow"),
        ('⌘', "Command"),
        ('⌥', "Option"),
        ('⇧', "Shift"),
        ('⌃', "Control"),
        ('⇪', "Caps Lock"),
        ('⎋', "Escape"),
        ('⏎', "Return"),
        ('↩', "Return"),
        ('↵', "Return"),
        ('⇥', "Tab"),
        ('⌫', "Delete"),
        ('⌦', "Forward Delete"),
        ('␣', "Space"),
    ],
    abbreviations: &[
        ("dr.", "Doctor", Place::BeforeName),
        ("mr.", "Mister", Place::BeforeName),
        ("mrs.", "Missis", Place::BeforeName),
        ("ms.", "Miz", Place::BeforeName),
        ("prof.", "Professor", Place::BeforeName),
        ("st.", "Saint", Place::BeforeName),
        ("no.", "number", Place::BeforeNumber),
        ("nos.", "numbers", Place::BeforeNumber),
        ("p.", "page", Place::BeforeNumber),
        ("pp.", "pages", Place::BeforeNumber),
        ("vol.", "volume", Place::BeforeNumber),
        ("ch.", "chapter", Place::BeforeNumber),
        ("fig.", "figure", Place::BeforeNumber),
        ("sec.", "section", Place::BeforeNumber),
        ("ca.", "about", Place::BeforeNumber),
        ("c.", "about", Place::BeforeNumber),
        ("jan.", "January", Place::BeforeNumber),
        ("feb.", "February", Place::BeforeNumber),
        ("mar.", "March", Place::BeforeNumber),
        ("apr.", "April", Place::BeforeNumber),
        ("jun.", "June", Place::BeforeNumber),
        ("jul.", "July", Place::BeforeNumber),
        ("aug.", "August", Place::BeforeNumber),
        ("sept.", "September", Place::BeforeNumber),
        ("sep.", "September", Place::BeforeNumber),
        ("oct.", "October", Place::BeforeNumber),
        ("nov.", "November", Place::BeforeNumber),
        ("dec.", "December", Place::BeforeNumber),
        ("e.g.", "for example", Place::Inside),
        ("i.e.", "that is", Place::Inside),
        ("a.k.a.", "also known as", Place::Inside),
        ("vs.", "versus", Place::Inside),
        ("vs", "versus", Place::Inside),
        ("cf.", "compare", Place::Inside),
        ("viz.", "namely", Place::Inside),
        ("incl.", "including", Place::Inside),
        ("approx.", "approximately", Place::Inside),
        ("etc.", "et cetera", Place::Last),
    ],
    days: &[
        ("mon", "Monday"),
        ("tue", "Tuesday"),
        ("wed", "Wednesday"),
        ("thu", "Thursday"),
        ("fri", "Friday"),
        ("sat", "Saturday"),
        ("sun", "Sunday"),
    ],
    months: [
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
    ],
    date: |year, month, day| format!("{month} {day}, {year}"),
    plural: |number| usize::from(number != "1"),
    groups_by: |c| matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}'),
    inflect: |_, _| None,
    drops_dots: false,
    idiom,
};

const UNITS: &[(&[&str], Forms)] = &[
    (&["mm"], ["millimeter", "millimeters", "millimeters"]),
    (&["cm"], ["centimeter", "centimeters", "centimeters"]),
    (&["m"], ["meter", "meters", "meters"]),
    (&["km"], ["kilometer", "kilometers", "kilometers"]),
    (&["m²", "m2"], ["square meter", "square meters", "square meters"]),
    (&["cm²"], ["square centimeter", "square centimeters", "square centimeters"]),
    (&["km²"], ["square kilometer", "square kilometers", "square kilometers"]),
    (&["m³"], ["cubic meter", "cubic meters", "cubic meters"]),
    (&["ft"], ["foot", "feet", "feet"]),
    (&["″"], ["inch", "inches", "inches"]),
    (&["mi"], ["mile", "miles", "miles"]),
    (&["km/h", "kph"], ["kilometer per hour", "kilometers per hour", "kilometers per hour"]),
    (&["mph"], ["mile per hour", "miles per hour", "miles per hour"]),
    (&["m/s"], ["meter per second", "meters per second", "meters per second"]),
    (
        &["m/s²"],
        ["meter per second squared", "meters per second squared", "meters per second squared"],
    ),
    (&["mg"], ["milligram", "milligrams", "milligrams"]),
    (&["g"], ["gram", "grams", "grams"]),
    (&["kg"], ["kilogram", "kilograms", "kilograms"]),
    (&["lb", "lbs"], ["pound", "pounds", "pounds"]),
    (&["oz"], ["ounce", "ounces", "ounces"]),
    (&["ml", "mL"], ["milliliter", "milliliters", "milliliters"]),
    (&["l", "L"], ["liter", "liters", "liters"]),
    (&["tbsp"], ["tablespoon", "tablespoons", "tablespoons"]),
    (&["tsp"], ["teaspoon", "teaspoons", "teaspoons"]),
    (&["ms"], ["millisecond", "milliseconds", "milliseconds"]),
    (&["sec", "secs", "s"], ["second", "seconds", "seconds"]),
    (&["min", "mins"], ["minute", "minutes", "minutes"]),
    (&["hr", "hrs", "h"], ["hour", "hours", "hours"]),
    (&["KB", "kB"], ["kilobyte", "kilobytes", "kilobytes"]),
    (&["MB"], ["megabyte", "megabytes", "megabytes"]),
    (&["GB"], ["gigabyte", "gigabytes", "gigabytes"]),
    (&["TB"], ["terabyte", "terabytes", "terabytes"]),
    (&["Kbps", "kbps"], ["kilobit per second", "kilobits per second", "kilobits per second"]),
    (&["Mbps"], ["megabit per second", "megabits per second", "megabits per second"]),
    (&["Gbps"], ["gigabit per second", "gigabits per second", "gigabits per second"]),
    (&["MB/s"], ["megabyte per second", "megabytes per second", "megabytes per second"]),
    (&["Hz"], ["hertz", "hertz", "hertz"]),
    (&["kHz"], ["kilohertz", "kilohertz", "kilohertz"]),
    (&["MHz"], ["megahertz", "megahertz", "megahertz"]),
    (&["GHz"], ["gigahertz", "gigahertz", "gigahertz"]),
    (&["W"], ["watt", "watts", "watts"]),
    (&["kW"], ["kilowatt", "kilowatts", "kilowatts"]),
    (&["kWh"], ["kilowatt hour", "kilowatt hours", "kilowatt hours"]),
    (&["mAh"], ["milliampere hour", "milliampere hours", "milliampere hours"]),
    (&["px"], ["pixel", "pixels", "pixels"]),
    (&["fps"], ["frame per second", "frames per second", "frames per second"]),
    (&["kcal"], ["kilocalorie", "kilocalories", "kilocalories"]),
    (&["°"], ["degree", "degrees", "degrees"]),
    // The second one is Cyrillic.
    (&["°C", "°С", "℃"], ["degree Celsius", "degrees Celsius", "degrees Celsius"]),
    (&["°F", "℉"], ["degree Fahrenheit", "degrees Fahrenheit", "degrees Fahrenheit"]),
];

const fn money(whole: Forms, hundredth: Forms) -> Currency {
    Currency { whole, hundredth: Some(hundredth) }
}

fn idiom(spot: Spot<'_>) -> Option<(String, usize)> {
    telephone::say(spot)
        .or_else(|| roman::english(spot))
        .or_else(|| full_hour(spot))
        .or_else(|| fraction(spot))
        .or_else(|| height(spot))
}

/// "10:00", which some voices read as ten, zero, zero.
fn full_hour(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let hour = token.core.strip_suffix(":00")?;
    let is_hour = hour.parse().is_ok_and(|hour: u8| (1..=12).contains(&hour)) && hour.len() <= 2;
    let half_named = spot.next().is_some_and(|next| {
        let half = next.core.to_ascii_lowercase();
        matches!(half.as_str(), "am" | "pm" | "a.m" | "p.m")
    });
    let clock = if half_named && token.close.is_empty() { "" } else { " o'clock" };
    is_hour.then(|| (token.around(&format!("{hour}{clock}")), 1))
}

/// "1/2 cup" and "½ tsp", but not 1/2 alone, which may be a date or a page.
fn fraction(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let said = match token.core {
        "1/2" | "½" => "1 half",
        "1/3" | "⅓" => "1 third",
        "2/3" | "⅔" => "2 thirds",
        "1/4" | "¼" => "1 quarter",
        "3/4" | "¾" => "3 quarters",
        _ => return None,
    };
    let next = spot.next().filter(|next| token.close.is_empty() && next.open.is_empty())?;
    let is_other = spot.before.is_some_and(|word| matches!(word, "on" | "On" | "page" | "Page"));
    if is_other || !next.core.starts_with(char::is_lowercase) {
        return None;
    }
    let behind_whole = spot.before.is_some_and(|whole| whole.bytes().all(|b| b.is_ascii_digit()));
    let and = if behind_whole { "and " } else { "" };
    let said = format!("{}{and}{said}", token.open);
    match WORDS.unit(next.core) {
        Some(forms) => Some((format!("{said} {}{}", forms[0], spot.stop(1)), 2)),
        None => Some((said, 1)),
    }
}

/// 5'10", of a person.
fn height(spot: Spot<'_>) -> Option<(String, usize)> {
    let text = spot.tokens.first()?;
    let (feet, rest) = text.split_once(['\'', '′', '’'])?;
    let (inches, close) = rest.split_once(['"', '″', '”'])?;
    let digits =
        |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (digits(feet) && digits(inches)).then(|| {
        let unit = if feet == "1" { "foot" } else { "feet" };
        (format!("{feet} {unit} {inches} inches{close}"), 1)
    })
}
