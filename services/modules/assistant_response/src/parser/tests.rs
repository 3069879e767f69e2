use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What a reply came to.
#[derive(Debug, Clone, PartialEq, Default)]
struct Outcome {
    speech: String,
    action: Option<(String, Value)>,
    warnings: Vec<Warning>,
}

impl Outcome {
    fn take(&mut self, parser: &mut ReplyParser) {
        while let Some(part) = parser.next_part() {
            match part {
                Part::Speech(text) => self.speech.push_str(&text),
                Part::Warning(warning) => self.warnings.push(warning),
                Part::Action(request) => {
                    assert!(self.action.is_none(), "two actions");
                    self.action = Some((request.command, Value::Object(request.args)));
                }
            }
        }
    }
}

fn parse<'a>(deltas: impl IntoIterator<Item = &'a str>) -> Outcome {
    let (mut parser, mut outcome) = (ReplyParser::new(), Outcome::default());
    for delta in deltas {
        parser.push(delta);
        outcome.take(&mut parser);
    }
    parser.finish();
    outcome.take(&mut parser);
    outcome
}

fn parts(parser: &mut ReplyParser) -> Vec<Part> {
    std::iter::from_fn(|| parser.next_part()).collect()
}

fn characters(reply: &str) -> impl Iterator<Item = &str> {
    reply.split_inclusive(|_| true)
}

/// Parses a reply whole and in single characters.
fn outcome(reply: &str) -> Outcome {
    let whole = parse([reply]);
    assert_eq!(parse(characters(reply)), whole, "cut into characters: {reply}");
    whole
}

fn check_speech(reply: &str, speech: &str, warnings: &[Warning]) {
    let expected = Outcome { speech: speech.into(), action: None, warnings: warnings.to_vec() };
    assert_eq!(outcome(reply), expected, "{reply}");
}

fn check_action(reply: &str, speech: &str, command: &str, args: Value) {
    let action = Some((command.to_owned(), args));
    let expected = Outcome { speech: speech.into(), action, warnings: vec![] };
    assert_eq!(outcome(reply), expected, "{reply}");
}

#[test]
fn plain_text_is_speech() {
    for reply in [
        "Yes.",
        "Hello",
        "",
        "It is 10:30, −5°C and 20€.\nSee [docs](https://a.b) — `x` and ``y``! ",
        "{smile} hi",
        "use {x} and {\"y\"} or {}",
        "{",
        "{ \"",
        "[1] [ [a](b) {c} ]",
        "if (a) { return \"text\": b; }",
        "{{name}} {\"a\nb\": 1}",
    ] {
        check_speech(reply, reply, &[]);
    }
}

#[test]
fn an_object_gives_its_text_and_its_action() {
    let args = json!({"app_name": "Safari"});
    for reply in [
        r#"{"session_id":"s","command":"open_app","args":{"app_name":"Safari"},"text":"Opening."}"#,
        r#"{"text":"Opening.","args":{"app_name":"Safari"},"command":"open_app"}"#,
        r#"{ "args" : {"app_name":"Safari"} , "text" : "Opening." , "command":"open_app" }"#,
        "\n {\"command\":\"open_app\",\"args\":{\"app_name\":\"Safari\"},\"text\":\"Opening.\"}\n",
        r#"{"\u0074ext":"Opening.","command":"open_app","args":{"app_name":"Safari"}}"#,
        r#"{"mood":"kind","command":"open_app","text":"Opening.","args":{"app_name":"Safari"}}"#,
    ] {
        check_action(reply, "Opening.", "open_app", args.clone());
    }
}

#[test]
fn an_inner_text_never_wins() {
    check_action(
        r#"{"args":{"text":"inner","list":[{"text":"deep"}]},"text":"outer","command":"note"}"#,
        "outer",
        "note",
        json!({"text": "inner", "list": [{"text": "deep"}]}),
    );
    check_action(
        r#"{"command":"note","args":{"text":"inner"},"text":"outer"}"#,
        "outer",
        "note",
        json!({"text": "inner"}),
    );
}

