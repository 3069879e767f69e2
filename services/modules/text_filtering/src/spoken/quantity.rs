use super::{
    Spot, Token,
    words::{Currency, Forms, Words},
};

/// The first words of units that are written in two or three.
const LONG_UNITS: &[&str] = &["кв.", "куб.", "мм", "ст.", "ч."];

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

/// What is counted, and how it is said.
enum Unit {
    Percent,
    Noun(Forms),
    Money(Currency),
}

/// Says a quantity that is more than a plain number: `−5°C`, `$5 million`,
/// `20 €`, `~10`, `5 km`. Also gives the number of tokens that make it. `None`
/// when the tokens begin with anything else, or with a quantity in another form.
pub(super) fn say(spot: Spot<'_>, words: &Words) -> Option<(String, usize)> {
    let tokens = spot.tokens;
    let first = spot.token();
    let Some(number) = Number::parse(first.core, words) else {
        return prices(&first, words).map(|said| (said, 1));
    };
    let (scale, mut used) = match number.scale(&first, tokens, words) {
        Some((scale, tokens)) => (Some(scale), tokens),
        None => (None, 1),
    };
    let mut close = tokens.get(used - 1).map_or("", |last| Token::of(last).close);
    let mut written = number.unit();
    if written.is_empty()
        && close.trim_start_matches('.').is_empty()
        && (used > 1 || close.is_empty())
    {
        (written, close, used) = number.unit_behind(spot, used, words).unwrap_or(("", close, used));
    }
    let (written, per) = parted(written, words);
    let per = number.per(words).or(per);
    let unit = match written {
        // "+7 900" is a telephone number: a plus is said only before a unit.
        "" if scale.is_none() && (number.signs.is_empty() || first.core.starts_with('+')) => {
            return None;
        }
        "" => None,
        "%" if number.signs.is_empty() && !number.is_range() => return None,
        // "30m" alone may be minutes, metres or millions.
        "m" if number.suffix == "m" && !hours_before(spot) => return None,
        "m" if hours_before(spot) => words.unit("min").map(Unit::Noun),
        written => Some(unit(written, words)?),
    };
    let said = number.said(unit.as_ref(), scale, spot, words);
    let per = per.map(|per| format!(" {per}")).unwrap_or_default();
    // The stop was the abbreviation's.
    let stop = if used > 1 && written != "%" { spot.stop_behind(close, used) } else { close };
    Some((format!("{}{said}{per}{stop}", first.open), used))
}

/// `$5–$10`.
fn prices(token: &Token<'_>, words: &Words) -> Option<String> {
    let (from, till) = token.core.split_once(['–', '—', '-'])?;
    let (from, till) = (Number::parse(from, words)?, Number::parse(till, words)?);
    let money = words.currency(from.prefix).filter(|_| from.prefix == till.prefix)?;
    let said = |number: &Number<'_>| match number.short_scale(words) {
        Some(scale) => format!("{} {scale}", number.digits),
        None => number.digits.to_owned(),
    };
    let plain =
        [&from, &till].iter().all(|number| number.per(words).is_none() && !number.is_range());
    let to = words.to.map_or_else(|| "–".to_owned(), |to| format!(" {to} "));
    let noun = words.plural(till.digits, money.whole);
    plain.then(|| token.around(&format!("{}{to}{} {noun}", said(&from), said(&till))))
}

