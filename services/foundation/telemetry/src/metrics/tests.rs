use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Amount, BACKPRESSURE_REFUSALS, Counter, DECISIONS, Family, Gauge, Histogram, Label,
    RPC_DURATION, RPC_REQUESTS, RpcEnd, STAGE_DURATION, TIME_TO_FIRST_AUDIO, TOKENS, Window,
    code_name, declare, render, rpc_ended,
};

const COLOURS: &[&str] = &["red", "green"];
const SIZES: &[&str] = &["big"];

fn rendered(family: &dyn Family) -> String {
    let mut out = String::new();
    render::render(&mut out, &family.read());
    check_format(&out);
    out
}

/// Reads the text format 0.0.4 strictly: HELP, then TYPE, then the samples of
/// that family only; unique series; buckets that rise and end with `+Inf`
/// equal to the count.
fn check_format(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut families = BTreeSet::new();
    let (mut name, mut kind) = ("", "");
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            name = rest.split_once(' ').unwrap().0;
            kind = "";
            assert!(families.insert(name), "{name} comes twice");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, what) = rest.split_once(' ').unwrap();
            assert_eq!(of, name, "TYPE without its HELP");
            assert!(["counter", "gauge", "histogram"].contains(&what));
            kind = what;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value = value.parse::<f64>().unwrap();
        let sample = series.split('{').next().unwrap();
        let suffix = sample.strip_prefix(name).unwrap_or_else(|| panic!("{sample} in {name}"));
        match kind {
            "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
            "counter" => assert!(suffix.is_empty() && name.ends_with("_total"), "{line}"),
            "gauge" => assert_eq!(suffix, "", "{line}"),
            other => panic!("sample before TYPE: {other} {line}"),
        }
        check_labels(series);
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} comes twice");
    }
    check_buckets(text, &samples);
    samples
}

fn check_labels(series: &str) {
    let Some((_, rest)) = series.split_once('{') else { return };
    for pair in rest.strip_suffix('}').unwrap().split(',') {
        let (label, value) = pair.split_once('=').unwrap();
        assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{series}");
        assert!(value.len() >= 2 && value.starts_with('"') && value.ends_with('"'), "{series}");
    }
}

fn check_buckets(text: &str, samples: &BTreeMap<String, f64>) {
    let mut below = BTreeMap::<String, (f64, f64)>::new();
    for line in text.lines().filter(|line| line.contains("_bucket{")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (row, end) = series.rsplit_once("le=\"").unwrap();
        let end = end.trim_end_matches("\"}").parse::<f64>().unwrap();
        let value = value.parse::<f64>().unwrap();
        let last = below.entry(row.to_owned()).or_insert((f64::NEG_INFINITY, 0.0));
        assert!(end > last.0 && value >= last.1, "{line}");
        *last = (end, value);
    }
    for (row, (end, value)) in below {
        assert!(end.is_infinite(), "{row} has no +Inf");
        let (name, labels) = row.split_once("_bucket{").unwrap();
        let labels = labels.trim_end_matches(',');
        let count = if labels.is_empty() {
            format!("{name}_count")
        } else {
            format!("{name}_count{{{labels}}}")
        };
        assert!((samples[&count] - value).abs() < f64::EPSILON, "{row}");
    }
}

fn ended(rpc: &str, code: &str, first_audio_ms: Option<u64>) {
    rpc_ended(&RpcEnd {
        rpc,
        code,
        duration: Duration::from_secs(4),
        first_text: None,
        first_audio: first_audio_ms.map(Duration::from_millis),
    });
}

