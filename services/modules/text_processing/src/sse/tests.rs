use proptest::prelude::*;

use super::*;

const LIMIT: usize = 256;

fn decode_in(chunks: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::new(LIMIT);
    let mut events = VecDeque::new();
    for chunk in chunks {
        decoder.feed(chunk, &mut events);
    }
    decoder.finish(&mut events);
    events.into()
}

fn check(stream: &str, expected: &[&str]) {
    let events = decode_in(&[stream.as_bytes()]);
    let expected: Vec<Event> = expected.iter().map(|data| Ok((*data).to_owned())).collect();
    assert_eq!(events, expected, "{stream:?}");
}

#[test]
fn events_are_read_as_the_standard_says() {
    let rows: &[(&str, &[&str])] = &[
        ("", &[]),
        ("data: one\n\ndata: two\n\n", &["one", "two"]),
        ("data:one\n\n", &["one"]),
        ("data:  one\n\n", &[" one"]),
        ("data: one\r\n\r\ndata: two\r\n\r\n", &["one", "two"]),
        ("data: one\r\rdata: two\r\r", &["one", "two"]),
        ("data: one\r\n\ndata: two\n\r\n", &["one", "two"]),
        ("\u{FEFF}data: one\n\n", &["one"]),
        ("data: first\ndata: second\n\n", &["first\nsecond"]),
        (": ping\n\ndata: one\n\n: ping\n\n", &["one"]),
        ("event: message\nid: 7\nretry: 100\ndata: one\n\n", &["one"]),
        ("datum: no\n\ndata: one\n\n", &["one"]),
        ("data\n\ndata:\n\n", &[]),
        ("data: [DONE]\n\n", &["[DONE]"]),
        ("\n\n\ndata: one\n\n\n\n", &["one"]),
        ("data: a:b\n\n", &["a:b"]),
        ("data: привет 👋\n\n", &["привет 👋"]),
    ];
    for (stream, expected) in rows {
        check(stream, expected);
    }
}

#[test]
fn an_event_without_its_blank_line_is_dropped() {
    check("data: one\n\ndata: tw", &["one"]);
    check("data: one\n\ndata: two\n", &["one"]);
}

#[test]
fn bare_json_and_error_fields_are_events() {
    check("data: one\n\n{\"error\":{}}\n\ndata: two\n\n", &["one", "{\"error\":{}}", "two"]);
    check("{\n  \"error\": {}\n}\n", &["{\n  \"error\": {}\n}"]);
    check("[{\"error\":{}}]", &["[{\"error\":{}}]"]);
    check("data: one\n\n{\"error\":{}}\ndata: two\n\n", &["one", "{\"error\":{}}", "two"]);
    check("\u{FEFF}{\"a\":1}\r\n", &["{\"a\":1}"]);
    check("{\"a\":\"}\\\"}\"}\n", &["{\"a\":\"}\\\"}\"}"]);
    check("{\"a\":\n\n1}\n", &["{\"a\":\n\n1}"]);
    check("{\"a\":1", &["{\"a\":1"]);
    check("error: {\"code\":500}\n\n", &["{\"code\":500}"]);
}

#[test]
fn bare_json_is_told_as_soon_as_it_is_closed() {
    let mut decoder = Decoder::new(LIMIT);
    let mut events = VecDeque::new();
    decoder.feed(b"[{\n  \"error\": {}\n}]", &mut events);
    assert_eq!(events.pop_front(), Some(Ok("[{\n  \"error\": {}\n}]".to_owned())));
}

#[test]
fn an_event_that_is_too_large_ends_the_stream() {
    let long_line = format!("data: one\n\ndata: {}\n\ndata: two\n\n", "x".repeat(LIMIT));
    assert_eq!(decode_in(&[long_line.as_bytes()]), [Ok("one".to_owned()), Err(TooLarge)]);
    let many_lines = "data: 0123456789\n".repeat(LIMIT / 10);
    assert_eq!(decode_in(&[many_lines.as_bytes()]), [Err(TooLarge)]);
    let endless_json = format!("{{\"a\":\"{}", "x".repeat(LIMIT));
    assert_eq!(decode_in(&[endless_json.as_bytes()]), [Err(TooLarge)]);
    let endless_comment = format!(": {}", "x".repeat(LIMIT));
    assert_eq!(decode_in(&[endless_comment.as_bytes()]), [Err(TooLarge)]);
}

/// Streams made of the pieces that matter, in any order.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "data: ",
        "data:",
        "\n",
        "\n\n",
        "\r\n",
        "\r\n\r\n",
        "\r",
        ": ping",
        "{\"a\":1}",
        "[",
        "]",
        "\"",
        "\\",
        "привет",
        "👋",
        "\u{FEFF}",
        "error: ",
        "event: x",
        "[DONE]",
        " ",
        "0123456789012345678901",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        stream in any_stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> =
            cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = decode_in(&[&stream]);
        prop_assert_eq!(&decode_in(&chunks), &whole);
        prop_assert_eq!(&decode_in(&bytes), &whole);
    }
}