/// Whether "30m" follows "2h".
fn hours_before(spot: Spot<'_>) -> bool {
    spot.before.is_some_and(|word| {
        word.strip_suffix('h').is_some_and(|hours| hours.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn unit(written: &str, words: &Words) -> Option<Unit> {
    if written == "%" {
        return Some(Unit::Percent);
    }
    let money = words.currency(written).map(Unit::Money);
    money.or_else(|| words.unit(written).map(Unit::Noun))
}

/// `€/month`: the unit and what it is for.
fn parted<'a>(written: &'a str, words: &Words) -> (&'a str, Option<&'static str>) {
    if unit(written, words).is_some() {
        return (written, None);
    }
    match written.split_once('/') {
        Some((of, per)) => match words.per(per.trim_end_matches('.')) {
            Some(per) => (of.trim_end_matches('.'), Some(per)),
            None => (written, None),
        },
        None => (written, None),
    }
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
                '<' => words.less,
                '>' => words.greater,
                '±' | '≤' | '≥' => words.sign(sign)?,
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
        let number = Self { signs, prefix, digits, suffix };
        // "the 1990s" are no seconds.
        let fits = if prefix.is_empty() {
            suffix != "s"
        } else {
            suffix.is_empty() || number.short_scale(words).is_some() || number.per(words).is_some()
        };
        fits.then_some(number)
    }

    /// The unit that is written with the number.
    fn unit(&self) -> &'a str {
        if self.prefix.is_empty() { self.suffix } else { self.prefix }
    }

    /// The `k` of `$5k`.
    fn short_scale(&self, words: &Words) -> Option<&'static str> {
        let letter = self.suffix.split('/').next().unwrap_or_default();
        if self.prefix.is_empty() { None } else { words.short_scale(letter) }
    }

    /// The `/month` of `$5/month`.
    fn per(&self, words: &Words) -> Option<&'static str> {
        if self.prefix.is_empty() { None } else { words.per(self.suffix.split_once('/')?.1) }
    }

    /// The "million" of "$5 million" and of "5 million €", and the number of
    /// tokens so far.
    fn scale(
        &self,
        first: &Token<'_>,
        tokens: &[&'a str],
        words: &Words,
    ) -> Option<(&'static str, usize)> {
        if let Some(scale) = self.short_scale(words) {
            return Some((scale, 1));
        }
        let scale = tokens.get(1).map(|scale| Token::of(scale))?;
        let forms = words.scale(scale.core)?;
        if !self.suffix.is_empty() || !first.close.is_empty() || !scale.open.is_empty() {
            return None;
        }
        let unit = tokens.get(2).map(|unit| Token::of(unit));
        let follows = matches!(scale.close, "" | ".")
            && unit.is_some_and(|unit| {
                unit.open.is_empty() && self::unit(parted(unit.core, words).0, words).is_some()
            });
        (!self.prefix.is_empty() || follows).then(|| (words.plural(self.last(), forms), 2))
    }

    /// The unit in the tokens behind the number, what closes it, and the number
    /// of tokens so far.
    fn unit_behind(
        &self,
        spot: Spot<'a>,
        used: usize,
        words: &Words,
    ) -> Option<(&'a str, &'a str, usize)> {
        let next = Token::of(spot.tokens.get(used)?);
        if !next.open.is_empty() {
            return None;
        }
        if spot.tokens.get(used).is_some_and(|word| LONG_UNITS.contains(word)) {
            for more in [2, 1] {
                let Some(parts) = spot.tokens.get(used..=used + more) else { continue };
                let close = parts.last().map_or("", |last| Token::of(last).close);
                let written = parts.join(" ");
                let written = written.strip_suffix(close).unwrap_or(&written);
                if let Some(written) = words.unit_as_listed(written) {
                    return Some((written, close, used + more + 1));
                }
            }
        }
        let core = parted(next.core, words).0;
        unit(core, words).map(|_| (next.core, next.close, used + 1))
    }

    fn said(
        &self,
        unit: Option<&Unit>,
        scale: Option<&str>,
        spot: Spot<'_>,
        words: &Words,
    ) -> String {
        let before = spot.before.unwrap_or_default();
        let signs = &self.signs;
        let digits = self.digits_said(words);
        let noun = |forms: Forms| {
            if words.articles.contains(&before) {
                return forms[0].to_owned();
            }
            let form = words.plural(self.last(), forms);
            (words.inflect)(before, form).unwrap_or_else(|| form.to_owned())
        };
        match (unit, scale) {
            (None, None) => format!("{signs}{digits}"),
            (None, Some(scale)) => format!("{signs}{digits} {scale}"),
            (Some(Unit::Percent), _) => format!("{signs}{digits}%"),
            (Some(Unit::Noun(forms)), Some(scale)) => {
                format!("{signs}{digits} {scale} {}", forms[2])
            }
            (Some(Unit::Noun(forms)), None) => format!("{signs}{digits} {}", noun(*forms)),
            (Some(Unit::Money(money)), Some(scale)) => {
                format!("{signs}{digits} {scale} {}", money.whole[2])
            }
            (Some(Unit::Money(money)), None) => match self.hundredths(money, words) {
                Some(said) => format!("{signs}{said}"),
                None => format!("{signs}{digits} {}", noun(money.whole)),
            },
        }
    }

    /// "1,234 dollars 56 cents".
    fn hundredths(&self, money: &Currency, words: &Words) -> Option<String> {
        let forms = money.hundredth?;
        let (whole, part) = self.digits.rsplit_once(['.', ','])?;
        if part.len() != 2 || self.is_range() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let small = part.trim_start_matches('0');
        let whole_said = format!("{whole} {}", words.plural(whole, money.whole));
        let part_said = format!("{small} {}", words.plural(small, forms));
        match (whole, small) {
            (_, "") => Some(whole_said),
            ("0", _) => Some(part_said),
            _ => Some(format!("{whole_said} {part_said}")),
        }
    }

    fn is_range(&self) -> bool {
        self.digits.contains(['-', '–', '—'])
    }

    fn digits_said(&self, words: &Words) -> String {
        match (words.to, self.digits.split_once(['-', '–', '—'])) {
            (Some(to), Some((from, till))) => format!("{from} {to} {till}"),
            _ => self.digits.to_owned(),
        }
    }

    /// The number that a noun behind it goes with: the second of a range.
    fn last(&self) -> &'a str {
        self.digits.rsplit(['-', '–', '—']).next().unwrap_or(self.digits)
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
        dashes += usize::from(matches!(c, '-' | '–' | '—'));
        let inside = matches!(c, '.' | ',' | '-' | '–' | '—') && before_digit && dashes <= 1;
        if !c.is_ascii_digit() && !inside {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// Joins the groups of a number that are parted by blanks: `1 234,56`. Only a
/// no-break blank does so everywhere; a plain one where `by_blank` says it may,
/// and not in a telephone number.
pub(super) fn joined(text: &str, by_blank: fn(char) -> bool) -> std::borrow::Cow<'_, str> {
    let mut kept = String::new();
    let mut done = 0;
    let mut from = 0;
    while let Some(start) = text[from..].find(|c: char| c.is_ascii_digit()).map(|at| from + at) {
        let groups = groups(&text[start..], by_blank);
        let (Some(first), Some(end)) = (groups.first(), groups.last().map(|(_, end)| start + end))
        else {
            break;
        };
        let behind = text[end..].chars().next();
        let before = text[..start].chars().next_back();
        let whole = !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '+' | '.' | ',' | '-' | ')' | '('))
            && !text[..start].ends_with(") ")
            && first.1 - first.0 <= 3
            && groups.iter().skip(1).all(|(from, to)| to - from == 3)
            && !(behind == Some('-') && text[end + 1..].starts_with(|c: char| c.is_ascii_digit()));
        if whole && groups.len() > 1 {
            kept.push_str(&text[done..start]);
            kept.extend(groups.iter().map(|(from, to)| &text[start + from..start + to]));
            done = end;
        }
        from = end;
    }
    if done == 0 {
        return text.into();
    }
    kept.push_str(&text[done..]);
    kept.into()
}

