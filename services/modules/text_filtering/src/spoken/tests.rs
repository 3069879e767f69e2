mod calendar;
mod markup;
mod names;
mod quantities;
mod screen;

use proptest::prelude::*;

use super::*;

fn english(text: &str, expected: &str) {
    assert_eq!(spoken(text, &Language::english()), expected, "{text}");
}

fn russian(text: &str, expected: &str) {
    assert_eq!(spoken(text, &Language::russian()), expected, "{text}");
}

/// What is said as it is written.
fn unchanged(text: &str) {
    english(text, text);
    russian(text, text);
}

#[test]
fn what_a_voice_reads_well_stays() {
    for text in [
        "It isn't, it's rock 'n' roll.",
        "Yes.",
        "At 10:30 or 22:05.",
        "About 1,000,000 or 1.000.000 or 3.14 or 50% of it.",
        "The 1st, the 2nd.",
        "AT&T, R&D, C++, C#.",
        "What?! No... «Да», — сказал он…",
        "A 5* hotel, 1/2, 5k.",
        "Wi-Fi (802.11)",
        "你好，世界。",
        "#hashtag @name",
        "x <y> z",
    ] {
        unchanged(text);
    }
}

#[test]
fn signs_of_quantities_are_words() {
    for (text, expected) in [
        ("It is −5°C.", "It is minus 5 degrees Celsius."),
        ("-5 °C", "minus 5 degrees Celsius"),
        ("1°C or 72°F", "1 degree Celsius or 72 degrees Fahrenheit"),
        ("+5 ℃, a 90° turn", "plus 5 degrees Celsius, a 90 degree turn"),
        ("5–10°C", "5 to 10 degrees Celsius"),
        ("It costs 20€.", "It costs 20 euros."),
        ("(20 €)", "(20 euros)"),
        ("$5, $1 and $1,200.50", "5 dollars, 1 dollar and 1,200 dollars 50 cents"),
        ("$5 million, 2 billion €", "5 million dollars, 2 billion euros"),
        ("-$5 and £3-4", "minus 5 dollars and 3 to 4 pounds"),
        ("100 ₽", "100 rubles"),
        ("−3% or -7", "minus 3% or minus 7"),
        ("~10 and ≈ 20", "about 10 and about 20"),
        ("3 × 4 ± 1", "3 times 4 plus or minus 1"),
        ("#5 and № 6 and №7", "number 5 and number 6 and number 7"),
        ("Bed & breakfast", "Bed and breakfast"),
    ] {
        english(text, expected);
    }
    for (text, expected) in [
        ("Сейчас −5°C.", "Сейчас минус 5 градусов Цельсия."),
        (
            "1°С, 2°, 5,5 °C, 11°, 21°",
            "1 градус Цельсия, 2 градуса, 5,5 градуса Цельсия, 11 градусов, 21 градус",
        ),
        ("20€ и $5", "20 евро и 5 долларов"),
        ("$2 млн, 3 млн ₽", "2 миллиона долларов, 3 миллиона рублей"),
        ("101 ₽, 1,000 ₽", "101 рубль, 1,000 рублей"),
        ("100 руб. сдачи", "100 рублей сдачи"),
        ("Это 2 руб.", "Это 2 рубля."),
        ("~10 & ≈ 20", "около 10 и около 20"),
        ("№5, 2 × 2", "номер 5, 2 умножить на 2"),
        ("−3%", "минус 3%"),
    ] {
        russian(text, expected);
    }
}

#[test]
fn addresses_are_said_short() {
    english("See https://www.example.com/a?b=c#d.", "See link to example dot com.");
    english("(http://user@example.com:8080/x)", "(link to example dot com)");
    english("www.example.com, please", "link to example dot com, please");
    english("Write to bob.b@example.com!", "Write to bob dot b at example dot com!");
    english(
        "<https://example.com/x> or <bob@example.com>",
        "link to example dot com or bob at example dot com",
    );
    english("example.com", "example.com");
    russian("См. https://example.com/x", "Смотрите ссылка на example точка com");
    russian("bob@example.com", "bob собака example точка com");
}

#[test]
fn an_address_ends_with_a_word() {
    english("See https://b.:/", "See link to b");
    english("http://./x", "http://./x");
    english(".a@example.com", "dot a at example dot com");
    english("a-@example.com", "a dash at example dot com");
}

#[test]
fn versions_are_not_dates() {
    english("Version 1.2.3 and v2.0", "Version 1 point 2 point 3 and version 2.0");
    english("Python 3.12.1.", "Python 3 point 12 point 1.");
    english("on 01.02.24", "on 01.02.24");
    russian("v1.2.3", "версия 1 точка 2 точка 3");
}

#[test]
fn abbreviations_are_written_out() {
    english(
        "Dr. Smith met Mr. Jones and Prof. Lee.",
        "Doctor Smith met Mister Jones and Professor Lee.",
    );
    english("Elm Dr. is near", "Elm Dr. is near");
    english(
        "Fruit, e.g. apples, i.e., red ones, etc.",
        "Fruit, for example apples, that is, red ones, et cetera.",
    );
    english("(approx. No. 5 vs. no. Then", "(approximately number 5 versus no. Then");
    english("Pears, etc. We left", "Pears, et cetera. We left");
    russian("т.е. это и т.д. и т.п.", "то есть это и так далее и тому подобное.");
    russian(
        "Яблоки и т.д. Потом (напр. груши), т.к. надо",
        "Яблоки и так далее. Потом (например груши), так как надо",
    );
}

