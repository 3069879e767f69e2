//! What signs and abbreviations are called, by language.

mod english;
mod russian;

use nexy_types::Language;

use super::Spot;

/// What signs and abbreviations are called in one language.
pub(crate) struct Words {
    /// With its blank.
    pub(crate) link_to: &'static str,
    /// The `@` of an address.
    pub(crate) at: &'static str,
    /// The stop of an address.
    pub(crate) dot: &'static str,
    /// The `-` of an address, and of an option: `--help`.
    pub(crate) dash: &'static str,
    pub(crate) underscore: &'static str,
    pub(crate) number: &'static str,
    pub(crate) version: &'static str,
    /// The stop between the parts of a version.
    pub(crate) point: &'static str,
    pub(crate) minus: &'static str,
    pub(crate) plus: &'static str,
    pub(crate) about: &'static str,
    /// Between the ends of a range of numbers; `None` where they are said side by
    /// side.
    pub(crate) to: Option<&'static str>,
    /// Around the ends of a range of times.
    pub(crate) from_till: [&'static str; 2],
    /// Between the sides of a ratio, and of a screen.
    pub(crate) ratio: &'static str,
    pub(crate) by: &'static str,
    pub(crate) times: &'static str,
    pub(crate) less: &'static str,
    pub(crate) greater: &'static str,
    /// The arrow of a menu path, with the pause before it.
    pub(crate) then: &'static str,
    pub(crate) right_arrow: &'static str,
    pub(crate) squared: &'static str,
    pub(crate) cubed: &'static str,
    pub(crate) to_the_power: &'static str,
    /// The bar of a fraction in LaTeX.
    pub(crate) over: &'static str,
    pub(crate) root_of: &'static str,
    /// Of a task list: done, and not done.
    pub(crate) tasks: [&'static str; 2],
    /// Of a table: ✅ and ❌.
    pub(crate) answers: [&'static str; 2],
    /// Between a number of stars and the most that there are.
    pub(crate) stars_of: &'static str,
    pub(crate) stars: Forms,
    /// Said before "half" behind a whole number.
    pub(crate) and: &'static str,
    /// Before a noun with a number, these take its first form: "a 5 km run".
    pub(crate) articles: &'static [&'static str],
    currencies: &'static [(&'static str, Currency)],
    units: &'static [(&'static [&'static str], Forms)],
    /// What a price or a speed is for, behind a stroke.
    per: &'static [(&'static str, &'static str)],
    /// What may stand between a number and its currency, without a stop.
    scales: &'static [(&'static str, Forms)],
    /// The same, as a letter at a price: `$5k`.
    short_scales: &'static [(&'static str, &'static str)],
    /// Alone between blanks.
    symbols: &'static [(&'static str, &'static str)],
    /// Also within a word.
    signs: &'static [(char, &'static str)],
    /// Lower case; what is said; where it is said so. With a blank between two
    /// stops or without it.
    pub(crate) abbreviations: &'static [(&'static str, &'static str, Place)],
    days: &'static [(&'static str, &'static str)],
    /// From January, as a date has them.
    pub(crate) months: [&'static str; 12],
    /// Writes a day of this year, month and number.
    pub(crate) date: fn(u32, &str, u32) -> String,
    plural: fn(&str) -> usize,
    /// Whether this blank may stand between the groups of a number.
    pub(crate) groups_by: fn(char) -> bool,
    /// Puts a noun into another case where the word before its number asks for
    /// one.
    pub(crate) inflect: fn(&str, &str) -> Option<String>,
    /// Whether a voice leaves out the stop of `report.pdf`.
    pub(crate) drops_dots: bool,
    /// What only this language has: the text and the number of tokens it is for.
    pub(crate) idiom: fn(Spot<'_>) -> Option<(String, usize)>,
}

/// A noun after 1, after 2 and after 5.
pub(crate) type Forms = [&'static str; 3];

/// What a currency and its hundredth are called.
#[derive(Clone, Copy)]
pub(crate) struct Currency {
    pub(crate) whole: Forms,
    pub(crate) hundredth: Option<Forms>,
}

/// Where an abbreviation is what it seems.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    BeforeName,
    BeforeNumber,
    Inside,
    /// Often the last word of a sentence.
    Last,
}

// === impl Words ===

impl Words {
    /// The words of a language, if it has any here.
    pub(crate) fn of(language: &Language) -> Option<&'static Self> {
        match language.primary().to_ascii_lowercase().as_str() {
            "en" => Some(&english::WORDS),
            "ru" => Some(&russian::WORDS),
            _ => None,
        }
    }

    /// What a sign that stands alone is called.
    pub(crate) fn symbol(&self, symbol: &str) -> Option<&'static str> {
        find(self.symbols, symbol)
    }

    /// What a sign is called, wherever it stands.
    pub(crate) fn sign(&self, sign: char) -> Option<&'static str> {
        self.signs.iter().find(|(written, _)| *written == sign).map(|(_, said)| *said)
    }

    /// The currency that a sign stands for.
    pub(crate) fn currency(&self, sign: &str) -> Option<Currency> {
        self.currencies.iter().find(|(written, _)| *written == sign).map(|(_, said)| *said)
    }

    pub(crate) fn unit(&self, unit: &str) -> Option<Forms> {
        self.units.iter().find(|(written, _)| written.contains(&unit)).map(|(_, forms)| *forms)
    }

    /// A unit as the table has it.
    pub(crate) fn unit_as_listed(&self, unit: &str) -> Option<&'static str> {
        self.units.iter().flat_map(|(written, _)| *written).find(|row| **row == unit).copied()
    }

    pub(crate) fn per(&self, noun: &str) -> Option<&'static str> {
        find(self.per, noun)
    }

    pub(crate) fn scale(&self, word: &str) -> Option<Forms> {
        self.scales
            .iter()
            .find(|(written, _)| *written == word.to_lowercase())
            .map(|(_, forms)| *forms)
    }

    pub(crate) fn short_scale(&self, letter: &str) -> Option<&'static str> {
        find(self.short_scales, letter)
    }

    /// A day of the week by its short name, lower case.
    pub(crate) fn day(&self, short: &str) -> Option<&'static str> {
        find(self.days, short)
    }

    /// The form of a noun after a number as written, e.g. `5,5`.
    pub(crate) fn plural(&self, number: &str, forms: Forms) -> &'static str {
        forms[(self.plural)(number).min(2)]
    }
}

fn find(rows: &[(&'static str, &'static str)], key: &str) -> Option<&'static str> {
    rows.iter().find(|(written, _)| *written == key).map(|(_, said)| *said)
}
