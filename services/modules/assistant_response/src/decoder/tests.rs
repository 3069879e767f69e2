use proptest::prelude::*;

use super::*;

/// Decodes the inside of a string, cut into characters, and says whether it closed.
fn by_character(inside: &str) -> (String, bool) {
    let (mut decoder, mut text, mut closed) = (TextDecoder::default(), String::new(), false);
    for c in inside.chars() {
        let progress = decoder.decode(c.encode_utf8(&mut [0; 4]), |piece| text.push_str(piece));
        closed |= progress.closed;
    }
    (text, closed)
}

fn check(inside: &str, expected: &str) {
    let mut text = String::new();
    let progress =
        TextDecoder::default().decode(&format!("{inside}\"tail"), |piece| text.push_str(piece));
    assert_eq!(text, expected, "{inside}");
    assert_eq!(progress, Progress { used: inside.len() + 1, closed: true }, "{inside}");
    assert_eq!(by_character(&format!("{inside}\"")), (expected.to_owned(), true), "{inside}");
}

#[test]
fn every_escape_is_read() {
    check("", "");
    check("plain – текст 你好 😀", "plain – текст 你好 😀");
    check(r#"\" \\ \/ \b \f \n \r \t"#, "\" \\ / \u{8} \u{c} \n \r \t");
    check(r"\u0041\u00e9\u4f60", "Aé你");
    check(r"\ud83d\ude00 \uD83D\uDE00", "😀 😀");
    check(r"\\u0041", r"\u0041");
}

#[test]
fn a_surrogate_without_its_other_half_is_replaced() {
    check(r"a\ud83db", "a\u{fffd}b");
    check(r"\ud83d", "\u{fffd}");
    check(r"\ud83d\n", "\u{fffd}\n");
    check(r"\ude00\ud83d", "\u{fffd}\u{fffd}");
    check(r"\ud83d\u0041", "\u{fffd}A");
    check(r"\ud83d\ud83d\ude00", "\u{fffd}😀");
}

#[test]
fn what_is_no_json_is_still_spoken() {
    check("two\nlines", "two\nlines");
    check(r"it\'s", "it's");
    check(r"\ж", "ж");
    check(r"\u12", "\u{fffd}");
    check(r"\u00zz", "\u{fffd}zz");
    check(r"\u\n", "\u{fffd}\n");
}

#[test]
fn an_unfinished_escape_is_not_spoken() {
    for inside in [r"hi\", r"hi\u", r"hi\u00", r"hi\ud83d", r"hi\ud83d\u"] {
        assert_eq!(by_character(inside), ("hi".to_owned(), false), "{inside}");
    }
}

proptest! {
    #[test]
    fn whatever_serde_json_writes_comes_back(text in any::<String>()) {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(by_character(&json[1..]), (text, true));
    }

    #[test]
    fn utf16_escapes_read_as_utf16_does(units in prop::collection::vec(
        prop_oneof![any::<u16>(), 0xD800_u16..0xE000], 0..8,
    )) {
        let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        check(&escaped, &String::from_utf16_lossy(&units));
    }
}
