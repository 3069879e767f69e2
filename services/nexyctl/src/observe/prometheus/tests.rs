use std::time::Duration;

use nexy_telemetry::metrics::{self, RpcEnd};

use super::*;

/// In an `Option`, because floats are compared exactly here.
fn sum(page: &Page, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    Some(page.sum(name, labels))
}

fn page(text: &str) -> Page {
    Page::parse(text).unwrap_or_else(|line| panic!("line {line} of {text}"))
}

#[test]
fn reads_names_labels_values_and_times() {
    let page = page(
        "# HELP a_total Something.\n\
         # TYPE a_total counter\n\
         a_total 3\n\
         \n\
         b{x=\"1\",y=\"two words\"} 4.5\n\
         b{ x = \"q\\\"\\\\\\n}\" , } +Inf 1395066363000\n\
         c:d:e{} NaN\n\
         \tf  -1e3  \n",
    );
    assert_eq!(sum(&page, "a_total", &[]), Some(3.0));
    assert_eq!(sum(&page, "b", &[("y", "two words")]), Some(4.5));
    assert_eq!(page.samples("b")[1].label("x"), Some("q\"\\\n}"));
    assert_eq!(sum(&page, "b", &[]), Some(f64::INFINITY));
    assert!(page.sum("c:d:e", &[]).is_nan());
    assert_eq!(sum(&page, "f", &[]), Some(-1000.0));
    assert_eq!((sum(&page, "nothing", &[]), page.samples("nothing").len()), (Some(0.0), 0));
}

#[test]
fn says_which_line_is_wrong() {
    for line in [
        "a",
        "a b",
        "1a 2",
        "a{ 2",
        "a{x} 2",
        "a{x=1} 2",
        "a{x=\"1} 2",
        "a{x=\"\\t\"} 2",
        "a{x=\"1\" y=\"2\"} 2",
        "a{x:y=\"1\"} 2",
        "a 1 2 3",
        "a 1 noon",
        "<html>",
        "{\"status\":\"OK\"}",
    ] {
        assert_eq!(Page::parse(&format!("# HELP a b\nok 1\n{line}\n")), Err(3), "{line}");
    }
}

#[test]
fn reads_whatever_the_services_write() {
    metrics::declare(&[
        metrics::RPC_REQUESTS,
        metrics::RPC_DURATION,
        &metrics::TIME_TO_FIRST_AUDIO,
        &metrics::UPDATE_CLIENTS,
    ]);
    metrics::UPDATE_CLIENTS.know("a \"version\" \\ of\ntwo lines");
    let audio = |millis| {
        metrics::rpc_ended(&RpcEnd {
            rpc: "StreamAudio",
            code: "OK",
            duration: Duration::from_secs(4),
            first_text: None,
            first_audio: Some(Duration::from_millis(millis)),
        });
    };
    (0..20).for_each(|_| audio(350));
    let page = page(&metrics::render());
    let turns = [("rpc", "StreamAudio"), ("code", "OK")];
    assert_eq!(sum(&page, "nexy_rpc_requests_total", &turns), Some(20.0));
    let heard = page.histogram("nexy_time_to_first_audio_seconds", &[]).unwrap();
    assert_eq!((Some(heard.count()), heard.quantile(0.5)), (Some(20.0), Some(0.35)));
    let clients = page.samples("nexy_update_clients_total");
    let named =
        clients.iter().any(|it| it.label("version") == Some("a \"version\" \\ of\ntwo lines"));
    assert!(named, "{clients:?}");
}

fn histogram(counts: [u32; 4]) -> Histogram {
    let [first, second, third, all] = counts;
    let text = format!(
        "h_bucket{{le=\"0.5\"}} {first}\nh_bucket{{le=\"1\"}} {second}\n\
         h_bucket{{le=\"2\"}} {third}\nh_bucket{{le=\"+Inf\"}} {all}\n"
    );
    page(&text).histogram("h", &[]).unwrap()
}

#[test]
fn quantiles_are_those_of_prometheus() {
    for (counts, quantile, expected) in [
        ([0, 0, 0, 0], 0.95, None),
        ([100, 100, 100, 100], 0.95, Some(0.475)),
        ([0, 100, 100, 100], 0.5, Some(0.75)),
        ([50, 100, 100, 100], 0.5, Some(0.5)),
        ([0, 0, 100, 100], 0.95, Some(1.95)),
        // Beyond the last bound nothing is known but the bound.
        ([0, 0, 90, 100], 0.95, Some(2.0)),
        ([0, 0, 0, 5], 0.95, Some(2.0)),
    ] {
        assert_eq!(histogram(counts).quantile(quantile), expected, "{counts:?}");
    }
}

#[test]
fn a_histogram_without_its_last_bucket_is_none() {
    assert_eq!(page("h_bucket{le=\"0.5\"} 3\n").histogram("h", &[]), None);
    assert_eq!(page("h_bucket{le=\"x\"} 3\n").histogram("h", &[]), None);
    assert_eq!(page("").histogram("h", &[]), None);
}

#[test]
fn histograms_of_two_services_add_up() {
    let both = histogram([1, 2, 3, 4]).and(&histogram([0, 0, 0, 10]));
    assert_eq!(both, histogram([1, 2, 3, 14]));
}

#[test]
fn the_difference_of_two_pages_is_what_happened_between() {
    let before = page("a{x=\"1\"} 10\na{x=\"2\"} 5\ngauge 9\n");
    let after = page("a{x=\"1\"} 12\na{x=\"2\"} 5\na{x=\"3\"} 1\ngauge 4\n");
    let between = after.since(&before, &["gauge"]);
    assert_eq!(between, page("a{x=\"1\"} 2\na{x=\"2\"} 0\na{x=\"3\"} 1\ngauge 4\n"));
    assert!(!after.has_fallen(&before, "a"));
}

#[test]
fn a_counter_that_has_fallen_was_started_anew() {
    let before = page("a 10\n");
    for after in ["a 3\n", "b 3\n"] {
        assert!(page(after).has_fallen(&before, "a"), "{after}");
    }
    assert_eq!(page("a 3\n").since(&before, &[]), page("a 3\n"));
}
