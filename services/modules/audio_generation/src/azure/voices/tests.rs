use std::collections::BTreeSet;

use nexy_types::{Language, SpeechRate};

use super::{DEFAULT_VOICES, MULTILINGUAL_VOICE, asked, is_name, locale, locale_of, own};
use crate::Utterance;

const ARIA: &str = "en-US-AriaNeural";

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

#[test]
fn every_default_is_a_voice_and_stands_there_once() {
    assert!(DEFAULT_VOICES.iter().all(|voice| is_name(voice)));
    let locales: BTreeSet<&str> = DEFAULT_VOICES.iter().map(|voice| locale(voice)).collect();
    assert_eq!(locales.len(), DEFAULT_VOICES.len());
    assert!(is_name(MULTILINGUAL_VOICE));
}

#[test]
fn gives_every_language_a_voice_that_speaks_it() {
    for (configured, tag, expected) in [
        (ARIA, "en", ARIA),
        (ARIA, "en-GB", ARIA),
        ("de-DE-ConradNeural", "en", ARIA),
        ("de-DE-ConradNeural", "en-GB", "en-GB-SoniaNeural"),
        (ARIA, "ru", "ru-RU-SvetlanaNeural"),
        (ARIA, "RU-ru", "ru-RU-SvetlanaNeural"),
        (ARIA, "uk", "uk-UA-PolinaNeural"),
        (ARIA, "de-AT", "de-DE-KatjaNeural"),
        (ARIA, "pt", "pt-BR-FranciscaNeural"),
        (ARIA, "pt-PT", "pt-PT-RaquelNeural"),
        (ARIA, "zh", "zh-CN-XiaoxiaoNeural"),
        (ARIA, "zh-Hant-HK", "zh-CN-XiaoxiaoNeural"),
        (ARIA, "cmn", "zh-CN-XiaoxiaoNeural"),
        (ARIA, "no", "nb-NO-PernilleNeural"),
        (ARIA, "ja", "ja-JP-NanamiNeural"),
        (ARIA, "ka", MULTILINGUAL_VOICE),
        ("en-US-BrianMultilingualNeural", "ru", "en-US-BrianMultilingualNeural"),
        ("en-US-Ava:DragonHDLatestNeural", "ru", "en-US-Ava:DragonHDLatestNeural"),
        ("ru-RU-DmitryNeural", "ru", "ru-RU-DmitryNeural"),
    ] {
        assert_eq!(own(configured, &language(tag)), expected, "{tag} with {configured}");
    }
}

#[test]
fn no_script_of_ours_is_read_by_a_voice_of_another_language() {
    for text in ["Hello", "Привет", "Привіт, як справи? Її", "你好", "こんにちは", "안녕하세요"]
    {
        let language = Language::of_text(text);
        for configured in DEFAULT_VOICES {
            let voice = own(configured, &language);
            assert_eq!(voice.split('-').next(), Some(language.primary()), "{text}");
        }
    }
}

#[test]
fn takes_the_listeners_voice_only_where_it_can_say_the_text() {
    for (voice, tag, expected) in [
        ("en-US-GuyNeural", "en", true),
        ("en-GB-RyanNeural", "en-US", true),
        ("en-US-GuyNeural", "ru", false),
        ("en-US-AndrewMultilingualNeural", "ru", true),
        ("alloy", "en", false),
        ("en-us", "en", false),
        ("", "en", false),
    ] {
        let utterance = Utterance {
            text: "x".to_owned(),
            language: language(tag),
            voice: Some(voice.to_owned()),
            rate: SpeechRate::NORMAL,
        };
        assert_eq!(asked(&utterance), expected.then_some(voice), "{voice} for {tag}");
    }
}

#[test]
fn knows_the_shape_of_a_voice() {
    for name in [
        ARIA,
        "zh-CN-liaoning-XiaobeiNeural",
        "iu-Cans-CA-SiqiniqNeural",
        "fil-PH-BlessicaNeural",
        "en-US-Ava:DragonHDLatestNeural",
        "en-US-MultiTalker-Ava-Andrew:DragonHDLatestNeural",
    ] {
        assert!(is_name(name), "{name}");
    }
    for name in [
        "",
        "alloy",
        "en-US",
        "en-US-Neural",
        "en-AriaNeural",
        "en-US-Aria",
        "en--AriaNeural",
        "e-US-AriaNeural",
        "en-US-Aria Neural",
        "en-US-\"><AriaNeural",
        &format!("en-US-{}Neural", "x".repeat(60)),
    ] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn completes_a_language_with_its_region() {
    for (tag, expected) in [
        ("en", "en-US"),
        ("ru", "ru-RU"),
        ("uk", "uk-UA"),
        ("pt", "pt-BR"),
        ("zh", "zh-CN"),
        ("no", "nb-NO"),
        ("no-NO", "nb-NO"),
        ("de-AT", "de-AT"),
        ("es-419", "es-419"),
        ("sr-Latn-RS", "sr-Latn-RS"),
        ("zh-Hans", "zh-CN"),
        ("ka", "ka"),
    ] {
        assert_eq!(locale_of(&language(tag)), expected);
    }
}
