//! Signs that stand within a word or alone and that voices leave out.

use super::{Spot, Token, words::Words};

/// Keys that a shortcut holds down, as they are written and as they are said.
const KEYS: &[(&str, &str)] = &[
    ("Cmd", "Command"),
    ("Command", "Command"),
    ("Ctrl", "Control"),
    ("Control", "Control"),
    ("Opt", "Option"),
    ("Option", "Option"),
    ("Alt", "Alt"),
    ("Shift", "Shift"),
    ("Fn", "F N"),
    ("fn", "F N"),
    ("Win", "Windows"),
    ("VO", "V O"),
    ("⌘", "Command"),
    ("⌥", "Option"),
    ("⇧", "Shift"),
    ("⌃", "Control"),
];

/// Signs other than arrows, operators and keys, which are U+2190–23FF.
const SIGNS: &str = "^_*xх<>:.–—²³⁰⁴⁵⁶⁷⁸⁹⁻ⁿ½⅓⅔¼¾⅛№§×÷·±−‰π";

/// In how many tokens the result of a sum is looked for.
const SUM_TOKENS: usize = 8;

/// Says the signs in a token; `None` when it has none.
pub(super) fn say(spot: Spot<'_>, words: &Words) -> Option<String> {
    let token = spot.token();
    if let Some(said) = alone(spot, words).or_else(|| shortcut(token.core)) {
        return Some(token.around(&said));
    }
    let text = spot.tokens.first()?;
    if !text.contains(is_sign) {
        return None;
    }
    let mut said = String::with_capacity(text.len() + 16);
    let mut rest = *text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let behind = Behind { text: &text[..text.len() - rest.len()], c, after };
        match behind.said(words) {
            Some((word, used)) => {
                if !said.is_empty()
                    && !said.ends_with([' ', '(', '"', '«'])
                    && !word.starts_with(',')
                {
                    said.push(' ');
                }
                said.push_str(&word);
                rest = &rest[used..];
                if rest.starts_with(needs_blank) {
                    said.push(' ');
                }
            }
            None => {
                said.push(c);
                rest = after;
            }
        }
    }
    Some(said)
}

/// Whether a character may be said as a word; what is beside it decides.
fn is_sign(c: char) -> bool {
    SIGNS.contains(c) || matches!(c, '\u{2190}'..='\u{23ff}' | '\u{2423}')
}

/// Whether a character does not go with the word for the sign before it.
fn needs_blank(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || (is_sign(c) && !matches!(c, '.' | ':' | '–' | '—'))
}

/// A sign that is a token of its own.
fn alone(spot: Spot<'_>, words: &Words) -> Option<String> {
    let core = *spot.tokens.first()?;
    let next = spot.tokens.get(1).copied().unwrap_or_default();
    let before = spot.before.unwrap_or_default();
    let digit = |c: char| c.is_ascii_digit();
    let between_numbers = before.ends_with(digit) && next.starts_with(digit);
    let said = match core {
        "→" | "->" | "=>" | "-->" | "==>"
            if before.is_empty() || next.is_empty() || is_key(before) || is_joint(next) =>
        {
            words.right_arrow
        }
        "→" | "->" | "=>" | "-->" | "==>" => words.then,
        ">" | "›" | "»" if is_menu(before, next) => words.then,
        ">" if !next.is_empty() => words.greater,
        "<" if !next.is_empty() => words.less,
        ">=" => words.sign('≥')?,
        "<=" => words.sign('≤')?,
        "!=" => words.sign('≠')?,
        "*" | "x" | "х" if between_numbers => words.times,
        "–" | "—" if between_numbers => words.to?,
        // "5 - 10" may be a range; with a result it is none.
        "-" if between_numbers
            && spot.tokens.iter().take(SUM_TOKENS).any(|token| *token == "=") =>
        {
            words.minus
        }
        _ => return None,
    };
    Some(said.to_owned())
}

fn is_key(word: &str) -> bool {
    KEYS.iter().any(|(written, said)| *written == word || *said == word)
}

/// "Press → or ↑."
fn is_joint(word: &str) -> bool {
    matches!(word, "or" | "and" | "key" | "to" | "или" | "и" | "чтобы")
}

/// "File > Save", but not "A > B" and "5 > 3".
fn is_menu(before: &str, next: &str) -> bool {
    let is_entry = |word: &str| {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        core.chars().filter(|c| c.is_alphabetic()).count() > 1 && core.contains(char::is_uppercase)
    };
    is_entry(next) && before.chars().filter(|c| c.is_alphabetic()).count() > 1
}

/// "Cmd+Shift+4", "Ctrl-C".
fn shortcut(core: &str) -> Option<String> {
    let sign = ['+', '-'].into_iter().find(|sign| core.contains(*sign))?;
    let (keys, last) = core.rsplit_once(sign)?;
    let keys: Option<Vec<&str>> = keys
        .split(sign)
        .map(|key| KEYS.iter().find(|(written, _)| *written == key).map(|(_, said)| *said))
        .collect();
    let is_key = !last.is_empty() && last.chars().count() <= "PageDown".len();
    keys.filter(|_| is_key).map(|keys| format!("{} {last}", keys.join(" ")))
}

/// A character, the text before it, and what follows.
struct Behind<'a> {
    text: &'a str,
    c: char,
    after: &'a str,
}

// === impl Behind ===

