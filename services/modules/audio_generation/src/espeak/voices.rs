//! What espeak-ng is told: voice, speed, text.

use nexy_types::{Language, SpeechRate};

use crate::Utterance;

/// The voice for languages that espeak-ng does not speak.
const DEFAULT_VOICE: &str = "en-us";

/// The setting that leaves the voice to the language of the text.
const AUTO: &str = "auto";

/// What `-s` takes, in words per minute (espeak-ng(1)).
const SPEEDS: std::ops::RangeInclusive<f32> = 80.0..=450.0;

/// How fast espeak-ng speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) words_per_minute: u32,
    /// What it cannot do of the rate.
    pub(super) rate_left: SpeechRate,
}

/// Voices to be tried, best first: the listener's, the configured one, the
/// language's, the default. Each stands there once.
pub(super) fn candidates(configured: &str, utterance: &Utterance) -> Vec<String> {
    let asked = utterance.voice.as_deref().filter(|name| *name != AUTO && is_name(name));
    let configured = Some(configured).filter(|name| *name != AUTO && is_name(name));
    let spoken = voice_of(&utterance.language);
    let mut voices: Vec<String> = Vec::new();
    for voice in [asked, configured, Some(&spoken), Some(DEFAULT_VOICE)].into_iter().flatten() {
        if !voices.iter().any(|known| known == voice) {
            voices.push(voice.to_owned());
        }
    }
    voices
}

/// The speed at a rate, within what espeak-ng takes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to a few hundred"
)]
pub(super) fn pace(normal: u32, rate: SpeechRate) -> Pace {
    let normal = normal as f32;
    let wished = normal * rate.factor();
    let speed = wished.clamp(*SPEEDS.start(), *SPEEDS.end());
    let is_possible = SPEEDS.contains(&wished);
    let spoken = SpeechRate::new(speed / normal).ok().filter(|_| !is_possible);
    let rate_left = spoken.map_or(SpeechRate::NORMAL, |spoken| rate.after(spoken));
    Pace { words_per_minute: speed.round() as u32, rate_left }
}

/// The text without what espeak-ng takes for commands: control characters (1
/// begins an embedded command, 0 ends the text) and `[[`, which opens phonemes.
pub(super) fn plain(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control(), " ");
    if plain.contains("[[") { plain.replace('[', " ") } else { plain }
}

/// Whether a name can be a voice and nothing else: not an option, not a path.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-'))
}

/// The voice of a language. Where espeak-ng's name is not the primary subtag it
/// stands here (`espeak-ng --voices`, 1.51).
fn voice_of(language: &Language) -> String {
    let tag = language.as_str().to_ascii_lowercase();
    let primary = language.primary().to_ascii_lowercase();
    match (tag.as_str(), primary.as_str()) {
        ("en-gb" | "pt-br" | "fr-be" | "fr-ch", _) => tag,
        (_, "en") => DEFAULT_VOICE.to_owned(),
        (_, "zh") => "cmn".to_owned(),
        (_, "no") => "nb".to_owned(),
        _ => primary,
    }
}

#[cfg(test)]
mod tests;
