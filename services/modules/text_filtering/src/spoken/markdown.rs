use super::{html, words::Words};

/// What a text in Markdown says: the words without its signs. Lines become
/// sentences. Text that only looks like Markdown ("2*3", `snake_case`, "5 * 3")
/// stays.
pub(super) fn plain(text: &str, words: Option<&Words>) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.lines().map(str::trim).filter(|line| !is_layout(line)) {
        let line = inline(&without_block_marks(line, words));
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if plain.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '"' | '»' | '%')) {
            plain.push('.');
        }
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(line);
    }
    plain
}

/// Fences with their language, rules, underlines of headings and of table heads.
fn is_layout(line: &str) -> bool {
    let tag = line.strip_prefix("```").or_else(|| line.strip_prefix("~~~"));
    // "~~~5" is no language.
    let is_fence = tag.is_some_and(|tag| {
        !tag.contains([' ', '`'])
            && (tag.is_empty() || tag.starts_with(|c: char| c.is_ascii_alphabetic()))
    });
    let only = |signs: &[char]| line.chars().all(|c| signs.contains(&c));
    let is_rule = line.len() >= 3
        && ['-', '*', '_', '='].iter().any(|sign| only(&[*sign, ' ']))
        && !line.starts_with(' ');
    let is_table_rule = line.contains("--") && only(&['|', '-', ':', ' ']);
    is_fence || is_rule || is_table_rule
}

/// Takes quotation, heading, list and check marks off the start of a line and
/// parts the cells of a table row by commas.
fn without_block_marks(line: &str, words: Option<&Words>) -> String {
    let mut rest = line;
    let mut task = "";
    loop {
        let signs = rest.trim_start_matches('#');
        let level = rest.len() - signs.len();
        let marked = match rest.chars().next() {
            Some('#') if level <= 6 => signs.strip_prefix(' '),
            Some('-' | '*' | '+') => rest[1..].strip_prefix(' '),
            Some('>') => Some(&rest[1..]),
            Some(bullet @ ('•' | '‣' | '◦' | '▪')) => Some(&rest[bullet.len_utf8()..]),
            Some('[') => check(rest).map(|(is_done, text)| {
                let [done, not_done] = words.map_or(["", ""], |words| words.tasks);
                task = if is_done { done } else { not_done };
                text
            }),
            _ => None,
        };
        match marked {
            Some(marked) => rest = marked.trim_start(),
            None => break,
        }
    }
    match rest.strip_prefix('|').and_then(|row| row.strip_suffix('|')) {
        Some(row) => row.split('|').map(str::trim).collect::<Vec<_>>().join(", "),
        None => format!("{task}{rest}"),
    }
}

/// The box of a task list: whether it is ticked, and the text behind it.
fn check(line: &str) -> Option<(bool, &str)> {
    let (mark, text) = line.strip_prefix('[')?.split_once("] ")?;
    match mark {
        " " => Some((false, text)),
        "x" | "X" => Some((true, text)),
        _ => None,
    }
}

/// Takes links, code and emphasis apart.
fn inline(line: &str) -> String {
    let mut said = String::with_capacity(line.len());
    let mut emphasis = false;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let before = said.chars().next_back();
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '!' if after.starts_with('[') && link(after).is_some() => after,
            '[' => match citation(rest, before).or_else(|| link(rest)) {
                Some((text, tail)) => {
                    said.push_str(&text.replace(['*', '`'], ""));
                    tail
                }
                None => keep(&mut said, c, after),
            },
            '<' => match autolink(after) {
                Some((address, tail)) => {
                    said.push_str(address);
                    tail
                }
                None => match html::tag(after) {
                    Some((blank, tail)) => {
                        said.push_str(blank);
                        tail
                    }
                    None => keep(&mut said, c, after),
                },
            },
            '&' => match html::entity(after) {
                Some((c, tail)) => keep(&mut said, c, tail),
                None => keep(&mut said, c, after),
            },
            '`' => code(rest, &mut said),
            '*' | '_' | '~' => {
                let tail = rest.trim_start_matches(c);
                let run = &rest[..rest.len() - tail.len()];
                let run = Run { sign: c, len: run.len(), before, after: tail.chars().next() };
                if run.is_mark(emphasis) {
                    emphasis = !emphasis;
                } else {
                    said.extend(std::iter::repeat_n(c, run.len));
                }
                tail
            }
            '\\' if after.starts_with(|next: char| next.is_ascii_punctuation()) => {
                let escaped = after.chars().next().unwrap_or(c);
                keep(&mut said, escaped, &after[escaped.len_utf8()..])
            }
            _ => keep(&mut said, c, after),
        };
    }
    said
}

