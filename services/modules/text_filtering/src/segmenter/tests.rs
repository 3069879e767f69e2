use proptest::prelude::*;

use super::*;

const SETTINGS: Settings =
    Settings { min_chars: 15, min_words: 3, first_sentence_min_words: 2, force_flush_max_chars: 0 };

/// Every sentence and, at first, every clause is long enough.
const EAGER: Settings =
    Settings { min_chars: 0, min_words: 1, first_sentence_min_words: 1, force_flush_max_chars: 0 };

fn segments<'a>(settings: Settings, deltas: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut segmenter = Segmenter::new(settings);
    let mut segments = Vec::new();
    for delta in deltas {
        segments.extend(segmenter.push(delta));
    }
    segments.extend(segmenter.finish());
    segments
}

fn characters(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|_| true)
}

fn check_with(settings: Settings, reply: &str, expected: &[&str]) {
    assert_eq!(segments(settings, [reply]), expected, "{reply}");
    assert_eq!(segments(settings, characters(reply)), expected, "cut into characters: {reply}");
}

fn check(reply: &str, expected: &[&str]) {
    check_with(SETTINGS, reply, expected);
}

/// Checks where sentences end. The first word keeps the first clause from
/// being cut off.
fn sentences(reply: &str, expected: &[&str]) {
    let reply = format!("Go. {reply}");
    let expected: Vec<_> = ["Go."].iter().chain(expected).copied().collect();
    check_with(EAGER, &reply, &expected);
}

#[test]
fn a_reply_of_any_kind_comes_out_in_full() {
    check("", &[]);
    check(" \n ", &[]);
    check("Yes", &["Yes"]);
    check("Yes.", &["Yes."]);
    check("  no full stop here  ", &["no full stop here"]);
    check("It is done. It is done. It is done.", &["It is done.", "It is done. It is done."]);
    check("😀", &["😀"]);
    check("...", &["..."]);
    check("{", &["{"]);
}

#[test]
fn the_first_segment_leaves_with_the_first_clause_that_is_long_enough() {
    check(
        "Well, as far as I can see, it works fine.",
        &["Well, as far as I can see,", "it works fine."],
    );
    check(
        "Here is the list: one and two and three.",
        &["Here is the list:", "one and two and three."],
    );
    check(
        "That is a good idea — let us do it now.",
        &["That is a good idea —", "let us do it now."],
    );
    check("I do. You know, I really do think so.", &["I do.", "You know, I really do think so."]);
    check("Yes. I can do that, of course.", &["Yes. I can do that,", "of course."]);
    check(
        "It takes from 10 – 20 minutes, I think.",
        &["It takes from 10 – 20 minutes,", "I think."],
    );
    check("The price is 1,000,000 dollars, sir.", &["The price is 1,000,000 dollars,", "sir."]);
}

#[test]
fn later_segments_are_sentences_and_short_ones_go_together() {
    check(
        "Sure thing. Ok. Go. Now open the door, please, and wait. Bye.",
        &["Sure thing.", "Ok. Go. Now open the door, please, and wait.", "Bye."],
    );
}

#[test]
fn a_segment_leaves_as_soon_as_its_end_is_certain() {
    let mut segmenter = Segmenter::new(SETTINGS);
    assert_eq!(segmenter.push("It is three."), [""; 0]);
    assert_eq!(segmenter.push(" "), ["It is three."]);
    assert_eq!(segmenter.push("It costs 3."), [""; 0]);
    assert_eq!(segmenter.push("14 in the U.S."), [""; 0]);
    assert_eq!(segmenter.push(" "), [""; 0]);
    assert_eq!(segmenter.push("B"), ["It costs 3.14 in the U.S."]);
    assert_eq!(segmenter.push("ut it is a line\n"), ["But it is a line"]);
    assert_eq!(segmenter.push("再见。"), [""; 0]);
    assert_eq!(segmenter.finish().as_deref(), Some("再见。"));
}

#[test]
fn abbreviations_do_not_end_sentences() {
    for reply in [
        "Dr. Smith and Mrs. Jones met Prof. Lee.",
        "Fruit, e.g. apples, i.e. the red ones, etc. and so on.",
        "J. S. Bach and А. С. Пушкин never met.",
        "Meet me at 5 p.m. tomorrow in the U.S. embassy.",
        "Apple Inc. is on Main St. in No. 5.",
        "(Dr. Smith) said \"Mr. Jones\" is late.",
        "Это, т.е. вот это, и т.д. и т.п. написано в г. Москва на ул. Ленина.",
        "В 2024 г. было 5 тыс. человек и 10 руб. сдачи.",
        "Им. Горького, д. 5, кв. 7, стр. 12.",
        "Version 1.2.3 of https://example.com/a.b?c=d costs 3.14.",
        "Write to bob.b@example.com at 10:30.",
    ] {
        sentences(reply, &[reply]);
    }
}

#[test]
fn an_abbreviation_can_end_a_sentence() {
    sentences("We met at 5 p.m. Then we left.", &["We met at 5 p.m.", "Then we left."]);
    sentences("Apples, pears, etc. We like them.", &["Apples, pears, etc.", "We like them."]);
    sentences("I said no. You said yes.", &["I said no.", "You said yes."]);
    sentences("Это было в 2024 г. Потом нет.", &["Это было в 2024 г.", "Потом нет."]);
    sentences("Яблоки и т.д. Всё есть.", &["Яблоки и т.д.", "Всё есть."]);
    sentences("Яблоки и т. д. Всё есть.", &["Яблоки и т. д.", "Всё есть."]);
    sentences("Он и т. п. люди.", &["Он и т. п. люди."]);
}

