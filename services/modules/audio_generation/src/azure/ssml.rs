//! Speech Synthesis Markup Language 1.0, as far as Azure is asked in it.

use nexy_types::SpeechRate;

/// What one document says, and how.
pub(super) struct Spoken<'a> {
    /// BCP 47 with a region.
    pub(super) locale: String,
    /// Azure's name of the voice.
    pub(super) voice: &'a str,
    /// Within what Azure takes.
    pub(super) rate: SpeechRate,
    /// Already [`escaped`].
    pub(super) text: &'a str,
}

/// The body of a request.
pub(super) fn document(spoken: &Spoken<'_>) -> String {
    let Spoken { locale, voice, rate, text } = spoken;
    let (locale, voice, rate) = (escaped(locale), escaped(voice), change(*rate));
    format!(
        "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" \
         xml:lang=\"{locale}\"><voice name=\"{voice}\"><prosody rate=\"{rate}\">{text}</prosody>\
         </voice></speak>"
    )
}

/// A text as XML character data or attribute value. Characters that XML 1.0
/// knows no way to write (§2.2) are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => {
                escaped.push(c);
            }
            _ => {}
        }
    }
    escaped
}

/// A rate as SSML's relative change: `+0%` is the voice's own speed, `-50%` half
/// of it.
fn change(rate: SpeechRate) -> String {
    // Adding zero turns a negative one into a positive one.
    let percent = ((rate.factor() - 1.0) * 100.0).round() + 0.0;
    format!("{percent:+.0}%")
}

#[cfg(test)]
mod tests;