#[test]
fn a_counter_shows_every_row_from_the_start_and_other_when_it_happens() {
    let counter = Counter::new(
        "t_total",
        "Help with \\ and\nline end.",
        [Label::new("colour", COLOURS), Label::new("size", SIZES)],
    );
    insta::assert_snapshot!(rendered(&counter), @r#"
    # HELP t_total Help with \\ and\nline end.
    # TYPE t_total counter
    t_total{colour="red",size="big"} 0
    t_total{colour="green",size="big"} 0
    "#);
    counter.increment(["green", "big"]);
    counter.add(["mauve", "big"], 2);
    counter.add(["beige", "tiny"], 3);
    insta::assert_snapshot!(rendered(&counter), @r#"
    # HELP t_total Help with \\ and\nline end.
    # TYPE t_total counter
    t_total{colour="red",size="big"} 0
    t_total{colour="green",size="big"} 1
    t_total{colour="other",size="big"} 2
    t_total{colour="other",size="other"} 3
    "#);
}

#[test]
fn an_amount_is_shown_in_units() {
    let amount = Amount::new("t_usd_total", "Cost.", [Label::new("size", SIZES)]);
    amount.add(["big"], 114_400);
    insta::assert_snapshot!(rendered(&amount), @r#"
    # HELP t_usd_total Cost.
    # TYPE t_usd_total counter
    t_usd_total{size="big"} 0.0001144
    "#);
    amount.add(["big"], 2_000_000_000);
    assert!(rendered(&amount).ends_with(" 2.0001144\n"));
}

#[test]
fn a_gauge_rises_and_falls() {
    let gauge = Gauge::new("t_depth", "Depth.", []);
    gauge.add([], 5);
    gauge.add([], -7);
    assert_eq!(gauge.get([]), -2);
    gauge.set([], 4);
    insta::assert_snapshot!(rendered(&gauge), @r"
    # HELP t_depth Depth.
    # TYPE t_depth gauge
    t_depth 4
    ");
}

#[test]
fn a_histogram_counts_a_bound_into_its_bucket_and_sums_exactly() {
    let histogram =
        Histogram::new("t_seconds", "T.", [Label::new("size", SIZES)], &[500, 1_000, 2_500_000]);
    for micros in [500, 501, 1_000, 2_500_001, 100_000_000] {
        histogram.observe(["big"], Duration::from_micros(micros));
    }
    insta::assert_snapshot!(rendered(&histogram), @r#"
    # HELP t_seconds T.
    # TYPE t_seconds histogram
    t_seconds_bucket{size="big",le="0.0005"} 1
    t_seconds_bucket{size="big",le="0.001"} 3
    t_seconds_bucket{size="big",le="2.5"} 3
    t_seconds_bucket{size="big",le="+Inf"} 5
    t_seconds_sum{size="big"} 102.502002
    t_seconds_count{size="big"} 5
    "#);
    assert_eq!(histogram.count(["big"]), 5);
}

#[test]
fn declared_families_are_there_with_zero() {
    declare(&[RPC_REQUESTS, RPC_DURATION, &TIME_TO_FIRST_AUDIO, &STAGE_DURATION, &TOKENS]);
    declare(&[&BACKPRESSURE_REFUSALS, RPC_REQUESTS]);
    let samples = check_format(&render());
    for series in [
        r#"nexy_rpc_requests_total{rpc="ReportUsage",code="DATA_LOSS"}"#,
        r#"nexy_stage_duration_seconds_count{stage="memory",provider="none"}"#,
        r#"nexy_stage_duration_seconds_count{stage="tts_total",provider="espeak"}"#,
        r#"nexy_backpressure_refusals_total{reason="session_busy"}"#,
        r#"nexy_decisions_total{decision="retry"}"#,
    ] {
        assert!(samples.get(series).is_some_and(|value| value.abs() < 0.5), "{series}");
    }
    assert!(
        !samples.contains_key(
            r#"nexy_stage_duration_seconds_count{stage="tts_total",provider="gemini"}"#
        )
    );
}

/// The only test that ends calls: their counters are the process's.
#[tokio::test(start_paused = true)]
async fn a_window_counts_refusals_and_interrupts_as_what_they_are() {
    let mut window = Window::new();
    for n in 1..=100 {
        ended("/streaming.StreamingService/StreamAudio", "OK", Some(n * 10));
    }
    for _ in 0..25 {
        ended("StreamAudio", "UNAVAILABLE", None);
        ended("StreamAudio", "RESOURCE_EXHAUSTED", None);
        ended("StreamAudio", "CANCELLED", None);
    }
    ended("Made/Up", "OK", None);
    for _ in 0..30 {
        DECISIONS.increment("window_test");
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    let first = window.snapshot();
    assert!((first.window_seconds - 60.0).abs() < 0.1);
    assert_eq!(first.requests, BTreeMap::from([("StreamAudio", 175), ("other", 1)]));
    let p95 = first.p95_latency_ms["StreamAudio"];
    assert!((930..=970).contains(&p95), "{p95}");
    assert!((3_800..=4_200).contains(&first.p95_latency_ms["other"]));
    assert!((first.error_rate["StreamAudio"] - 0.2).abs() < 1e-9);
    assert!((first.error_rate["other"]).abs() < 1e-9);
    let refusals = first.backpressure_refusal_rate.unwrap();
    assert!((refusals - 25.0 / 176.0).abs() < 1e-3, "{refusals}");
    assert!((first.decision_rate["window_test"] - 0.5).abs() < 1e-2);

    let second = window.snapshot();
    assert_eq!(second.requests, BTreeMap::new());
    assert_eq!(second.p95_latency_ms, BTreeMap::new());
    assert_eq!(second.backpressure_refusal_rate, None);
    assert!(!second.decision_rate.contains_key("window_test"));
}

#[test]
fn codes_have_their_names() {
    assert_eq!(code_name(0), "OK");
    assert_eq!(code_name(8), "RESOURCE_EXHAUSTED");
    assert_eq!(code_name(16), "UNAUTHENTICATED");
    assert_eq!(code_name(-1), "UNKNOWN");
    assert_eq!(code_name(99), "UNKNOWN");
}

#[test]
fn names_of_decisions_share_no_cell() {
    for _ in 0..2 {
        DECISIONS.increment("cell_a");
    }
    DECISIONS.increment("cell_b");
    assert_eq!((DECISIONS.get("cell_a"), DECISIONS.get("cell_b")), (2, 1));
    assert_eq!(DECISIONS.get("never"), 0);
}
