//! Which Azure voice says what.

use nexy_types::Language;

use crate::Utterance;

/// The voices for texts in a language that the configured voice does not speak,
/// one per locale, from "Language and voice support for the Speech service"
/// (learn.microsoft.com, October 2025). A language's first stands for its other
/// locales too.
pub const DEFAULT_VOICES: &[&str] = &[
    "en-US-AriaNeural",
    "en-GB-SoniaNeural",
    "ru-RU-SvetlanaNeural",
    "uk-UA-PolinaNeural",
    "de-DE-KatjaNeural",
    "fr-FR-DeniseNeural",
    "fr-CA-SylvieNeural",
    "es-ES-ElviraNeural",
    "es-MX-DaliaNeural",
    "it-IT-ElsaNeural",
    "pt-BR-FranciscaNeural",
    "pt-PT-RaquelNeural",
    "pl-PL-AgnieszkaNeural",
    "tr-TR-EmelNeural",
    "zh-CN-XiaoxiaoNeural",
    "zh-HK-HiuMaanNeural",
    "zh-TW-HsiaoChenNeural",
    "yue-CN-XiaoMinNeural",
    "ja-JP-NanamiNeural",
    "ko-KR-SunHiNeural",
    "ar-EG-SalmaNeural",
    "bg-BG-KalinaNeural",
    "cs-CZ-VlastaNeural",
    "da-DK-ChristelNeural",
    "el-GR-AthinaNeural",
    "fi-FI-SelmaNeural",
    "he-IL-HilaNeural",
    "hi-IN-SwaraNeural",
    "hu-HU-NoemiNeural",
    "id-ID-GadisNeural",
    "kk-KZ-AigulNeural",
    "mk-MK-MarijaNeural",
    "mn-MN-YesuiNeural",
    "nb-NO-PernilleNeural",
    "nl-NL-FennaNeural",
    "ro-RO-AlinaNeural",
    "sr-RS-SophieNeural",
    "sv-SE-SofieNeural",
    "th-TH-PremwadeeNeural",
    "vi-VN-HoaiMyNeural",
];

/// Finds out the language by itself, 77 of them ("Multilingual voices", same
/// page). It speaks where no voice of the language is known here.
const MULTILINGUAL_VOICE: &str = "en-US-AvaMultilingualNeural";

/// Longer names are not voices.
const LONGEST_NAME: usize = 64;

/// Language subtags for which Azure writes another.
const ALIASES: [(&str, &str); 5] =
    [("no", "nb"), ("nn", "nb"), ("cmn", "zh"), ("iw", "he"), ("in", "id")];

/// The voice for a language: the configured one, if it speaks it.
pub(super) fn own<'a>(configured: &'a str, language: &Language) -> &'a str {
    if speaks(configured, language) {
        configured
    } else {
        default_of(&canonical(language)).unwrap_or(MULTILINGUAL_VOICE)
    }
}

/// The voice that the listener asked for, if it can be an Azure voice and speaks
/// the language.
pub(super) fn asked(utterance: &Utterance) -> Option<&str> {
    let voice = utterance.voice.as_deref()?;
    (is_name(voice) && speaks(voice, &utterance.language)).then_some(voice)
}

/// A language with its region, as `xml:lang` wants it: `ru` becomes `ru-RU`.
pub(super) fn locale_of(language: &Language) -> String {
    let tag = canonical(language);
    let has_region = tag.split('-').skip(1).any(is_region);
    match default_of(&tag) {
        Some(voice) if !has_region => locale(voice).to_owned(),
        _ => tag,
    }
}

/// Whether a name has the shape of an Azure voice: `ll-RR-NameNeural`, perhaps
/// with more subtags, or with a model after a colon.
pub(super) fn is_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [language, _region, .., last] = parts.as_slice() else { return false };
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':')
    };
    name.len() <= LONGEST_NAME
        && (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.iter().all(|part| is_plain(part))
        && last.strip_suffix("Neural").is_some_and(|name| !name.is_empty())
}

/// Whether a text in the language is safe with a voice: it is of the same
/// language, or finds out by itself.
fn speaks(voice: &str, language: &Language) -> bool {
    let is_multilingual = voice.contains("Multilingual") || voice.contains(":DragonHDLatest");
    is_multilingual || primary(voice).eq_ignore_ascii_case(primary(&canonical(language)))
}

/// The default of the locale, or else of its language.
fn default_of(tag: &str) -> Option<&'static str> {
    let find = |is_it: &dyn Fn(&str) -> bool| {
        DEFAULT_VOICES.iter().copied().find(|voice| is_it(locale(voice)))
    };
    find(&|locale| locale.eq_ignore_ascii_case(tag))
        .or_else(|| find(&|locale| primary(locale).eq_ignore_ascii_case(primary(tag))))
}

/// A tag in Azure's words.
fn canonical(language: &Language) -> String {
    let spoken = language.primary().to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(name, _)| *name == spoken).map(|(_, alias)| *alias);
    let rest = language.as_str().get(spoken.len()..).unwrap_or_default();
    format!("{}{rest}", alias.unwrap_or(&spoken))
}

/// The part of a voice's name before its own: `ru-RU` of `ru-RU-SvetlanaNeural`.
fn locale(voice: &str) -> &str {
    voice.rsplit_once('-').map_or(voice, |(locale, _)| locale)
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

fn is_region(subtag: &str) -> bool {
    (subtag.len() == 2 && subtag.bytes().all(|b| b.is_ascii_alphabetic()))
        || (subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