/// Parts a range that is written with dots, "-3…-5 °C", so that both ends are
/// numbers of their own.
pub(super) fn parted_range<'a>(text: &'a str, words: &Words) -> std::borrow::Cow<'a, str> {
    let mut kept = String::new();
    let mut done = 0;
    for (at, dots) in text.match_indices(['…']).chain(text.match_indices("...")) {
        let end = at + dots.len();
        let after = text[end..].trim_start_matches(['+', '-', '−']);
        let digit = |c: char| c.is_ascii_digit();
        if at >= done && text[..at].ends_with(digit) && after.starts_with(digit) {
            kept.push_str(&text[done..at]);
            kept.push_str(&words.to.map_or_else(|| "… ".to_owned(), |to| format!(" {to} ")));
            done = end;
        }
    }
    if done == 0 {
        return text.into();
    }
    kept.push_str(&text[done..]);
    kept.into()
}

/// Where the groups of digits at the start of a text begin and end.
fn groups(text: &str, by_blank: fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut start = 0;
    loop {
        let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        let end = start + digits;
        groups.push((start, end));
        let mut behind = text[end..].chars();
        match behind.next() {
            Some(c) if by_blank(c) && behind.next().is_some_and(|c| c.is_ascii_digit()) => {
                start = end + c.len_utf8();
            }
            _ => return groups,
        }
    }
}
