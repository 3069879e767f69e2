//! `config.env`: one `KEY=VALUE` per line, as shells and container tools write it.

use std::{collections::BTreeMap, io, path::Path};

use crate::problem::Problem;

/// Reads a file; a line that cannot be read is a problem, and the others count.
pub(super) fn read(
    path: &Path,
    problems: &mut Vec<Problem>,
) -> io::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)?;
    let mut variables = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        match parse_line(line) {
            Ok(Some((name, value))) => {
                variables.insert(name.to_owned(), value);
            }
            Ok(None) => {}
            Err(expected) => {
                let name = super::file_name(path);
                problems.push(Problem::new(&name, format!("line {}", index + 1), expected));
            }
        }
    }
    Ok(variables)
}

/// The variable of a line; `None` for a blank line or a comment.
fn parse_line(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let assignment = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = assignment.split_once('=').ok_or("KEY=VALUE")?;
    let name = name.trim();
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if !is_name {
        return Err("a name of letters, digits and underscores before the =");
    }
    Ok(Some((name, parse_value(value.trim())?)))
}

/// Single quotes keep everything, double quotes know `\n`, `\"` and `\\`, and
/// without quotes a comment begins at a `#` behind a blank.
fn parse_value(text: &str) -> Result<String, &'static str> {
    const UNCLOSED: &str = "a closing quote, and nothing but a comment behind it";
    let mut chars = text.chars();
    let quote = match chars.next() {
        Some(quote @ ('\'' | '"')) => quote,
        Some('#') | None => return Ok(String::new()),
        Some(_) => return Ok(without_comment(text).to_owned()),
    };
    let mut value = String::new();
    loop {
        match chars.next().ok_or(UNCLOSED)? {
            c if c == quote => break,
            '\\' if quote == '"' => match chars.next().ok_or(UNCLOSED)? {
                'n' => value.push('\n'),
                c @ ('"' | '\\' | '$') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    let rest = chars.as_str().trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(value) } else { Err(UNCLOSED) }
}

fn without_comment(text: &str) -> &str {
    let comment = text.find(" #").or_else(|| text.find("\t#"));
    comment.map_or(text, |at| &text[..at]).trim_end()
}

#[cfg(test)]
mod tests;
