use nexy_types::{Language, SpeechRate};

use super::{Pace, candidates, pace, plain};
use crate::Utterance;

fn check(configured: &str, voice: Option<&str>, language: &str, expected: &[&str]) {
    let utterance = Utterance {
        text: "a".to_owned(),
        language: Language::parse(language).unwrap(),
        voice: voice.map(str::to_owned),
        rate: SpeechRate::NORMAL,
    };
    assert_eq!(candidates(configured, &utterance), expected, "{configured} {voice:?} {language}");
}

#[test]
fn goes_by_the_language_unless_told_otherwise() {
    check("auto", None, "en", &["en-us"]);
    check("auto", None, "en-AU", &["en-us"]);
    check("auto", None, "en-GB", &["en-gb", "en-us"]);
    check("auto", None, "ru-RU", &["ru", "en-us"]);
    check("auto", None, "uk", &["uk", "en-us"]);
    check("auto", None, "zh-Hant", &["cmn", "en-us"]);
    check("auto", None, "DE-at", &["de", "en-us"]);
    check("auto", None, "pt-BR", &["pt-br", "en-us"]);
    check("auto", None, "qaa", &["qaa", "en-us"]);
    check("en-gb-scotland", None, "ru", &["en-gb-scotland", "ru", "en-us"]);
    check("en-gb", Some("en-us+f3"), "ru", &["en-us+f3", "en-gb", "ru", "en-us"]);
    check("auto", Some("auto"), "ru", &["ru", "en-us"]);
}

#[test]
fn never_takes_a_name_for_an_option_or_a_path() {
    for name in ["-w", "--path=/etc", "../../etc/passwd", "a b", "", "ру", "en;us", "mb/mb-en1"] {
        check("auto", Some(name), "ru", &["ru", "en-us"]);
        check(name, None, "ru", &["ru", "en-us"]);
    }
}

#[test]
fn keeps_the_speed_within_what_the_program_takes_and_leaves_the_rest() {
    for (normal, factor, words_per_minute, left) in [
        (175, 1.0, 175, 1.0),
        (175, 2.0, 350, 1.0),
        (150, 3.0, 450, 1.0),
        (175, 3.0, 450, 1.167),
        (450, 3.0, 450, 3.0),
        (150, 0.75, 113, 1.0),
        (160, 0.5, 80, 1.0),
        (100, 0.5, 80, 0.625),
        (80, 0.5, 80, 0.5),
    ] {
        let [rate, rate_left] = [factor, left].map(|factor| SpeechRate::new(factor).unwrap());
        assert_eq!(pace(normal, rate), Pace { words_per_minute, rate_left }, "{normal} {factor}");
    }
}

#[test]
fn leaves_no_command_in_the_text() {
    for (text, expected) in [
        ("plain text, [one] bracket", "plain text, [one] bracket"),
        ("say [[h@l'oU]] now", "say   h@l'oU]] now"),
        ("[[[x", "   x"),
        ("a\u{1}200Sb\0c\nd", "a 200Sb c d"),
        ("Привет", "Привет"),
    ] {
        assert_eq!(plain(text), expected);
    }
}
