/// The fewest characters that count as a repetition inside a word. One letter
/// in common ("no" + "okay") is what any two English phrases have by chance.
const PART_OF_WORD_MIN_CHARS: usize = 2;

/// The fewest whole words that count as a repetition: one alone is more often
/// said twice ("no no") than heard twice.
const WHOLE_WORDS_MIN: usize = 2;

/// Puts an incoming piece of recognised speech behind what is already there.
///
/// - Speech that starts with the buffer is a snapshot and replaces it.
/// - Else, what the end of the buffer and the start of the incoming speech have
///   in common is said once, if it is at least two whole words, or if it begins
///   or ends inside a word and has at least two characters. The longest such
///   repetition counts.
/// - Else the incoming speech is appended, with a blank if neither side has one.
///
/// Letters are compared without case, one character at a time and without
/// Unicode normalisation; what is kept is spelled as it came first, a snapshot
/// as it came last. A word is a run of letters, digits, apostrophes and the
/// marks that combine with them.
#[must_use]
pub fn merge(buffer: &str, incoming: &str) -> String {
    let (old, new) = (buffer.trim(), incoming.trim());
    if new.is_empty() {
        return buffer.to_owned();
    }
    let is_snapshot = {
        let mut letters = folded(new);
        folded(old).all(|c| letters.next() == Some(c))
    };
    if is_snapshot {
        return incoming.to_owned();
    }
    match repetition(buffer, incoming) {
        Some(repeated) => format!("{buffer}{}", &incoming[repeated..]),
        None => {
            let blank =
                buffer.ends_with(char::is_whitespace) || incoming.starts_with(char::is_whitespace);
            format!("{buffer}{}{incoming}", if blank { "" } else { " " })
        }
    }
}

/// How many bytes of the incoming speech repeat the end of the buffer.
fn repetition(buffer: &str, incoming: &str) -> Option<usize> {
    let old: Vec<char> = buffer.chars().collect();
    let new: Vec<char> = incoming.chars().collect();
    // There may be as many candidates as characters, so words are not counted
    // for each: a start of the incoming speech has enough of them if this one
    // begins in it. The end of the buffer has as many: the two differ in case
    // at most.
    let last_needed = word_starts(&new).nth(WHOLE_WORDS_MIN - 1);
    let length = overlaps(&old, &new).into_iter().find(|length| {
        let (kept, repeated) = old.split_at(old.len() - length);
        let rest = &new[*length..];
        let inside = |left: &[char], right: &[char]| {
            left.last().copied().is_some_and(is_of_word)
                && right.first().copied().is_some_and(is_of_word)
        };
        if inside(kept, repeated) || inside(repeated, rest) {
            *length >= PART_OF_WORD_MIN_CHARS
        } else {
            last_needed.is_some_and(|start| start < *length)
        }
    })?;
    Some(new[..length].iter().map(|c| c.len_utf8()).sum())
}

/// The lengths of all starts of `new` that are ends of `old`, longest first,
/// by the prefix function of Knuth, Morris and Pratt: linear in both.
fn overlaps(old: &[char], new: &[char]) -> Vec<usize> {
    let pattern: Vec<char> = new.iter().copied().map(fold).collect();
    let mut shorter = vec![0_usize; pattern.len()];
    let mut matched = 0;
    for at in 1..pattern.len() {
        while matched > 0 && pattern[at] != pattern[matched] {
            matched = shorter[matched - 1];
        }
        matched += usize::from(pattern[at] == pattern[matched]);
        shorter[at] = matched;
    }
    matched = 0;
    for c in old.iter().copied().map(fold) {
        while matched > 0 && pattern.get(matched) != Some(&c) {
            matched = shorter[matched - 1];
        }
        matched += usize::from(pattern.get(matched) == Some(&c));
    }
    let mut lengths = Vec::new();
    while matched > 0 {
        lengths.push(matched);
        matched = shorter[matched - 1];
    }
    lengths
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(fold)
}

/// Lower case, in one character so that positions stay comparable.
fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn is_of_word(c: char) -> bool {
    let joins = matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}');
    c.is_alphanumeric() || joins
}

/// The positions at which the words of a text begin.
fn word_starts(text: &[char]) -> impl Iterator<Item = usize> {
    let mut in_word = false;
    text.iter().enumerate().filter_map(move |(at, c)| {
        let was_in_word = std::mem::replace(&mut in_word, is_of_word(*c));
        (in_word && !was_in_word).then_some(at)
    })
}

#[cfg(test)]
mod tests;
