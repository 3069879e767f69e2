//! Links, e-mail addresses, options of commands, and versions.

use super::{Token, words::Words};

/// `https://www.example.com/a?b` by its host.
pub(super) fn link(token: &str, words: Option<&Words>) -> Option<String> {
    let Token { open, core, close } = Token::of(token);
    let (before, address) = match core.split_once("://") {
        Some((scheme, address)) => {
            let before = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
            if before.len() == scheme.len() {
                return None;
            }
            (before, address)
        }
        None if core.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) => ("", core),
        None => return None,
    };
    let authority = address.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let host = host.strip_prefix("www.").unwrap_or(host).trim_matches('.');
    if host.is_empty() {
        return None;
    }
    let link = words.map_or("", |words| words.link_to);
    Some(format!("{open}{before}{link}{}{close}", domain(host, words)))
}

/// A host with its stops in words where a voice would leave them out.
fn domain(host: &str, words: Option<&Words>) -> String {
    match words {
        Some(words) => host.replace('.', &format!(" {} ", words.dot)),
        None => host.to_owned(),
    }
}

/// `bob@example.com`, with all signs, so that it can be written down.
pub(super) fn mail(core: &str, words: &Words) -> Option<String> {
    let address = core.strip_prefix("mailto:").unwrap_or(core);
    let (name, host) = address.split_once('@')?;
    let plain = |text: &str, more: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || more.contains(&c))
    };
    let is_address =
        plain(name, &['.', '_', '-', '+', '%']) && plain(host, &['.', '-']) && host.contains('.');
    is_address.then(|| format!("{} {} {}", spelled(name, words), words.at, spelled(host, words)))
}

fn spelled(text: &str, words: &Words) -> String {
    let mut said = String::with_capacity(text.len());
    for c in text.chars() {
        let sign = match c {
            '.' => words.dot,
            '_' => words.underscore,
            '-' => words.dash,
            '+' => words.plus,
            _ => {
                said.push(c);
                continue;
            }
        };
        said.push(' ');
        said.push_str(sign);
        said.push(' ');
    }
    said.trim().to_owned()
}

/// `№5`, `#5`.
pub(super) fn number_sign(core: &str, words: &Words) -> Option<String> {
    let number = core.strip_prefix(['№', '#'])?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| format!("{} {number}", words.number))
}

/// `-v` and `--help`, whose dashes a voice does not read.
pub(super) fn option(core: &str, words: &Words) -> Option<String> {
    let name = core.trim_start_matches('-');
    let dashes = core.len() - name.len();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'='));
    ((1..=2).contains(&dashes) && is_name)
        .then(|| format!("{}{name}", format!("{} ", words.dash).repeat(dashes)))
}

/// `v2.1`, `1.2.3`; but not a date such as 12.05.2024 or a grouped number such
/// as 1.000.000.
pub(super) fn version(core: &str, before: Option<&str>, words: &Words) -> Option<String> {
    let bare = core.strip_prefix(['v', 'V']);
    let parts: Vec<&str> = bare.unwrap_or(core).split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() < 2 || !parts.iter().all(digits) {
        return None;
    }
    let numbers = match parts.len() {
        2 => parts.join("."),
        _ => parts.join(&format!(" {} ", words.point)),
    };
    // "Version v2.1" names it already, in Russian in any case.
    let stem = words.version.trim_end_matches(['я', 'n']);
    let is_named = before.is_some_and(|word| word.to_lowercase().starts_with(stem));
    if bare.is_some() && is_named {
        return Some(numbers);
    }
    if bare.is_some() {
        return Some(format!("{} {numbers}", words.version));
    }
    let is_date = parts.len() == 3
        && (parts.iter().all(|part| part.len() == 2) || parts.iter().any(|part| part.len() == 4));
    let is_grouped = parts.iter().skip(1).all(|part| part.len() == 3);
    (parts.len() > 2 && !is_date && !is_grouped).then_some(numbers)
}
