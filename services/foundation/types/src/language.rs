use std::fmt;

/// A BCP 47 language tag, e.g. `en` or `ru-RU`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(Box<str>);

/// The longest tag that is accepted; RFC 5646 §4.4.1 asks for at least 35.
const TAG_MAX_LEN: usize = 35;

/// The scripts that are told apart. Anything else is read as Latin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Han,
    Japanese,
    Hangul,
}

// === impl Language ===

impl Language {
    /// English.
    #[must_use]
    pub fn english() -> Self {
        Self("en".into())
    }

    /// Russian.
    #[must_use]
    pub fn russian() -> Self {
        Self("ru".into())
    }

    /// A tag of letters and digits in groups of at most eight, as RFC 5646
    /// shapes them. `None` when the text has another shape.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let well_formed = tag.len() <= TAG_MAX_LEN
            && tag.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            })
            && tag.split('-').next().is_some_and(|primary| {
                (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic())
            });
        well_formed.then(|| Self(tag.into()))
    }

    /// The language of a text, judged by its script: the script with the most
    /// letters wins, and a text without letters is English.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let (mut latin, mut cyrillic, mut ukrainian, mut han, mut kana, mut hangul) =
            (0_usize, 0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            match c {
                'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ' => ukrainian += 1,
                '\u{0400}'..='\u{04FF}' => cyrillic += 1,
                '\u{3040}'..='\u{30FF}' => kana += 1,
                '\u{3400}'..='\u{9FFF}' => han += 1,
                '\u{AC00}'..='\u{D7AF}' => hangul += 1,
                _ => latin += 1,
            }
        }
        let cyrillic_letters = cyrillic + ukrainian;
        let rows = [
            (latin, "en"),
            (cyrillic_letters, if ukrainian > 0 { "uk" } else { "ru" }),
            (han + kana, if kana > 0 { "ja" } else { "zh" }),
            (hangul, "ko"),
        ];
        // The first of equals wins, so a text without letters is English.
        let (_, tag) =
            rows.into_iter().rev().max_by_key(|(letters, _)| *letters).unwrap_or(rows[0]);
        Self(tag.into())
    }

    /// The language to say a text in, for a listener who prefers one: theirs
    /// when it is written in the text's script or has no words ("10:30", "−5 °C"),
    /// else the text's own. A Russian sentence is not legible to an English voice,
    /// whoever listens; so one that begins in Russian is Russian, though it may
    /// name many things in Latin letters, which a Russian voice reads.
    #[must_use]
    pub fn to_say(text: &str, preferred: Option<&Self>) -> Self {
        let own = Self::of_text(text);
        let own = match own.script() {
            Script::Latin if begins_in_cyrillic(text) => {
                Self::of_text(&text.replace(|c: char| c.is_ascii_alphabetic(), ""))
            }
            _ => own,
        };
        match preferred {
            Some(preferred) if preferred.script() == own.script() => preferred.clone(),
            Some(preferred) if own.script() == Script::Latin && !has_words(text) => {
                preferred.clone()
            }
            _ => own,
        }
    }

    fn script(&self) -> Script {
        match self.primary().to_ascii_lowercase().as_str() {
            "ru" | "uk" | "be" | "bg" | "sr" | "mk" | "kk" | "ky" | "mn" | "tg" => Script::Cyrillic,
            "zh" | "yue" | "cmn" => Script::Han,
            "ja" => Script::Japanese,
            "ko" => Script::Hangul,
            _ => Script::Latin,
        }
    }

    /// The whole tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary subtag: `ru` of `ru-RU`.
    #[must_use]
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// Whether the primary language is Russian.
    #[must_use]
    pub fn is_russian(&self) -> bool {
        self.primary().eq_ignore_ascii_case("ru")
    }
}

fn begins_in_cyrillic(text: &str) -> bool {
    let first = text.chars().find(|c| c.is_alphabetic());
    first.is_some_and(|c| matches!(c, '\u{0400}'..='\u{04FF}'))
}

/// Whether two letters stand side by side.
fn has_words(text: &str) -> bool {
    let mut letters = text.chars().map(char::is_alphabetic);
    let mut before = false;
    letters.any(|letter| std::mem::replace(&mut before, letter) && letter)
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
