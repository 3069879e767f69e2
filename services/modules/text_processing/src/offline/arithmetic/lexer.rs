use super::{super::Tongue, super::words::normalise, Rational, Stop};

/// The most digits in one number.
const MAX_DIGITS: usize = 18;

/// One sign, word or number of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Number(Rational),
    Plus,
    Minus,
    Times,
    Over,
    Percent,
    Of,
    Open,
    Close,
}

use Symbol::{Close, Minus, Of, Open, Over, Percent, Plus, Times};

/// What people say before a sum, and mean nothing by. Longer ones first.
const INTRODUCTIONS: &str = "\
     what is | what's | whats | how much is | calculate | compute | work out | solve | \
     сколько будет | сколько это будет | чему равно | чему равен | чему равна | сколько | \
     посчитай | посчитайте | вычисли | реши";

const SIGNS: &[(char, Symbol)] = &[
    ('+', Plus),
    ('-', Minus),
    ('\u{2212}', Minus),
    ('\u{2013}', Minus),
    ('*', Times),
    ('\u{D7}', Times),
    ('\u{B7}', Times),
    ('/', Over),
    ('\u{F7}', Over),
    ('%', Percent),
    ('(', Open),
    (')', Close),
];

/// The last two words for × are the Latin and the Cyrillic letter that are typed
/// for it.
const OPERATION_WORDS: &[(Symbol, &str)] = &[
    (Plus, "plus | плюс"),
    (Minus, "minus | минус"),
    (
        Times,
        "times | multiplied by | умножить на | умноженное на | умножь на | помножить на | x | х",
    ),
    (
        Over,
        "divided by | over | разделить на | делить на | деленное на | поделить на | раздели на | \
         подели на",
    ),
    (Percent, "percent | per cent | процентов | процента | процент"),
    (Of, "of | от"),
];

/// Numbers in words: the first word is worth the first number, and each one after
/// it a step more.
const NUMBER_WORDS: &[(&str, i128, i128)] = &[
    (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
         fifteen sixteen seventeen eighteen nineteen",
        0,
        1,
    ),
    ("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10),
    (
        "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать \
         тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
        0,
        1,
    ),
    ("одна две", 1, 1),
    ("двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто", 20, 10),
    ("сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот", 100, 100),
];

/// Number words that multiply what stands before them.
const MULTIPLIERS: &[(&str, i128, i128)] =
    &[("hundred", 100, 0), ("thousand", 1000, 0), ("тысяча тысячи тысяч", 1000, 0)];

/// A number while its words come in: twelve thousand | three hundred five.
#[derive(Default)]
struct SpokenNumber {
    thousands: i128,
    rest: i128,
    is_begun: bool,
}

struct Lexer<'a> {
    rest: &'a str,
    symbols: Vec<Symbol>,
    spoken: SpokenNumber,
    tongue: Tongue,
}

/// All symbols of a sum, without what introduces and ends it.
pub(super) fn symbols(text: &str, tongue: Tongue) -> Result<Vec<Symbol>, Stop> {
    let text = plain(text);
    let rest = without_introduction(&text);
    let rest = rest.trim_end_matches(['?', '!', '.', '=', ' ', ',']);
    let mut lexer = Lexer { rest, symbols: Vec::new(), spoken: SpokenNumber::default(), tongue };
    lexer.run()?;
    Ok(lexer.symbols)
}

/// Normalised, with single spaces, and hyphens inside words written as spaces
/// (twenty-one is not a subtraction).
fn plain(text: &str) -> String {
    let text = normalise(text);
    let chars: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let is_letter =
        |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphabetic());
    let hyphen_to_space = |(at, c): (usize, &char)| {
        let is_inside = is_letter(at.checked_sub(1)) && is_letter(Some(at + 1));
        if *c == '-' && is_inside { ' ' } else { *c }
    };
    chars.iter().enumerate().map(hyphen_to_space).collect()
}

fn without_introduction(text: &str) -> &str {
    let text = text.trim_start_matches([' ', ',', ':']);
    let rest = INTRODUCTIONS.split(" | ").find_map(|words| strip_word(text, words)).unwrap_or(text);
    rest.trim_start_matches([' ', ',', ':'])
}

/// What follows `words`, if they are whole words at the start.
fn strip_word<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    text.strip_prefix(words).filter(|rest| !rest.starts_with(char::is_alphabetic))
}

/// The number word at the start of `text`, and what follows it.
fn number_word<'a>(text: &'a str, table: &[(&str, i128, i128)]) -> Option<(&'a str, i128)> {
    table.iter().find_map(|(words, first, step)| {
        let values = (0..).map(|nth: i128| first + nth * step);
        words
            .split(' ')
            .zip(values)
            .find_map(|(word, value)| Some((strip_word(text, word)?, value)))
    })
}

