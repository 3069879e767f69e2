//! The little LaTeX that models write into answers.

use std::borrow::Cow;

use super::words::Words;

/// Commands that are a sign.
const SIGNS: &[(&str, &str)] = &[
    ("times", "×"),
    ("cdot", "×"),
    ("div", "÷"),
    ("pm", "±"),
    ("leq", "≤"),
    ("le", "≤"),
    ("geq", "≥"),
    ("ge", "≥"),
    ("neq", "≠"),
    ("ne", "≠"),
    ("approx", "≈"),
    ("to", "→"),
    ("rightarrow", "→"),
    ("infty", "∞"),
    ("pi", "π"),
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("theta", "θ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("sigma", "σ"),
    ("omega", "ω"),
    ("circ", "°"),
    ("left", ""),
    ("right", ""),
    ("quad", ""),
    ("qquad", ""),
    ("displaystyle", ""),
];

/// Commands that say what is in their braces.
const PLAIN: &[&str] = &["text", "mathrm", "mathbf", "mathit", "textbf", "boxed", "operatorname"];

/// A formula as its signs, without its dollars and commands.
pub(super) fn plain<'a>(text: &'a str, words: &Words) -> Cow<'a, str> {
    if !text.contains(['\\', '$']) {
        return Cow::Borrowed(text);
    }
    let text = without_dollars(text);
    if !text.contains('\\') {
        return Cow::Owned(text);
    }
    let formulas = (text.contains("\\(") && text.contains("\\)"))
        || (text.contains("\\[") && text.contains("\\]"));
    let mut said = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        said.push_str(before);
        let after = &from[1..];
        let in_word = before.ends_with([':', '\\']);
        rest = match after.chars().next() {
            Some('(' | ')' | '[' | ']') if formulas => {
                said.push(' ');
                &after[1..]
            }
            Some(',' | ';') if formulas => {
                said.push(' ');
                &after[1..]
            }
            _ => match command(after, words).filter(|_| !in_word) {
                Some((text, tail)) => {
                    said.push_str(&text);
                    tail
                }
                None => {
                    said.push('\\');
                    after
                }
            },
        };
    }
    said.push_str(rest);
    Cow::Owned(said)
}

/// Takes `$…$` and `$$…$$` away from formulas. Prices keep their dollars.
fn without_dollars(text: &str) -> String {
    let text = text.replace("$$", " ");
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        kept.push_str(before);
        let formula = after.split_once('$').filter(|(inside, tail)| {
            let tight = !inside.is_empty() && inside.trim() == *inside;
            let closed = !tail.starts_with(|c: char| c.is_ascii_alphanumeric());
            tight && closed && (inside.contains(['\\', '^', '_', '=', '{']) || inside.len() == 1)
        });
        match formula {
            Some((inside, tail)) => {
                kept.push_str(inside);
                rest = tail;
            }
            None => {
                kept.push('$');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// What follows a backslash: what is said for it, and the rest.
fn command<'a>(after: &'a str, words: &Words) -> Option<(String, &'a str)> {
    let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
    let (name, tail) = after.split_at(end);
    match name {
        "frac" | "dfrac" | "tfrac" => {
            let (top, tail) = braced(tail)?;
            let (bottom, tail) = braced(tail)?;
            Some((format!(" {top} {} {bottom} ", words.over), tail))
        }
        "sqrt" => {
            let (inside, tail) = braced(tail)?;
            Some((format!(" {} {inside} ", words.root_of), tail))
        }
        _ if PLAIN.contains(&name) => braced(tail).map(|(inside, tail)| (inside.to_owned(), tail)),
        _ => {
            let (_, sign) = SIGNS.iter().find(|(written, _)| *written == name)?;
            let blank = if sign.is_empty() || *sign == "°" { "" } else { " " };
            Some((format!("{blank}{sign}{blank}"), tail))
        }
    }
}

fn braced(text: &str) -> Option<(&str, &str)> {
    let (inside, tail) = text.strip_prefix('{')?.split_once('}')?;
    (!inside.contains('{')).then_some((inside, tail))
}
