use std::time::Duration;

use http::HeaderMap;
use serde::Serialize;
use tracing::Instrument as _;

use super::{Decision, emit};
use crate::{Capture, Level, capture, capture::capture_at, metrics, propagation};

#[derive(Serialize)]
struct Complete<'a> {
    session_id: &'a str,
    grpc_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_text_ms: Option<u64>,
}

impl Decision for Complete<'_> {
    fn scope(&self) -> &'static str {
        "grpc"
    }
    fn decision(&self) -> &'static str {
        "complete"
    }
    fn method(&self) -> Option<&'static str> {
        Some("/streaming.StreamingService/StreamAudio")
    }
    fn duration(&self) -> Option<Duration> {
        Some(Duration::from_micros(4_210_900))
    }
}

#[derive(Serialize)]
struct At {
    #[serde(skip)]
    level: Level,
    #[serde(skip)]
    decision: &'static str,
}

impl Decision for At {
    fn scope(&self) -> &'static str {
        "test"
    }
    fn decision(&self) -> &'static str {
        self.decision
    }
    fn level(&self) -> Level {
        self.level
    }
}

/// The lines without their times.
fn timeless(log: &Capture) -> String {
    let cut = |line: &String| line.split_once(' ').map(|(_, rest)| rest.to_owned());
    log.lines().iter().filter_map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_decision_is_one_line() {
    let log = capture();
    emit(&Complete { session_id: "3b", grpc_code: "OK", first_text_ms: Some(312) });
    emit(&Complete { session_id: "a\nb\u{2028} ctx={}", grpc_code: "\"", first_text_ms: None });
    emit(&At { level: Level::Warn, decision: "degrade" });
    insta::assert_snapshot!(timeless(&log), @r#"
    level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={"session_id":"3b","grpc_code":"OK","first_text_ms":312} dur_ms=4210
    level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={"session_id":"a\nb\u2028 ctx={}","grpc_code":"\""} dur_ms=4210
    level=WARN scope=test decision=degrade ctx={}
    "#);
}

#[test]
fn every_level_reaches_the_log() {
    let log = capture();
    for level in [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace] {
        emit(&At { level, decision: "levels" });
    }
    insta::assert_snapshot!(timeless(&log), @r"
    level=ERROR scope=test decision=levels ctx={}
    level=WARN scope=test decision=levels ctx={}
    level=INFO scope=test decision=levels ctx={}
    level=DEBUG scope=test decision=levels ctx={}
    level=TRACE scope=test decision=levels ctx={}
    ");
}

#[test]
fn counts_what_is_too_quiet_to_be_printed() {
    let log = capture_at("warn");
    for _ in 0..3 {
        emit(&At { level: Level::Info, decision: "too_quiet_to_print" });
    }
    assert!(log.lines().is_empty());
    assert_eq!(metrics::DECISIONS.get("too_quiet_to_print"), 3);
}

#[test]
fn counters_agree_with_lines() {
    let log = capture();
    for _ in 0..7 {
        emit(&At { level: Level::Info, decision: "agreed" });
    }
    let printed = log.lines().iter().filter(|line| line.contains("decision=agreed")).count();
    assert_eq!(u64::try_from(printed).unwrap(), metrics::DECISIONS.get("agreed"));
}

#[test]
fn a_line_in_a_span_names_its_trace() {
    let log = capture();
    let span = tracing::info_span!("turn");
    let trace_id = span.in_scope(|| {
        emit(&At { level: Level::Info, decision: "traced" });
        emit(&Complete { session_id: "3b", grpc_code: "OK", first_text_ms: None });
        propagation::trace_id().unwrap()
    });
    assert_eq!(trace_id.len(), 32);
    let lines = log.lines();
    assert!(lines[0].ends_with(&format!(r#"ctx={{"trace_id":"{trace_id}"}}"#)), "{lines:?}");
    assert!(lines[1].contains(&format!(r#""grpc_code":"OK","trace_id":"{trace_id}"}}"#)));
}

#[test]
fn outside_a_span_there_is_no_trace_id() {
    let _log = capture();
    assert_eq!(propagation::trace_id(), None);
    let mut headers = HeaderMap::new();
    propagation::inject_current(&mut headers);
    assert!(headers.is_empty());
}

#[tokio::test]
async fn a_trace_goes_through_headers_and_keeps_its_decision_to_sample() {
    let _log = capture();
    for flags in ["00", "01"] {
        let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let mut incoming = HeaderMap::new();
        let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-{flags}");
        incoming.insert("traceparent", traceparent.parse().unwrap());
        let span = tracing::info_span!("rpc");
        propagation::set_parent(&span, &incoming);
        let outgoing = async {
            assert_eq!(propagation::trace_id().as_deref(), Some(trace_id));
            let mut headers = HeaderMap::new();
            propagation::inject_current(&mut headers);
            headers
        }
        .instrument(span)
        .await;
        let sent = outgoing["traceparent"].to_str().unwrap();
        let parts: Vec<_> = sent.split('-').collect();
        assert_eq!([parts[0], parts[1], parts[3]], ["00", trace_id, flags]);
        assert_ne!(parts[2], "00f067aa0ba902b7", "the parent's span id was sent on");
    }
}

#[test]
fn a_broken_traceparent_starts_a_new_trace() {
    let _log = capture();
    for broken in
        ["", "00-zz-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-0000000000000000-01"]
    {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", broken.parse().unwrap());
        let span = tracing::info_span!("rpc");
        propagation::set_parent(&span, &headers);
        assert!(span.in_scope(propagation::trace_id).is_some(), "{broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn dependencies_are_wrapped_and_cannot_flood() {
    let log = capture_at("info");
    tracing::info!(target: "h2", "not printed");
    for n in 0..50 {
        tracing::warn!(target: "h2", secret = "kept out", "refused\nby peer {n}");
    }
    tracing::error!(target: "h2", "another level is another line");
    tokio::time::advance(Duration::from_millis(1001)).await;
    tracing::warn!(target: "h2", "{}", "x".repeat(1000));
    let text = timeless(&log).replace(&"x".repeat(300), "x{300}");
    insta::assert_snapshot!(text, @r#"
    level=WARN scope=dependency decision=dependency_log ctx={"target":"h2","message":"refused\nby peer 0"}
    level=ERROR scope=dependency decision=dependency_log ctx={"target":"h2","message":"another level is another line"}
    level=WARN scope=dependency decision=dependency_log ctx={"target":"h2","message":"x{300}…","suppressed":49}
    "#);
}