// === impl Lexer ===

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        loop {
            self.rest = self.rest.trim_start();
            let Some(first) = self.rest.chars().next() else { break };
            if self.spoken_number()? {
                continue;
            }
            self.end_spoken()?;
            if first.is_ascii_digit() || first == '.' {
                let number = self.number()?;
                self.symbols.push(Symbol::Number(number));
            } else {
                self.operation(first)?;
            }
        }
        self.end_spoken()
    }

    fn operation(&mut self, first: char) -> Result<(), Stop> {
        let sign = SIGNS.iter().find(|(sign, _)| *sign == first).map(|(_, symbol)| *symbol);
        let word = || {
            OPERATION_WORDS
                .iter()
                .flat_map(|(symbol, words)| words.split(" | ").map(|word| (*symbol, word)))
                .find_map(|(symbol, word)| Some((strip_word(self.rest, word)?, symbol)))
        };
        let (rest, symbol) = match sign {
            Some(symbol) => (&self.rest[first.len_utf8()..], symbol),
            None => word().ok_or(Stop::NotASum)?,
        };
        self.rest = rest;
        self.symbols.push(symbol);
        Ok(())
    }

    /// Takes one word of a number in words.
    fn spoken_number(&mut self) -> Result<bool, Stop> {
        let find = |table| number_word(self.rest, table);
        if let Some((rest, value)) = find(MULTIPLIERS) {
            self.rest = rest;
            self.spoken.multiply(value)?;
        } else if let Some((rest, value)) = find(NUMBER_WORDS) {
            self.rest = rest;
            self.spoken.add(value)?;
        } else if let (Some(rest), true) = (strip_word(self.rest, "and"), self.spoken.is_begun) {
            self.rest = rest;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn end_spoken(&mut self) -> Result<(), Stop> {
        let spoken = std::mem::take(&mut self.spoken);
        if spoken.is_begun {
            let value = spoken.thousands.checked_add(spoken.rest).ok_or(Stop::TooLarge)?;
            self.symbols.push(Symbol::Number(Rational::integer(value)));
        }
        Ok(())
    }

    /// Digits, in groups of three or not, and decimals. A comma separates groups
    /// in English where it can (`1,000`), and decimals otherwise.
    fn number(&mut self) -> Result<Rational, Stop> {
        let mut digits = self.take_digits();
        let mut is_grouped = (1..=3).contains(&digits.len());
        while is_grouped {
            match self.group() {
                Some(group) => digits.push_str(&group),
                None => is_grouped = false,
            }
        }
        let mut decimals = 0;
        let has_decimals = self.rest.strip_prefix(['.', ',']);
        if let Some(rest) =
            has_decimals.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.rest = rest;
            let fraction = self.take_digits();
            decimals = fraction.len();
            digits.push_str(&fraction);
        }
        if digits.len() > MAX_DIGITS {
            return Err(Stop::TooLarge);
        }
        let decimals = u32::try_from(decimals).map_err(|_| Stop::TooLarge)?;
        Rational::decimal(digits.parse().map_err(|_| Stop::NotASum)?, decimals)
    }

    /// Three more digits of the same number.
    fn group(&mut self) -> Option<String> {
        let separators: &[char] = match self.tongue {
            Tongue::English => &[',', ' '],
            Tongue::Russian => &[' '],
        };
        let after = self.rest.strip_prefix(separators)?;
        let length = after.bytes().take_while(u8::is_ascii_digit).count();
        if length != 3 {
            return None;
        }
        self.rest = &after[length..];
        Some(after[..length].to_owned())
    }

    fn take_digits(&mut self) -> String {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.to_owned()
    }
}

// === impl SpokenNumber ===

impl SpokenNumber {
    /// A word may only follow one that leaves room for it: "twenty one" is a
    /// number, "two three" is not.
    fn add(&mut self, value: i128) -> Result<(), Stop> {
        let has_room = match value {
            0 => !self.is_begun,
            1..10 => self.rest % 10 == 0 && self.rest % 100 != 10,
            10..100 => self.rest % 100 == 0,
            _ => self.rest == 0,
        };
        if !has_room {
            return Err(Stop::NotASum);
        }
        self.rest += value;
        self.is_begun = true;
        Ok(())
    }

    fn multiply(&mut self, by: i128) -> Result<(), Stop> {
        let has_room = if by == 100 { self.rest < 10 } else { self.thousands == 0 };
        if !has_room {
            return Err(Stop::NotASum);
        }
        let product = self.rest.max(1) * by;
        if by == 100 {
            self.rest = product;
        } else {
            self.thousands = product;
            self.rest = 0;
        }
        self.is_begun = true;
        Ok(())
    }
}
