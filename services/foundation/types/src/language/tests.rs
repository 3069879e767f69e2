use super::*;

#[test]
fn the_script_with_the_most_letters_decides() {
    let rows = [
        ("What time is it?", "en"),
        ("Который час?", "ru"),
        ("Открой Telegram, пожалуйста", "ru"),
        ("Котра година? Її", "uk"),
        ("現在の時間は", "ja"),
        ("现在几点", "zh"),
        ("몇 시예요", "ko"),
        ("12:30", "en"),
        ("", "en"),
    ];
    for (text, expected) in rows {
        assert_eq!(Language::of_text(text).as_str(), expected, "{text:?}");
    }
}

#[test]
fn tags_are_checked_for_shape() {
    for good in ["en", "ru-RU", "zh-Hans-CN", "sr-Latn"] {
        assert_eq!(Language::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "e", "english language", "en_US", "12", "-en", "en-", "ru-123456789"] {
        assert_eq!(Language::parse(bad), None, "{bad:?}");
    }
    assert_eq!(Language::parse("ru-RU").unwrap().primary(), "ru");
}

#[test]
fn a_preference_holds_only_for_texts_in_its_script() {
    let french = Language::parse("fr-FR").unwrap();
    assert_eq!(Language::to_say("Bonjour", Some(&french)), french);
    assert_eq!(Language::to_say("Добрый день", Some(&french)).as_str(), "ru");
    assert_eq!(Language::to_say("Hello", Some(&Language::russian())).as_str(), "en");
    assert_eq!(Language::to_say("Hello", None).as_str(), "en");
}

#[test]
fn a_text_without_words_goes_with_the_listener() {
    for text in ["10:30", "−5 °C.", "1 + 1 = 2", "👍", "7"] {
        assert_eq!(Language::to_say(text, Some(&Language::russian())).as_str(), "ru", "{text}");
        assert_eq!(Language::to_say(text, None).as_str(), "en", "{text}");
    }
    assert_eq!(Language::to_say("OK", Some(&Language::russian())).as_str(), "en");
    assert_eq!(Language::to_say("好", Some(&Language::russian())).as_str(), "zh");
}

#[test]
fn a_sentence_that_begins_in_russian_is_russian_whatever_it_names() {
    let text = "Откройте System Settings → Privacy & Security → Accessibility.";
    let english = Language::english();
    for preferred in [None, Some(&english), Some(&Language::russian())] {
        assert_eq!(Language::to_say(text, preferred).as_str(), "ru");
    }
    assert_eq!(Language::to_say("Їжте Hamburger and French fries", None).as_str(), "uk");
    assert_eq!(Language::to_say("The word \"привет\" is Russian.", None).as_str(), "en");
}