#[test]
fn values_arrive_unchanged() {
    let args = json!({
        "url": "https://example.com/a?b=c&d=%20#e", "time": "10:30", "quote": "say \"hi\" {now}",
        "path": "C:\\dir", "n": 18_446_744_073_709_551_615_u64, "i": -7, "f": 0.1, "no": null,
        "emoji": "👩‍👩‍👧 𝄞", "list": [1, [true, {}]], "script": "你好 שלום",
    });
    let reply =
        json!({"command": "Open-URL", "args": args, "text": "At 10:30: https://a.b \"ok\""});
    check_action(&reply.to_string(), "At 10:30: https://a.b \"ok\"", "Open-URL", args);
}

#[test]
fn a_fence_and_its_tag_are_never_spoken() {
    let object = r#"{"command":"a","text":"Hi."}"#;
    let check = |reply: String, speech: &str| check_action(&reply, speech, "a", json!({}));
    check(format!("```json\n{object}\n```"), "Hi.");
    check(format!("```\n{object}\n```\n"), "Hi.");
    check(format!("```JSON {object}```"), "Hi.");
    check(format!("````json\r\n{object}\r\n````"), "Hi.");
    check(format!("Sure!\n\n```json\n{object}\n```\nDone."), "Sure!\n\nHi.\nDone.");
    check(format!("Sure: ```json\n{object}\n``` Done."), "Sure: Hi.\nDone.");
    check(format!("Sure:{object}Done."), "Sure:\nHi.\nDone.");
    check_speech("Try:\n```python\nprint(1)\n```\nEasy.", "Try:\nprint(1)\nEasy.", &[]);
    check_speech("```json", "", &[]);
    check_speech("```not a tag``` `x` ``", "not a tag\n`x` ``", &[]);
    check_speech("```c++\nx\n```", "x\n", &[]);
}

