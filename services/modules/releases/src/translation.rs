use crate::{HttpsUrl, Notes, NotesSignature, Problem};

/// The language of a release's own notes, where there are others beside them:
/// what clients assume of notes that do not say theirs.
pub(crate) const OWN_LANGUAGE: &str = "en";

/// The release notes in one more language. Clients show the ones that suit
/// their user best.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Translation {
    /// The language.
    #[serde(rename = "lang")]
    pub language: Language,
    /// A page about what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes_url: Option<HttpsUrl>,
    /// The signature of that page, for clients that require one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes_signature: Option<NotesSignature>,
    /// What is new, in the feed itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
}

/// A language as `xml:lang` names it, e.g. `de` or `pt-BR`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Language(String);

// === impl Language ===

impl Language {
    /// Checks the name of a language.
    ///
    /// # Errors
    /// When it has not the shape of one (RFC 5646, without private parts).
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut parts = text.split('-');
        let is_first = |part: &str| {
            (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
        };
        let is_other = |part: &str| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if parts.next().is_some_and(is_first) && parts.all(is_other) {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new("lang", "must be a language, e.g. \"de\" or \"pt-BR\""))
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