#[test]
fn markdown_is_not_said() {
    for (text, expected) in [
        ("# Title\n\nText", "Title. Text"),
        ("- one\n- two\n* three\n+ [x] four", "one. two. three. done: four"),
        ("1. First\n2. Second.", "1. First. 2. Second."),
        (
            "> A *quote* of **bold**, __strong__ and ~~old~~ text",
            "A quote of bold, strong and old text",
        ),
        ("***All*** of it: *5* and **6**", "All of it: 5 and 6"),
        ("[the docs](https://example.com/x_y) and ![a cat](cat.png)", "the docs and a cat"),
        ("See [this][1] and that[^2].", "See this and that."),
        ("[1] and [x", "[1] and [x"),
        ("Run `ls -la *` or ``a`b``", "Run ls dash la * or a`b"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("Above\n---\nbelow", "Above. below"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b. 1, 2"),
        ("open **bold", "open bold"),
        ("closed** too*", "closed too"),
        (r"1\. \*not\* C:\dir", r"1. *not* C:\dir"),
    ] {
        english(text, expected);
    }
}

#[test]
fn emoji_and_invisible_characters_are_not_said() {
    english("Done! 🎉", "Done!");
    english("Great 🎉🎉!", "Great!");
    english("I ❤️ it 👩‍👩‍👧 🇩🇪 👍🏽 ok", "I it ok");
    english("1️⃣ One", "1 One");
    english("a\u{200b}b\u{feff} c\u{7}d", "ab cd");
    english("✅ Bread\n✅ Milk", "Bread. Milk");
}

#[test]
fn groups_of_digits_are_one_number() {
    for blank in ['\u{a0}', '\u{202f}', '\u{2009}'] {
        english(&format!("10{blank}000 people"), "10000 people");
        russian(&format!("1{blank}234{blank}567,8 км"), "1234567,8 километра");
    }
    english("Room 10 200 people", "Room 10 200 people");
    russian("В 2024 200 человек, 12 34", "В 2024 200 человек, 12 34");
    russian("от 10 000–20 000", "от 10000–20000");
}

#[test]
fn a_fence_has_a_language_not_a_number() {
    english("~~~0", "0");
    english("~~~rust\nx\n~~~", "x");
}

#[test]
fn nothing_speakable_is_nothing() {
    for text in ["", " ", "😀", "…", "?!", "---", "```json", "{}", "**", "—"] {
        english(text, "");
        russian(text, "");
    }
}

#[test]
fn a_language_without_words_keeps_its_signs() {
    let german = Language::parse("de-DE").unwrap();
    let said = spoken("**Dr.** Müller: −5°C & 20€ 😀 https://example.com/x", &german);
    assert_eq!(said, "Dr. Müller: −5°C & 20€ example.com");
}

proptest! {
    #[test]
    fn plain_words_stay(
        // A stop stands behind a word that is too long for an abbreviation.
        text in "[a-zA-Zа-яА-Я']{1,8}( [a-zA-Zа-яА-Я']{1,8}){0,8}([!?]| [a-zа-я]{9}[.])?"
    ) {
        let is_plain = |word: &str| {
            word != "vs" && word != "Cmd" && word.contains(|c| !matches!(c, 'I' | 'V' | 'X'))
        };
        prop_assume!(text.split(' ').all(is_plain));
        prop_assume!(text.contains(char::is_alphanumeric));
        prop_assert_eq!(&spoken(&text, &Language::english()), &text);
        prop_assert_eq!(&spoken(&text, &Language::russian()), &text);
    }

    #[test]
    fn no_digit_is_ever_lost(text in "[-−~+$€£0-9.,°CF% v#№*_a&\n]{0,30}") {
        // The language of a fence is no loss.
        prop_assume!(!text.contains("~~~"));
        // But for the zeros of "$5.00" and "$0.05". Dates have a test of their own.
        let digits = |text: &str| text.chars().filter(|c| matches!(c, '1'..='9')).collect::<String>();
        prop_assert_eq!(digits(&spoken(&text, &Language::english())), digits(&text));
        prop_assert_eq!(digits(&spoken(&text, &Language::russian())), digits(&text));
    }

    #[test]
    fn any_text_can_be_said(text in any::<String>()) {
        let said = spoken(&text, &Language::english());
        prop_assert!(said.trim() == said);
        prop_assert!(spoken(&text, &Language::russian()).len() <= 16 * text.len() + 16);
    }

    #[test]
    fn any_markdown_can_be_said(text in "[-*_~`\\[\\]()<>!|#:/@.a-c1 \\\\\n]{0,40}") {
        prop_assert!(spoken(&text, &Language::english()).len() <= 16 * text.len() + 16);
    }
}