/// A run of equal signs that may mark emphasis.
struct Run {
    sign: char,
    len: usize,
    before: Option<char>,
    after: Option<char>,
}

// === impl Run ===

impl Run {
    /// Whether it marks emphasis, of which some may already be open.
    fn is_mark(&self, open: bool) -> bool {
        let is = |side: Option<char>, test: fn(char) -> bool| side.is_some_and(test);
        let alone =
            !is(self.before, |c| !c.is_whitespace()) && !is(self.after, |c| !c.is_whitespace());
        let in_word =
            is(self.before, char::is_alphanumeric) && is(self.after, char::is_alphanumeric);
        let in_number = is(self.before, char::is_numeric) && is(self.after, char::is_numeric);
        match self.sign {
            _ if alone || in_number => false,
            '~' => self.len >= 2,
            '_' => !in_word,
            _ if in_word => self.len >= 2,
            // "5* hotel" is no emphasis that ends.
            _ => open || self.len >= 2 || !is(self.before, char::is_numeric),
        }
    }
}

fn keep<'a>(said: &mut String, c: char, rest: &'a str) -> &'a str {
    said.push(c);
    rest
}

/// `[text](address)`, `[text][name]` and `[^note]`: the text and what follows.
fn link(rest: &str) -> Option<(&str, &str)> {
    let (text, tail) = rest.strip_prefix('[')?.split_once(']')?;
    if text.starts_with('^') {
        return Some(("", tail));
    }
    let (open, close) = match tail.chars().next()? {
        '(' => ('(', ')'),
        '[' => ('[', ']'),
        _ => return None,
    };
    let (_, tail) = tail.strip_prefix(open)?.split_once(close)?;
    Some((text, tail))
}

/// `[1]` behind a word or a stop, where a source is named.
fn citation(rest: &str, before: Option<char>) -> Option<(&'static str, &str)> {
    let (number, tail) = rest.strip_prefix('[')?.split_once(']')?;
    let is_number = (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && !number.starts_with('0');
    let ends = tail.chars().next().is_none_or(|c| {
        c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '[' | ')')
    });
    // "a[1] = 2" is no source.
    let is_operand = tail.starts_with(' ') && tail.trim_start().starts_with(['=', '+', '-', '*']);
    let attached = before.is_some_and(|c| {
        c.is_alphanumeric() || matches!(c, '.' | ',' | '!' | '?' | ')' | '»' | '"' | '”')
    });
    (is_number && ends && attached && !is_operand).then_some(("", tail))
}

/// `<https://…>` and `<bob@example.com>`: the address and what follows.
fn autolink(after: &str) -> Option<(&str, &str)> {
    let (address, tail) = after.split_once('>')?;
    let is_address = address.contains("://") || address.contains('@');
    (is_address && !address.contains(' ')).then_some((address, tail))
}

/// Copies inline code without its backticks and gives what follows.
fn code<'a>(rest: &'a str, said: &mut String) -> &'a str {
    let inside = rest.trim_start_matches('`');
    let ticks = &rest[..rest.len() - inside.len()];
    let (code, tail) = inside.split_once(ticks).unwrap_or(("", inside));
    said.push_str(code.trim());
    tail
}
