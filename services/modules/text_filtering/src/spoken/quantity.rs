use super::{Token, words::Words};

/// A number with the signs around it, as one token holds them.
struct Number<'a> {
    /// `minus`, `about` …, as they are said and each with its blank.
    signs: String,
    /// The currency sign before it.
    prefix: &'a str,
    /// `5`, `1,000.50`, `5–10`.
    digits: &'a str,
    /// What stands behind it.
    suffix: &'a str,
}

/// Says a quantity that is more than a plain number: `−5°C`, `$5 million`,
/// `20 €`, `~10`. Also gives the number of tokens that make it. `None` when the
/// tokens begin with anything else, or with a quantity in another form.
pub(super) fn say(tokens: &[&str], words: &Words) -> Option<(String, usize)> {
    let first = Token::of(tokens.first()?);
    let number = Number::parse(first.core, words)?;
    let scale = number.scale(&first, tokens, words);
    let mut used = if scale.is_some() { 2 } else { 1 };
    let mut close = tokens.get(used - 1).map_or("", |last| Token::of(last).close);
    let mut unit = if number.prefix.is_empty() { number.suffix } else { number.prefix };
    if unit.is_empty()
        && close.is_empty()
        && let Some(next) = tokens.get(used).map(|next| Token::of(next))
        && next.open.is_empty()
        && number.unit(next.core, scale, words).is_some()
    {
        used += 1;
        unit = next.core;
        close = next.close;
        let goes_on = tokens.get(used).is_some_and(|word| word.starts_with(char::is_lowercase));
        if goes_on && unit == "руб" {
            // The stop was the abbreviation's.
            close = close.strip_prefix('.').unwrap_or(close);
        }
    }
    let unit = match unit {
        // "+7 900" is a telephone number: a plus is said only before a unit.
        "" if number.signs.is_empty() || first.core.starts_with('+') => return None,
        "%" if number.signs.is_empty() => return None,
        "" => String::new(),
        "%" => "%".to_owned(),
        unit => format!(" {}", number.unit(unit, scale, words)?),
    };
    let scale = scale.map(|scale| format!(" {scale}")).unwrap_or_default();
    let Number { signs, digits, .. } = number;
    Some((format!("{}{signs}{digits}{scale}{unit}{close}", first.open), used))
}

// === impl Number ===

impl<'a> Number<'a> {
    fn parse(core: &'a str, words: &Words) -> Option<Self> {
        let mut signs = String::new();
        let mut rest = core;
        while let Some(sign) = rest.chars().next() {
            let said = match sign {
                '-' | '−' | '–' => words.minus,
                '+' => words.plus,
                '~' | '≈' => words.about,
                _ => break,
            };
            signs.push_str(said);
            signs.push(' ');
            rest = &rest[sign.len_utf8()..];
        }
        let start = rest.find(|c: char| c.is_ascii_digit())?;
        let (prefix, rest) = rest.split_at(start);
        if !prefix.is_empty() && words.currency(prefix).is_none() {
            return None;
        }
        let (digits, suffix) = rest.split_at(number_len(rest));
        let both = !prefix.is_empty() && !suffix.is_empty();
        (!both).then_some(Self { signs, prefix, digits, suffix })
    }

    /// The "million" of "$5 million" and of "5 million €".
    fn scale(&self, first: &Token<'_>, tokens: &[&'a str], words: &Words) -> Option<&'a str> {
        let scale = tokens.get(1).map(|scale| Token::of(scale))?;
        if !self.suffix.is_empty() || !first.close.is_empty() || !words.is_scale(scale.core) {
            return None;
        }
        let unit = tokens.get(2).map(|unit| Token::of(unit));
        let follows = scale.close.is_empty()
            && unit.is_some_and(|unit| unit.open.is_empty() && words.currency(unit.core).is_some());
        (!self.prefix.is_empty() || follows).then_some(scale.core)
    }

    /// What a unit is called after this number; `None` for what is no unit.
    fn unit(&self, unit: &str, scale: Option<&str>, words: &Words) -> Option<String> {
        if let Some(forms) = words.currency(unit) {
            let many = scale.map(|_| forms[2]);
            return Some(many.unwrap_or_else(|| words.plural(self.last(), forms)).to_owned());
        }
        let degrees = words.plural(self.last(), words.degrees);
        match unit {
            "°" => Some(degrees.to_owned()),
            // The second one is Cyrillic.
            "°C" | "°С" | "℃" => Some(format!("{degrees} {}", words.celsius)),
            "°F" | "℉" => Some(format!("{degrees} {}", words.fahrenheit)),
            _ => None,
        }
    }

    /// The number that a noun behind it goes with: the second of a range.
    fn last(&self) -> &'a str {
        self.digits.rsplit(['-', '–', '−']).next().unwrap_or(self.digits)
    }
}

/// How long the number at the start of a text is: digits with single stops and
/// commas between them, or two such with a dash between.
fn number_len(text: &str) -> usize {
    let mut end = 0;
    let mut dashes = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let before_digit = chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        dashes += usize::from(matches!(c, '-' | '–' | '−'));
        let inside = matches!(c, '.' | ',' | '-' | '–' | '−') && before_digit && dashes <= 1;
        if !c.is_ascii_digit() && !inside {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}