#[test]
fn stops_of_every_kind_end_sentences() {
    sentences(
        "What?! No way!! Well... fine… ok",
        &["What?!", "No way!!", "Well...", "fine…", "ok"],
    );
    sentences(
        "He said \"stop.\" (Really?) *Yes!* **Now.** ok",
        &["He said \"stop.\"", "(Really?)", "*Yes!*", "**Now.**", "ok"],
    );
    sentences("Он сказал: «Да.» Потом ушёл.", &["Он сказал: «Да.»", "Потом ушёл."]);
    sentences("In 2024. Then 5. Done.", &["In 2024.", "Then 5.", "Done."]);
    sentences("यह है। वह है।", &["यह है।", "वह है।"]);
    sentences("See example.com. It is 10:30. Ok.", &["See example.com.", "It is 10:30.", "Ok."]);
}

#[test]
fn wide_stops_need_no_blank() {
    check_with(
        EAGER,
        "你好。「再见！」真的吗？！好",
        &["你好。", "「再见！」", "真的吗？！", "好"],
    );
    check(
        "你好，世界和所有的人们今天都好吗，是的。很好。",
        &["你好，世界和所有的人们今天都好吗，", "是的。很好。"],
    );
    check("现在是晚上的时间大概的十：三十分，是", &["现在是晚上的时间大概的十：三十分，", "是"]);
}

#[test]
fn lines_are_sentences() {
    sentences(
        "List:\n- one\n- two and\n1. First\n2. Second\n\n# Head\nend",
        &["List:", "- one", "- two and", "1. First", "2. Second", "# Head", "end"],
    );
    check("Yes\nNo\nThis is the third line\nBye", &["Yes\nNo", "This is the third line", "Bye"]);
}

#[test]
fn a_long_segment_is_cut_at_its_last_blank() {
    let settings = Settings { force_flush_max_chars: 10, ..SETTINGS };
    check_with(settings, "one two three four", &["one two", "three four"]);
    check_with(settings, "abcdefghijklmnop qrs t", &["abcdefghijklmnop", "qrs t"]);
    check_with(settings, "一二三，四五六、七八九十百千", &["一二三，四五六、", "七八九十百千"]);
    check_with(
        settings,
        "a\u{a0}b\u{a0}c\u{a0}d\u{a0}e\u{a0}f g",
        &["a\u{a0}b\u{a0}c\u{a0}d\u{a0}e\u{a0}f", "g"],
    );
}

#[test]
fn no_grapheme_is_split() {
    check_with(EAGER, "好。\u{fe00}再", &["好。\u{fe00}", "再"]);
    let settings = Settings { force_flush_max_chars: 2, ..EAGER };
    check_with(settings, "👩‍👩‍👧‍👧 é", &["👩‍👩‍👧‍👧", "é"]);
}

fn settings() -> impl Strategy<Value = Settings> {
    (0..30_usize, 0..5_usize, 0..4_usize, prop_oneof![Just(0_usize), 1..60_usize]).prop_map(
        |(min_chars, min_words, first_sentence_min_words, force_flush_max_chars)| Settings {
            min_chars,
            min_words,
            first_sentence_min_words,
            force_flush_max_chars,
        },
    )
}

fn reply() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        " ",
        " ",
        " ",
        "\n",
        ". ",
        "? ",
        "... ",
        ".",
        ",",
        ", ",
        ": ",
        " — ",
        "Dr. ",
        "p.m. ",
        "г. ",
        "word",
        "Word",
        "слово",
        "3.14",
        "10:30",
        "e\u{301}",
        "👩‍👧",
        "\u{a0}",
        "\"",
        ")",
        "*",
        "1. ",
        "https://a.b/c. ",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn normalised(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

proptest! {
    #[test]
    fn the_segments_are_the_reply(settings in settings(), reply in reply()) {
        let segments = segments(settings, [reply.as_str()]);
        let joined = segments.join(" ");
        if reply.contains(|c| sentence::is_wide_stop(c) || sentence::is_wide_clause(c)) {
            prop_assert_eq!(without_blanks(&joined), without_blanks(&reply));
        } else {
            prop_assert_eq!(normalised(&joined), normalised(&reply));
        }
        prop_assert!(segments.iter().all(|segment| !segment.is_empty() && segment.trim() == segment));
    }

    #[test]
    fn any_cut_gives_the_same(
        settings in settings(),
        reply in reply(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let at = |cut: &prop::sample::Index| reply.floor_char_boundary(cut.index(reply.len() + 1));
        let mut ends: Vec<usize> = cuts.iter().map(at).chain([0, reply.len()]).collect();
        ends.sort_unstable();
        let deltas: Vec<_> = ends.windows(2).map(|pair| &reply[pair[0]..pair[1]]).collect();
        let whole = segments(settings, [reply.as_str()]);
        prop_assert_eq!(&segments(settings, deltas), &whole);
        prop_assert_eq!(&segments(settings, characters(&reply)), &whole);
    }

    #[test]
    fn segments_stay_as_short_as_their_words_allow(max in 5..40_usize, reply in "([a-z]{1,5}[ .,]{1,2}){0,40}") {
        let settings = Settings { force_flush_max_chars: max, ..SETTINGS };
        for segment in segments(settings, [reply.as_str()]) {
            let one_word = !segment.contains(' ');
            prop_assert!(one_word || segment.chars().count() <= max, "{segment}");
        }
    }

    #[test]
    fn wide_text_is_never_lost(settings in settings(), reply in "[你好。！？，、「」a1 \u{fe00}]{0,60}") {
        let joined: String = segments(settings, [reply.as_str()]).concat();
        prop_assert_eq!(without_blanks(&joined), without_blanks(&reply));
        prop_assert_eq!(segments(settings, characters(&reply)), segments(settings, [reply.as_str()]));
    }
}
