use super::*;

/// All events of an input that follows a `{`, with the keys and the rest.
fn events(input: &str) -> (Vec<Event>, String) {
    let (mut scanner, mut events, mut rest) = (Scanner::object(), Vec::new(), input);
    loop {
        let (used, event) = scanner.advance(rest);
        rest = &rest[used..];
        events.push(event);
        if matches!(event, Event::Exhausted | Event::Closed | Event::Backtick | Event::NoObject) {
            return (events, rest.to_owned());
        }
    }
}

fn check(input: &str, expected: &[Event], rest: &str) {
    assert_eq!(events(input), (expected.to_vec(), rest.to_owned()), "{input}");
}

#[test]
fn keys_strings_and_the_end_are_found() {
    use Event::{Closed, Key, StringValue};
    check(r#""a":1}x"#, &[Key, Closed], "x");
    check(r#" "a" : "b", "c" : ["d", {"e":"f"}] } x"#, &[Key, StringValue, Key, Closed], " x");
    check(r#""a":"}\"}\\"}"#, &[Key, StringValue, Closed], "");
}

#[test]
fn braces_around_prose_are_no_object() {
    use Event::NoObject;
    check("smile} hi", &[NoObject], "smile} hi");
    check("  }", &[NoObject], "}");
    check(r#""smile"} hi"#, &[NoObject], "} hi");
    check("\"two\nlines", &[NoObject], "\nlines");
    let long = "k".repeat(KEY_MAX_BYTES + 5);
    check(&format!("\"{long}\":"), &[NoObject], "kkkkk\":");
}

#[test]
fn a_broken_object_is_followed_as_well_as_can_be() {
    use Event::{Backtick, BrokenString, Closed, Exhausted, Key, StringValue};
    check(r#""a":"b" "c":"d"}"#, &[Key, StringValue, Key, StringValue, Closed], "");
    check(r#""a":]}"#, &[Key, Closed], "");
    check("\"a\":\"b\nc\"}", &[Key, StringValue, BrokenString, Closed], "");
    check("\"a\":1\n```\n", &[Key, Backtick], "```\n");
    check(r#""a":{"#, &[Key, Exhausted], "");
}

#[test]
fn an_escaped_key_is_known() {
    let mut scanner = Scanner::object();
    scanner.advance(r#""\u0074ext":"#);
    assert!(scanner.key_is("text"));
    assert!(!scanner.key_is("args"));
}
