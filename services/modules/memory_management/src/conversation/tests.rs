use super::{Bounds, recollect};
use crate::{Exchange, Remembered, UnixMillis};

fn entry(at: i64, prompt: &str) -> Remembered {
    let exchange = Exchange { prompt: prompt.to_owned(), reply: String::new() };
    Remembered { at: UnixMillis(at), exchange }
}

fn check(stored: &[Remembered], pending: &[Remembered], expected: &[&str]) {
    let bounds = Bounds { newer_than: UnixMillis(100), max_bytes: 10 };
    let recollection = recollect(stored.to_vec(), pending.to_vec(), bounds);
    let prompts: Vec<_> = recollection.exchanges.iter().map(|e| e.prompt.as_str()).collect();
    assert_eq!(prompts, expected);
}

#[test]
fn an_entry_that_was_written_meanwhile_comes_once() {
    check(
        &[entry(101, "a"), entry(102, "b")],
        &[entry(102, "b"), entry(103, "c")],
        &["a", "b", "c"],
    );
}

#[test]
fn the_same_words_said_twice_come_twice() {
    check(&[entry(101, "a")], &[entry(102, "a")], &["a", "a"]);
}

#[test]
fn expired_entries_are_left_out() {
    check(&[entry(99, "a"), entry(100, "b"), entry(101, "c")], &[], &["c"]);
}

#[test]
fn the_oldest_go_when_there_is_no_room() {
    check(&[entry(101, "aaaa"), entry(102, "bbbb")], &[entry(103, "cccc")], &["bbbb", "cccc"]);
    check(&[entry(101, "a"), entry(102, "bbbbbbb")], &[entry(103, "cccc")], &["cccc"]);
}

fn check_storable(prompt: &str, reply: &str, expected: (&str, &str)) {
    let exchange = Exchange { prompt: prompt.to_owned(), reply: reply.to_owned() }.storable(8);
    assert_eq!((exchange.prompt.as_str(), exchange.reply.as_str()), expected);
}

#[test]
fn what_is_too_long_keeps_its_beginnings() {
    check_storable("abcd", "efgh", ("abcd", "efgh"));
    check_storable("abcdefgh", "ijklmnop", ("abcd", "ijkl"));
    check_storable("ab", "cdefghijkl", ("ab", "cdefgh"));
    check_storable("abcdefghij", "kl", ("abcdef", "kl"));
    check_storable("жжж", "ффф", ("жж", "фф"));
    check_storable("a\0b", "\0", ("ab", ""));
}

#[test]
fn debug_shows_no_words() {
    assert_eq!(
        format!("{:?}", entry(1, "secret")),
        "Remembered { at: UnixMillis(1), exchange: Exchange(6 bytes) }"
    );
}
