use jiff::Timestamp;
use serde::Serialize;

use super::{Line, append_member, one_line_json};
use crate::Level;

fn line(ctx: &str) -> String {
    Line {
        at: Timestamp::from_millisecond(1_795_168_800_123).unwrap(),
        level: Level::Info,
        scope: "grpc",
        method: Some("/streaming.StreamingService/StreamAudio"),
        decision: "complete",
        ctx,
        dur_ms: Some(4210),
    }
    .to_string()
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

fn check_round_trip(text: &str) {
    let json = one_line_json(&Text { text });
    assert!(json.chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')));
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["text"], text);
}

#[test]
fn has_the_fields_in_the_agreed_order() {
    insta::assert_snapshot!(
        line(r#"{"session_id":"3b","grpc_code":"OK"}"#),
        @r#"ts=2026-11-20T10:00:00.123Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={"session_id":"3b","grpc_code":"OK"} dur_ms=4210"#
    );
}

#[test]
fn keeps_three_digits_of_a_whole_second() {
    let at = Timestamp::from_millisecond(1_795_168_800_000).unwrap();
    let text = Line {
        at,
        level: Level::Warn,
        scope: "",
        method: None,
        decision: "Not A Name!",
        ctx: "{}",
        dur_ms: None,
    }
    .to_string();
    insta::assert_snapshot!(text, @"ts=2026-11-20T10:00:00.000Z level=WARN scope=_ decision=_ot____ame_ ctx={}");
}

#[test]
fn nothing_inside_a_value_ends_the_line_or_is_lost() {
    check_round_trip("two\nlines\r\nand a tab\t");
    check_round_trip(r#"a "quote", a \ and ctx={"x":1} dur_ms=7"#);
    check_round_trip(
        "separators \u{2028} and \u{2029}, next line \u{85}, form feed \u{c}, vt \u{b}",
    );
    check_round_trip("control \u{0} \u{1b}[31m \u{7f} \u{9b}");
    check_round_trip("emoji 👩‍🚀 and 漢字");
}

#[test]
fn what_is_not_an_object_is_an_empty_one() {
    assert_eq!(one_line_json(&()), "{}");
    assert_eq!(one_line_json(&"text"), "{}");
    let odd_keys = std::collections::BTreeMap::from([(vec![1], 1)]);
    assert_eq!(one_line_json(&odd_keys), r#"{"ctx_error":"not serialisable"}"#);
}

#[test]
fn a_member_is_added_to_empty_and_full_objects() {
    for (before, after) in [("{}", r#"{"t":"1"}"#), (r#"{"a":1}"#, r#"{"a":1,"t":"1"}"#)] {
        let mut json = before.to_owned();
        append_member(&mut json, "t", "1");
        assert_eq!(json, after);
    }
}