impl Behind<'_> {
    /// What is said for the character, and how many bytes that is for.
    fn said(&self, words: &Words) -> Option<(String, usize)> {
        let len = self.c.len_utf8();
        let before = self.text.chars().next_back();
        let next = self.after.chars().next();
        let is = |side: Option<char>, test: fn(char) -> bool| side.is_some_and(test);
        let digit = |side: Option<char>| is(side, |c| c.is_ascii_digit());
        let word = |side: Option<char>| is(side, char::is_alphanumeric);
        let between = digit(before) && digit(next);
        let said = match self.c {
            '^' | '²' | '³' | '⁰' | '⁴'..='⁹' | '⁻' | 'ⁿ' => return self.power(words),
            '.' if words.drops_dots && self.is_extension() => words.dot,
            '_' if word(before) && word(next) => words.underscore,
            'x' | 'х' | '×' if between && self.is_screen() => words.by,
            'x' | 'х' if between && self.text != "0" => words.by,
            '*' | '·' if between => words.times,
            '<' | '>' if self.after.starts_with('=') => {
                return Some((
                    words.sign(if self.c == '<' { '≤' } else { '≥' })?.to_owned(),
                    len + 1,
                ));
            }
            '<' if digit(next) => words.less,
            '>' if digit(next) && before != Some('-') => words.greater,
            '→' if before.is_none()
                || next.is_none()
                || is(before, |c| matches!(c, '⌘' | '⌥' | '⇧' | '⌃')) =>
            {
                words.right_arrow
            }
            '→' => words.then,
            '–' | '—' if between => words.to?,
            ':' if between && self.is_ratio(words) => words.ratio,
            '½' | '⅓' | '⅔' | '¼' | '¾' | '⅛' if digit(before) => {
                return Some((format!("{} {}", words.and, words.sign(self.c)?), len));
            }
            'x' | 'х' | '<' | '>' | '*' | '_' | ':' | '–' | '—' | '.' => return None,
            c => words.sign(c)?,
        };
        // "⌘+C".
        let joint =
            matches!(self.c, '⌘' | '⌥' | '⇧' | '⌃') && next == Some('+') && self.after.len() > 1;
        Some((said.to_owned(), len + usize::from(joint)))
    }

    /// `x^2`, `m³`, `10⁻⁶`, `2^{10}`.
    fn power(&self, words: &Words) -> Option<(String, usize)> {
        if !self.text.ends_with(|c: char| c.is_alphanumeric() || c == ')') {
            return None;
        }
        let (exponent, used) = if self.c == '^' { self.caret()? } else { self.raised() };
        // A sign by itself is the charge of an ion.
        if exponent.trim_start_matches(['-', '−']).is_empty() {
            return None;
        }
        let said = match exponent.as_str() {
            "2" => words.squared.to_owned(),
            "3" => words.cubed.to_owned(),
            other => {
                let minus =
                    other.strip_prefix(['-', '−']).map(|rest| format!("{} {rest}", words.minus));
                format!("{} {}", words.to_the_power, minus.unwrap_or_else(|| other.to_owned()))
            }
        };
        Some((said, used))
    }

    fn caret(&self) -> Option<(String, usize)> {
        let braced = self.after.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        if let Some((exponent, _)) = braced {
            return (!exponent.is_empty()).then(|| (exponent.to_owned(), exponent.len() + 3));
        }
        let sign = self.after.len() - self.after.trim_start_matches(['-', '−']).len();
        let digits = self.after[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let len = match (digits, self.after[sign..].chars().next()) {
            (0, Some(c)) if c.is_alphanumeric() => c.len_utf8(),
            (0, _) => return None,
            (digits, _) => digits,
        };
        Some((self.after[..sign + len].to_owned(), 1 + sign + len))
    }

    fn raised(&self) -> (String, usize) {
        let mut exponent = String::new();
        let mut used = 0;
        for c in std::iter::once(self.c).chain(self.after.chars()) {
            let Some(plain) = lowered(c) else { break };
            exponent.push(plain);
            used += c.len_utf8();
        }
        (exponent, used)
    }

    /// `1920×1080`: both sides too long for a sum that is said.
    fn is_screen(&self) -> bool {
        let run = |len: usize| len >= 3;
        let before = self.text.bytes().rev().take_while(u8::is_ascii_digit).count();
        run(before) && run(self.after.bytes().take_while(u8::is_ascii_digit).count())
    }

    /// The stop of `report.pdf` and `example.com`, not that of "U.S.".
    fn is_extension(&self) -> bool {
        let last = Token::of(self.after).core;
        self.text.ends_with(|c: char| c.is_alphanumeric())
            && (2..=4).contains(&last.len())
            && last.bytes().all(|b| b.is_ascii_lowercase())
    }

    /// `16:9`, not 10:30. Russian scores, `3:2`, are said without a word between.
    fn is_ratio(&self, words: &Words) -> bool {
        let digits =
            |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let right = Token::of(self.after).core;
        let left = Token::of(self.text).core;
        digits(left) && digits(right) && right.len() == 1 && (words.to.is_some() || left.len() == 2)
    }
}

/// The character that a raised one stands for.
fn lowered(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴' => '4',
        '⁵' => '5',
        '⁶' => '6',
        '⁷' => '7',
        '⁸' => '8',
        '⁹' => '9',
        '⁻' => '-',
        'ⁿ' => 'n',
        _ => return None,
    })
}
