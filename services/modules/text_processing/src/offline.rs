//! An honest assistant that needs no model: a few rules over whole words.
//!
//! It answers what rules can answer (time, date, sums, apps, small talk, what was
//! said last) in English and Russian, and says what it is for everything else.
//! A prompt is understood only when *all* of its words are accounted for: a rule
//! never fires because a word occurs somewhere in a sentence.

mod app;
mod arithmetic;
mod clock;
mod speech;
mod topic;
mod understand;
mod words;

use std::{sync::Arc, time::Duration};

use futures_util::stream;
use nexy_types::{BoxFuture, ImageFormat, Language};

use crate::{ChatRequest, Delta, DeltaStream, Error, FinishReason, LanguageModel};

/// How the offline assistant speaks.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The pause before each word. Zero says everything at once.
    pub token_delay: Duration,
}

/// The assistant that is always there.
pub struct OfflineAssistant {
    settings: Settings,
}

/// The languages that it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tongue {
    English,
    Russian,
}

// === impl OfflineAssistant ===

impl OfflineAssistant {
    /// An assistant; it needs nothing else.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl LanguageModel for OfflineAssistant {
    fn name(&self) -> &'static str {
        "offline"
    }

    fn image_formats(&self) -> &[ImageFormat] {
        &[]
    }

    fn reply(&self, request: Arc<ChatRequest>) -> BoxFuture<'static, Result<DeltaStream, Error>> {
        let pause = self.settings.token_delay;
        Box::pin(async move { Ok(spoken(&answer(&request), pause)) })
    }
}

// === impl Tongue ===

impl Tongue {
    /// By the text's script; where it has no letters, by the listener's language.
    fn of(text: &str, listener: &Language) -> Self {
        let cyrillic = text.chars().filter(|c| matches!(c, '\u{0400}'..='\u{04FF}')).count();
        let latin = text.chars().filter(char::is_ascii_alphabetic).count();
        let is_russian = if cyrillic == latin { listener.is_russian() } else { cyrillic > latin };
        if is_russian { Self::Russian } else { Self::English }
    }
}

/// The whole reply: speech, or one JSON object that asks for an action.
fn answer(request: &ChatRequest) -> String {
    let tongue = Tongue::of(&request.prompt, &request.language);
    let understood = understand::understand(&request.prompt, tongue);
    speech::say(&understood, request)
}

/// A word at a time, as models speak.
fn spoken(text: &str, pause: Duration) -> DeltaStream {
    let words: Vec<Delta> = text
        .split_inclusive(' ')
        .map(|word| Delta::Text(word.to_owned()))
        .chain([Delta::Finished(FinishReason::Stop)])
        .collect();
    Box::pin(stream::unfold(words.into_iter(), move |mut words| async move {
        let delta = words.next()?;
        if !pause.is_zero() && matches!(delta, Delta::Text(_)) {
            tokio::time::sleep(pause).await;
        }
        Some((Ok(delta), words))
    }))
}

#[cfg(test)]
mod tests;