#[test]
fn other_json_is_spoken_as_text() {
    for reply in [
        r#"{"name":"Bob","age":5}"#,
        r#"{"name":"Bob","text":"hi"}"#,
        r#"{"items":[{"text":"a","command":"b"},{"text":"c"}]} and {x}"#,
        r#"[{"text":"a"},{"command":"b","text":"c"}] bye"#,
        r#"{"a":"cut"#,
        r#"{}"#,
    ] {
        check_speech(reply, reply, &[]);
    }
    let long = format!(r#"{{"thought":"{}","command":"a","text":"b"}}"#, "дум ".repeat(2000));
    check_speech(&long, &long, &[]);
    check_action(r#"{"a":"b"} {"text":"c","command":"d"}"#, "{\"a\":\"b\"} c", "d", json!({}));
    check_action(
        "{\"a\":\"x\ny {\"text\":\"c\",\"command\":\"d\"}",
        "{\"a\":\"x\ny c",
        "d",
        json!({}),
    );
}

#[test]
fn a_cut_object_keeps_its_text_and_loses_its_action() {
    use Warning::ObjectCutOff;
    let reply = r#"{"command":"a","args":{"b":1},"text":"Hi \"you\"","c":1}"#;
    for end in 4..reply.len() - 1 {
        let cut = outcome(&reply[..end]);
        assert_eq!((cut.action, cut.warnings), (None, vec![ObjectCutOff]), "{}", &reply[..end]);
        assert!("Hi \"you\"".starts_with(&cut.speech), "{}", cut.speech);
    }
    check_speech(r#"{"text":"Hi \ud83d"#, "Hi ", &[ObjectCutOff]);
    check_speech("```json\n{\"text\":\"Hi\",\n```\nBye.", "Hi\nBye.", &[ObjectCutOff]);
    check_speech(r#"{"te"#, "", &[ObjectCutOff]);
}

#[test]
fn what_is_wrong_is_named_and_the_text_still_spoken() {
    use Warning::{ActionMalformed, ActionRepeated, ObjectInvalid, ObjectTooLarge, TextMissing};
    check_action("{\"command\":\"a\",\"text\":\"two\nlines\"}", "two\nlines", "a", json!({}));
    check_speech(r#"{"command":"a","text":"Hi",}"#, "Hi", &[ObjectInvalid]);
    check_speech(r#"{"command":open,"text":"Hi"}"#, "Hi", &[ObjectInvalid]);
    check_speech(r#"{"command":"a" "text":"Hi"}"#, "Hi", &[ObjectInvalid]);
    check_speech(r#"{"command":"a","command":"b","text":"Hi"}"#, "Hi", &[ObjectInvalid]);
    check_speech(r#"{"command":5,"text":"Hi"}"#, "Hi", &[ActionMalformed]);
    check_speech(r#"{"command":"a","args":"b","text":"Hi"}"#, "Hi", &[ActionMalformed]);
    check_speech(r#"{"command":" ","text":"Hi"}"#, "Hi", &[]);
    check_speech(r#"{"text":null}"#, "", &[TextMissing]);
    check_speech(r#"{"text":""}"#, "", &[]);
    let missing = outcome(r#"{"session_id":"s","command":"a","args":null}"#);
    assert_eq!(missing.warnings, [TextMissing]);
    assert_eq!(missing.action, Some(("a".into(), json!({}))));
    let twice = outcome(r#"{"text":"A","command":"a"} {"text":"B","command":"b"}"#);
    assert_eq!((twice.speech.as_str(), twice.warnings), ("A\nB", vec![ActionRepeated]));
    assert_eq!(twice.action, Some(("a".into(), json!({}))));
    let deep = format!(
        r#"{{"command":"a","args":{{"b":{}{}}},"text":"Hi"}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    check_speech(&deep, "Hi", &[ObjectTooLarge]);
    let large = format!(r#"{{"command":"a","args":{{"b":"{}"}},"text":"Hi"}}"#, "x".repeat(70_000));
    check_speech(&large, "Hi", &[ObjectTooLarge]);
}

#[test]
fn text_streams_while_it_is_written() {
    let mut parser = ReplyParser::new();
    let mut said = |delta: &str| {
        let mut outcome = Outcome::default();
        parser.push(delta);
        outcome.take(&mut parser);
        (outcome.speech, outcome.action.is_some())
    };
    assert_eq!(said("{\"command\":\"a\",\"te"), (String::new(), false));
    assert_eq!(said("xt\":\"Hel"), ("Hel".into(), false));
    assert_eq!(said("lo\\"), ("lo".into(), false));
    assert_eq!(said("n!\""), ("\n!".into(), false));
    assert_eq!(said("}"), (String::new(), true));
}

#[test]
fn a_long_text_is_never_too_large() {
    let text = "слово ".repeat(50_000);
    let reply = json!({"command": "a", "text": text}).to_string();
    let outcome = parse([reply.as_str()]);
    assert_eq!((outcome.speech, outcome.warnings), (text, vec![]));
    assert!(outcome.action.is_some());
}

#[test]
fn an_action_waits_for_the_first_speech() {
    let mut parser = ReplyParser::new();
    parser.tool_call("open_app", r#"{"app_name":"Safari"}"#);
    assert_eq!(parser.next_part(), None);
    parser.push("  ");
    assert_eq!(parser.next_part(), None);
    parser.push("Opening.");
    let given = parts(&mut parser);
    assert!(matches!(&given[..], [Part::Speech(_), Part::Action(_)]), "{given:?}");

    let mut silent = ReplyParser::new();
    silent.tool_call("screenshot", "");
    assert_eq!(silent.next_part(), None);
    silent.finish();
    assert!(matches!(&parts(&mut silent)[..], [Part::Action(_)]));
}

#[test]
fn a_native_call_is_an_action() {
    let call = |name: &str, arguments: &str| {
        let (mut parser, mut outcome) = (ReplyParser::new(), Outcome::default());
        parser.push("Ok.");
        parser.tool_call(name, arguments);
        parser.tool_call(name, arguments);
        parser.finish();
        outcome.take(&mut parser);
        (outcome.action, outcome.warnings)
    };
    let (malformed, repeated) = (Warning::ActionMalformed, Warning::ActionRepeated);
    let args = json!({"text": "x", "n": 1.5});
    let action = Some(("a".to_owned(), args.clone()));
    assert_eq!(call("a", &args.to_string()), (action, vec![repeated]));
    assert_eq!(call("a", "null"), (Some(("a".into(), json!({}))), vec![repeated]));
    assert_eq!(call("a", "{\"b\":"), (None, vec![malformed; 2]));
    assert_eq!(call("a", "[1]"), (None, vec![malformed; 2]));
    assert_eq!(call(" ", "{}"), (None, vec![]));
}

#[test]
fn debug_shows_nothing_of_the_reply() {
    let mut parser = ReplyParser::new();
    parser.push(r#"secret {"command":"secret","args":{"secret":"secret"},"text":"x"}"#);
    let parts = parts(&mut parser);
    assert_eq!(parts.len(), 2);
    assert!(!format!("{parts:?}").contains("secret"), "{parts:?}");
}

/// Pieces of which replies are made, so that arbitrary ones are not all prose.
fn fragment() -> impl Strategy<Value = String> {
    const FIXED: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\",
        "`",
        "```",
        "```json\n",
        "\n",
        " ",
        "é",
        "😀",
        "{\"text\":\"",
        "\"text\"",
        "{\"command\":\"a\",",
        "\"args\":{",
        "\\ud83d",
        "\\ude00",
        "\\u0041",
        "{\"a\":\"b\",",
        "session_id",
        "text",
        "command",
        "[{\"",
        "1.5",
    ];
    prop_oneof![
        4 => prop::sample::select(FIXED).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z {}]{0,80}",
    ]
}

fn reply() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..24).prop_map(|pieces| pieces.concat())
}

fn cut<'a>(reply: &'a str, cuts: &[prop::sample::Index]) -> Vec<&'a str> {
    let at = |cut: &prop::sample::Index| reply.floor_char_boundary(cut.index(reply.len() + 1));
    let mut ends: Vec<usize> = cuts.iter().map(at).chain([0, reply.len()]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| &reply[pair[0]..pair[1]]).collect()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_cut_gives_the_same(
        reply in reply(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let whole = parse([reply.as_str()]);
        prop_assert_eq!(&parse(cut(&reply, &cuts)), &whole);
        prop_assert_eq!(&parse(characters(&reply)), &whole);
    }

    #[test]
    fn every_reply_object_is_read_back(
        command in "[a-z][a-z_. -]{0,12}",
        args in prop::collection::btree_map(any::<String>(), value(), 0..4),
        text in any::<String>(),
        extra in value(),
        order in Just(["session_id", "command", "args", "text", "extra"]).prop_shuffle(),
        pretty in any::<bool>(),
    ) {
        let args = Value::Object(args.into_iter().collect());
        let line = |key: &&str| {
            let value = match *key {
                "command" => json!(command),
                "args" => args.clone(),
                "text" => json!(text),
                "session_id" => json!("9b2f0a3c"),
                _ => extra.clone(),
            };
            if pretty { format!(" \"{key}\" :\n {value:#}\n") } else { format!("\"{key}\":{value}") }
        };
        let reply = format!("{{{}}}", order.iter().map(line).collect::<Vec<_>>().join(","));
        let outcome = outcome(&reply);
        prop_assert_eq!(outcome.speech, text);
        prop_assert_eq!(outcome.action, Some((command, args)));
        prop_assert_eq!(outcome.warnings, vec![]);
    }

    #[test]
    fn prose_is_preserved(text in "[^`]*") {
        prop_assume!(!text.contains("{\"") && !text.contains("{ "));
        prop_assert_eq!(outcome(&text).speech, text.trim_start());
    }
}
