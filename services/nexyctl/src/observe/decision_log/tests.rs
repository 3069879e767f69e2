use std::{io::BufReader, time::Duration};

use nexy_telemetry::{Decision, emit};
use serde::Serialize;
use serde_json::json;

use super::*;

const END: &str = r#"ts=2026-11-20T10:00:00.123Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={"session_id":"3b","grpc_code":"OK","first_audio_ms":398} dur_ms=4210"#;

fn parse(line: &str) -> Record<'_> {
    Record::parse(line).unwrap_or_else(|why| panic!("{why}: {line}"))
}

#[test]
fn reads_every_field() {
    let record = parse(END);
    assert_eq!(record.at.as_millisecond(), 1_795_168_800_123);
    assert_eq!((record.level, record.scope), (Level::Info, "grpc"));
    assert_eq!(record.method, Some("/streaming.StreamingService/StreamAudio"));
    assert_eq!((record.rpc(), record.decision), (Some("StreamAudio"), "complete"));
    assert_eq!(
        (record.text("session_id"), record.number("first_audio_ms")),
        (Some("3b"), Some(398))
    );
    assert_eq!(record.dur_ms, Some(4210));
}

#[test]
fn method_and_duration_may_be_absent() {
    let record = parse("ts=2026-11-20T10:00:00.000Z level=WARN scope=worker decision=retry ctx={}");
    assert_eq!((record.method, record.dur_ms, record.ctx.len()), (None, None, 0));
}

#[test]
fn what_looks_like_fields_inside_of_ctx_is_not_taken_for_them() {
    let line = r#"ts=2026-11-20T10:00:00.000Z level=INFO scope=a decision=b ctx={"x":"} dur_ms=7 ctx={","y":{"z":[1]}} dur_ms=3"#;
    let record = parse(line);
    assert_eq!((record.text("x"), record.dur_ms), (Some("} dur_ms=7 ctx={"), Some(3)));
}

#[test]
fn says_what_is_wrong_with_other_lines() {
    let ts = "ts=2026-11-20T10:00:00.123Z";
    for (line, why) in [
        (String::new(), "no ts at its beginning"),
        ("GET /health 200".to_owned(), "no ts at its beginning"),
        (format!(" {ts} level=INFO"), "no ts at its beginning"),
        (ts.to_owned(), "no ts at its beginning"),
        ("ts=2026-11-20 level=INFO ".to_owned(), "ts is no UTC time in milliseconds"),
        ("ts=2026-11-20T10:00:00Z level=INFO ".to_owned(), "ts is no UTC time in milliseconds"),
        ("ts=2026-13-20T10:00:00.123Z x".to_owned(), "ts is no UTC time in milliseconds"),
        (format!("{ts} scope=a "), "no level behind ts"),
        (format!("{ts} level=LOUD scope=a "), "no such level"),
        (format!("{ts} level=INFO decision=b ctx={{}}"), "no scope behind level"),
        (format!("{ts} level=INFO scope=a ctx={{}}"), "no decision where it belongs"),
        (format!("{ts} level=INFO scope=a decision=B ctx={{}}"), "decision is not [a-z_]+"),
        (format!("{ts} level=INFO scope=a decision=b {{}}"), "no ctx behind decision"),
        (format!("{ts} level=INFO scope=a decision=b ctx=[]"), "ctx is no JSON object"),
        (format!("{ts} level=INFO scope=a decision=b ctx={{\"a\":1"), "ctx is no JSON object"),
        (format!("{ts} level=INFO scope=a decision=b ctx={{}} "), "something else behind ctx"),
        (format!("{ts} level=INFO scope=a decision=b ctx={{}} dur_ms=x"), "dur_ms is no number"),
        (format!("{ts} level=INFO scope=a decision=b ctx={{}} dur_ms=1 x"), "dur_ms is no number"),
    ] {
        assert_eq!(Record::parse(&line).map(|_| ()), Err(why), "{line}");
    }
}

#[derive(Serialize)]
struct Said<'a> {
    text: &'a str,
    count: u64,
    #[serde(skip)]
    method: Option<&'static str>,
    #[serde(skip)]
    level: Level,
    #[serde(skip)]
    took: Option<Duration>,
}

impl Decision for Said<'_> {
    fn scope(&self) -> &'static str {
        "tests"
    }
    fn decision(&self) -> &'static str {
        "said"
    }
    fn level(&self) -> Level {
        self.level
    }
    fn method(&self) -> Option<&'static str> {
        self.method
    }
    fn duration(&self) -> Option<Duration> {
        self.took
    }
}

#[test]
fn reads_whatever_the_services_write() {
    let texts = [
        "",
        "plain",
        "two\nlines\r\nand a tab\t",
        r#"a "quote", a \ and ctx={"x":1} dur_ms=7"#,
        "separators \u{2028} and \u{2029}, next line \u{85}",
        "control \u{0} \u{1b}[31m \u{7f} \u{9b}",
        "emoji 👩‍🚀 and 漢字 | pipes",
    ];
    let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];
    let log = nexy_telemetry::capture();
    for text in texts {
        for level in levels {
            for method in [None, Some("/nexy.worker.v1.Worker/Respond")] {
                let took = method.map(|_| Duration::from_millis(1234));
                emit(&Said { text, count: u64::MAX, method, level, took });
            }
        }
    }
    let lines = log.lines();
    assert_eq!(lines.len(), texts.len() * levels.len() * 2);
    for (place, line) in lines.iter().enumerate() {
        let record = parse(line);
        assert_eq!((record.scope, record.decision), ("tests", "said"));
        assert_eq!(record.text("text"), Some(texts[place / 10]));
        assert_eq!(record.number("count"), Some(u64::MAX));
        assert_eq!(record.level, levels[place % 10 / 2]);
        assert_eq!(record.rpc(), (place % 2 == 1).then_some("Respond"));
        assert_eq!(record.dur_ms, (place % 2 == 1).then_some(1234));
    }
}

