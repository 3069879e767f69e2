use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn check(pieces: &[&str], expected: &str) {
    let merged = pieces.iter().fold(String::new(), |buffer, piece| merge(&buffer, piece));
    assert_eq!(merged, expected, "{pieces:?}");
}

#[test]
fn the_examples_of_the_contract() {
    check(&["open the", "open the door no"], "open the door no");
    check(&["open the", "open the door no", " no thanks"], "open the door no no thanks");
    check(
        &["open the", "open the door no", " no thanks", "no thanks please"],
        "open the door no no thanks please",
    );
    check(&["hello", "lo wor", "world"], "hello world");
}

#[test]
fn a_snapshot_replaces_the_buffer() {
    check(&["open", "Open the door"], "Open the door");
    check(&["привет", "Привет, как дела"], "Привет, как дела");
    check(&[" open ", " open the"], " open the");
    check(&["open the", "open theory"], "open theory");
    check(&["", "hi"], "hi");
    check(&["  ", "hi"], "hi");
}

#[test]
fn whole_words_are_taken_out_in_twos() {
    check(&["turn on the light", "the light please"], "turn on the light please");
    check(&["turn on the", "the light"], "turn on the the light");
    check(&["a b a b", "a b a"], "a b a b a");
    check(&["no no no", "no no way"], "no no no way");
    check(&["go now", "Go Now please"], "Go Now please");
    check(&["please go now", "Go Now, then"], "please go now, then");
    check(&["open the door", "the door"], "open the door");
}

#[test]
fn parts_of_words_are_taken_out() {
    check(&["hel", "ello wor"], "hello wor");
    check(&["what a won", "wonderful day"], "what a wonderful day");
    check(&["я хочу при", "приготовить ужин"], "я хочу приготовить ужин");
    check(&["well I don", "don't know"], "well I don't know");
    check(&["e\u{301}t", "\u{301}te\u{301}"], "e\u{301}te\u{301}");
}

#[test]
fn anything_else_is_appended() {
    check(&["open", "door"], "open door");
    check(&["say no", "okay then"], "say no okay then");
    check(&["open ", "door"], "open door");
    check(&["open", " door"], "open door");
    check(&["open", "\ndoor"], "open\ndoor");
    check(&["open the door", "open the"], "open the door open the");
    check(&["open", ""], "open");
    check(&["open", "  "], "open");
    check(&["", ""], "");
}

#[test]
fn a_long_repetition_costs_no_more_than_its_length() {
    let buffer = "a".repeat(200_000);
    let merged = merge(&format!("b{buffer}"), &format!("{buffer}c"));
    assert_eq!(merged.len(), 200_002);
}

#[test]
fn many_repetitions_without_a_word_cost_no_more_than_their_length() {
    for mark in ["!", "—"] {
        let (buffer, incoming) = (mark.repeat(100_000), mark.repeat(99_999));
        let began = Instant::now();
        let merged = merge(&buffer, &incoming);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(2), "{mark}: {took:?}");
        assert!(merged == format!("{buffer} {incoming}"), "{mark}");
    }
}

/// Words are counted in the incoming speech, although the buffer repeats it in
/// any case.
#[test]
fn case_does_not_decide_what_is_of_a_word() {
    for c in '\0'..=char::MAX {
        assert_eq!(is_of_word(c), is_of_word(fold(c)), "{c:?}");
    }
}

/// The words as one would count them by hand.
fn plain_words(text: &[char]) -> usize {
    text.split(|c| !is_of_word(*c)).filter(|word| !word.is_empty()).count()
}

/// The overlaps as one would look for them by hand.
fn plain_overlaps(old: &[char], new: &[char]) -> Vec<usize> {
    let same = |length: &usize| {
        let end = &old[old.len() - length..];
        end.iter().zip(new).all(|(a, b)| fold(*a) == fold(*b))
    };
    (1..=old.len().min(new.len())).rev().filter(same).collect()
}

proptest! {
    #[test]
    fn a_disjoint_append_loses_nothing(
        buffer in "[a-m]{1,6}( [a-m]{1,6}){0,5}",
        incoming in "[n-z]{1,6}( [n-z]{1,6}){0,5}",
    ) {
        prop_assert_eq!(merge(&buffer, &incoming), format!("{buffer} {incoming}"));
    }

    #[test]
    fn a_repeat_changes_nothing(text in any::<String>()) {
        prop_assert_eq!(merge(&text, &text), text);
    }

    #[test]
    fn growing_snapshots_end_in_the_last(words in prop::collection::vec("[a-c]{1,3}", 1..8)) {
        let merged = (1..=words.len())
            .map(|count| words[..count].join(" "))
            .fold(String::new(), |buffer, snapshot| merge(&buffer, &snapshot));
        prop_assert_eq!(merged, words.join(" "));
    }

    #[test]
    fn the_result_holds_both(buffer in "[ab ]{0,12}", incoming in "[ab ]{0,12}") {
        let merged = merge(&buffer, &incoming);
        prop_assert!(merged.starts_with(&buffer) || merged == incoming);
        prop_assert!(merged.ends_with(&incoming) || incoming.trim().is_empty());
        prop_assert!(merged.len() <= buffer.len() + incoming.len() + 1);
    }

    #[test]
    fn overlaps_are_found_longest_first(old in "[abA ]{0,12}", new in "[abA ]{0,12}") {
        let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        prop_assert_eq!(overlaps(&old, &new), plain_overlaps(&old, &new));
    }

    #[test]
    fn as_many_words_begin_in_a_start_as_it_has(text in "[ab' —]{0,12}") {
        let text: Vec<char> = text.chars().collect();
        let starts: Vec<usize> = word_starts(&text).collect();
        for length in 0..=text.len() {
            let begun = starts.iter().filter(|start| **start < length).count();
            prop_assert_eq!(begun, plain_words(&text[..length]));
        }
    }

    #[test]
    fn any_two_texts_can_be_merged(buffer in any::<String>(), incoming in any::<String>()) {
        prop_assert!(merge(&buffer, &incoming).len() <= buffer.len() + incoming.len() + 1);
    }
}
