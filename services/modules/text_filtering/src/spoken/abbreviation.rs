use super::{
    Spot, Token,
    words::{Place, Words},
};

/// Says "e.g." and its like; also gives the number of tokens, since "т. е." is
/// written with a blank, too.
pub(super) fn say(spot: Spot<'_>, words: &Words) -> Option<(String, usize)> {
    let token = spot.tokens.first()?;
    if !token.contains('.') && !token.contains('-') && *token != "vs" {
        return None;
    }
    let parted = spot.tokens.get(1).filter(|second| is_letter(token) && is_letter(second));
    if let Some(second) = parted
        && let Some(said) = one(&format!("{token}{second}"), spot.tokens.get(2).copied(), words)
    {
        return Some((said, 2));
    }
    one(token, spot.tokens.get(1).copied(), words).map(|said| (said, 1))
}

/// "т.", "(т." or "д.,": a letter and its stop.
fn is_letter(token: &str) -> bool {
    let bare = token.trim_matches(|c: char| !c.is_alphabetic());
    bare.chars().count() == 1 && token.contains('.')
}

fn one(token: &str, next: Option<&str>, words: &Words) -> Option<String> {
    let open = Token::of(token).open;
    let written = token.strip_prefix(open)?;
    let lower = written.to_lowercase();
    let row = words.abbreviations.iter().find_map(|(written, said, place)| {
        let close = lower.strip_prefix(written)?;
        let whole = !close.starts_with(char::is_alphanumeric) && !close.starts_with('-');
        whole.then_some((close, *said, place))
    });
    let (close, said, place) = row?;
    let first = next.and_then(|next| Token::of(next).core.chars().next());
    let fits = match place {
        Place::BeforeName => first.is_some_and(char::is_uppercase),
        Place::BeforeNumber => first.is_some_and(|c| c.is_ascii_digit()),
        Place::Inside | Place::Last => true,
    };
    // The stop of an abbreviation is also the sentence's where one ends.
    let ends = next.is_none() || (*place == Place::Last && first.is_some_and(char::is_uppercase));
    let stop = if ends && close.is_empty() { "." } else { "" };
    let starts = *place == Place::Inside && written.starts_with(char::is_uppercase);
    fits.then(|| match said.chars().next().filter(|_| starts) {
        Some(first) => {
            let first_upper: String = first.to_uppercase().collect();
            format!("{open}{first_upper}{}{stop}{close}", &said[first.len_utf8()..])
        }
        None => format!("{open}{said}{stop}{close}"),
    })
}