#[test]
fn tells_how_turns_ended_and_how_long_they_took() {
    let turn = "method=/streaming.StreamingService/StreamAudio";
    for (rest, end, latency) in [
        (format!("{turn} decision=start ctx={{\"session_id\":\"1\"}}"), None, None),
        (END.split_once("scope=grpc ").unwrap().1.to_owned(), Some(End::Complete), Some(398)),
        (format!("{turn} decision=complete ctx={{\"session_id\":\"1\",\"grpc_code\":\"OK\"}} dur_ms=70"), Some(End::Complete), Some(70)),
        (format!("{turn} decision=complete ctx={{\"grpc_code\":\"OK\"}} dur_ms=7"), None, Some(7)),
        (format!("{turn} decision=abort ctx={{\"session_id\":\"1\",\"grpc_code\":\"CANCELLED\"}} dur_ms=7"), Some(End::Interrupted), None),
        (format!("{turn} decision=abort ctx={{\"session_id\":\"1\",\"first_audio_ms\":5}} dur_ms=7"), Some(End::Interrupted), Some(5)),
        (format!("{turn} decision=abort ctx={{\"grpc_code\":\"CANCELLED\"}} dur_ms=7"), None, None),
        (format!("{turn} decision=error ctx={{\"grpc_code\":\"RESOURCE_EXHAUSTED\"}} dur_ms=1"), Some(End::Refused), None),
        (format!("{turn} decision=error ctx={{\"grpc_code\":\"UNAVAILABLE\"}} dur_ms=1"), Some(End::Error), None),
        ("method=/nexy.worker.v1.Worker/Respond decision=complete ctx={\"session_id\":\"1\"} dur_ms=9".to_owned(), None, Some(9)),
        ("decision=error ctx={}".to_owned(), None, None),
    ] {
        let line = format!("ts=2026-11-20T10:00:00.000Z level=INFO scope=grpc {rest}");
        let record = parse(&line);
        assert_eq!((record.turn_end(), record.latency_ms()), (end, latency), "{line}");
    }
}

/// What is made of lines: `name:decision`, `access` or `unreadable`.
fn read(text: &[u8]) -> (Vec<String>, Tally) {
    // A small buffer, so that lines are put together of pieces.
    let mut log = LogReader::new(BufReader::with_capacity(7, text));
    let mut read = Vec::new();
    while let Some(entry) = log.next().unwrap() {
        read.push(match entry {
            Entry::Record { source, record } => {
                format!("{}:{}", source.unwrap_or_default(), record.decision)
            }
            Entry::Access { source, .. } => format!("{}:access", source.unwrap_or_default()),
            Entry::Unreadable { .. } => "unreadable".to_owned(),
        });
    }
    (read, log.tally())
}

#[test]
fn names_of_containers_may_stand_in_front() {
    let access = r#"{"ts":"2026-11-20T10:00:00+00:00","status":200}"#;
    let text = [
        END.to_owned(),
        format!("gateway-1  | {END}"),
        format!("gateway_1            | {END}"),
        format!("\u{1b}[36mgateway_1            |\u{1b}[0m {END}\r"),
        format!("\u{1b}[36;1mnexy.gateway |\u{1b}[0m {END}"),
        format!("gateway_1 | 2026-11-20T10:00:00.123456789Z {END}"),
        format!("2026-11-20T10:00:00.123456789Z {END}"),
        access.to_owned(),
        format!("nginx_1 | {access}"),
    ]
    .join("\n");
    let (read, tally) = read(text.as_bytes());
    assert_eq!(
        read,
        [
            ":complete",
            "gateway-1:complete",
            "gateway_1:complete",
            "gateway_1:complete",
            "nexy.gateway:complete",
            "gateway_1:complete",
            ":complete",
            ":access",
            "nginx_1:access",
        ]
    );
    assert_eq!((tally.lines, tally.records, tally.access, tally.unreadable), (9, 7, 2, 0));
}

#[test]
fn what_does_not_parse_is_counted() {
    let mut text = format!("{END}\n\n  \nAttaching to gateway_1\n{END}\n").into_bytes();
    text.extend_from_slice(b"\xff\xfe\n");
    text.extend_from_slice(&END.as_bytes()[..90]);
    let (read, tally) = read(&text);
    assert_eq!(read, [":complete", "unreadable", ":complete", "unreadable", "unreadable"]);
    assert_eq!((tally.lines, tally.records, tally.unreadable), (5, 2, 3));
    assert_eq!(tally.first_unreadable, Some((4, "no ts at its beginning")));
}

#[test]
fn a_line_of_any_length_costs_bounded_memory() {
    let mut text = vec![b'x'; 3 * 1024 * 1024];
    text.extend_from_slice(format!("\n{END}\n").as_bytes());
    let mut log = LogReader::new(text.as_slice());
    assert!(matches!(
        log.next().unwrap(),
        Some(Entry::Unreadable { line, why: "longer than a line can be" }) if line.len() <= 1024 * 1024
    ));
    assert!(matches!(log.next().unwrap(), Some(Entry::Record { .. })));
    assert!(log.next().unwrap().is_none());
}

#[test]
fn counts_of_two_files_are_put_together() {
    let (_, first) = read(format!("{END}\n{END}\n").as_bytes());
    let (_, second) = read(format!("{END}\nnonsense\n").as_bytes());
    let both = first.and(second);
    assert_eq!(json!(both)["first_unreadable"][0], 2);
    assert_eq!((both.lines, both.records), (4, 3));
}
