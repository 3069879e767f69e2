use super::*;
use crate::screen::{Colour, tests::Paper};

const LOG: &str = "\
gateway_1  | ts=2026-11-20T23:59:59.999Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={\"trace_id\":\"t1\",\"session_id\":\"s1\",\"grpc_code\":\"OK\",\"first_audio_ms\":398,\"degraded\":[\"tts\"]} dur_ms=4210
worker_1   | ts=2026-11-21T00:00:00.000Z level=WARN scope=worker decision=retry ctx={\"reason\":\"a\\nb \\u001b[2J\"}
nginx_1    | {\"ts\":\"2026-11-21T00:00:01+00:00\",\"method\":\"POST\",\"path\":\"/health\",\"status\":200,\"duration_s\":0.012,\"trace_id\":\"t2\"}
postgres_1 | \u{1b}[31mready to accept connections
ts=2026-11-21T00:00:02.000Z level=INFO scope=runtime decision=shutdown ctx={}
";

fn shown(look: Look) -> String {
    let paper = Paper::default();
    let mut screen = paper.screen(look);
    Pretty { screen: &mut screen, date: None }.show(LOG.as_bytes()).unwrap();
    paper.text()
}

#[test]
fn people_see_what_happened_and_to_whom() {
    insta::assert_snapshot!(shown(Look::Piped), @r#"
    2026-11-20, times in UTC
    23:59:59.999 INFO  gateway_1 grpc StreamAudio complete in 4210 ms: degraded ["tts"], first_audio_ms 398, grpc_code OK, session_id s1, trace_id t1
    2026-11-21, times in UTC
    00:00:00.000 WARN  worker_1 worker retry: reason a b [2J
    nginx_1 nginx POST /health 200 in 0.012 s, trace_id t2
    postgres_1 | [31mready to accept connections
    00:00:02.000 INFO  runtime shutdown
    Lines that are not of the decision log: 1.
    "#);
}

#[test]
fn colours_are_for_terminals() {
    assert!(!shown(Look::Plain).contains('\u{1b}'));
    assert!(!shown(Look::Piped).contains('\u{1b}'));
    let terminal = shown(Look::Terminal(Colour::On));
    assert!(terminal.contains("\u{1b}[1mWARN \u{1b}[0m"), "{terminal}");
    assert!(!terminal.contains("\u{1b}[2J"), "{terminal}");
}
