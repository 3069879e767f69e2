use super::{super::from_metrics::figures, *};

fn gateway(ok: u64, cancelled: u64, internal: u64, refused: u64) -> String {
    let mut text = String::new();
    let codes = [("OK", ok), ("CANCELLED", cancelled), ("INTERNAL", internal)];
    for (code, count) in codes.into_iter().chain([("RESOURCE_EXHAUSTED", refused)]) {
        let labels = format!("rpc=\"StreamAudio\",code=\"{code}\"");
        writeln!(text, "nexy_rpc_requests_total{{{labels}}} {count}").unwrap();
    }
    writeln!(text, "nexy_rpc_requests_total{{rpc=\"ReportUsage\",code=\"INTERNAL\"}} 99").unwrap();
    writeln!(text, "nexy_decisions_total{{decision=\"retry\"}} 0").unwrap();
    for (bound, count) in [("1", ok / 2), ("1.25", ok), ("+Inf", ok)] {
        writeln!(text, "nexy_time_to_first_audio_seconds_bucket{{le=\"{bound}\"}} {count}")
            .unwrap();
    }
    text
}

fn worker(retries: u64) -> String {
    format!(
        "nexy_decisions_total{{decision=\"retry\"}} {retries}\n\
         nexy_provider_calls_total{{provider=\"openai\",outcome=\"ok\"}} 7\n"
    )
}

fn read(pages: &[String]) -> anyhow::Result<Figures> {
    let pages = pages.iter().map(|text| Page::parse(text).unwrap()).collect::<Vec<_>>();
    figures(&pages)
}

#[test]
fn pages_of_several_services_add_up() {
    let pages = [gateway(100, 3, 2, 1), gateway(100, 0, 0, 0), worker(4), worker(1)];
    let figures = read(&pages).unwrap();
    let counts =
        (figures.turns, figures.good, figures.errors, figures.interrupted, figures.refused);
    assert_eq!(counts, (206, 200, 2, 3, 1));
    assert_eq!((figures.retries, figures.latencies), (Some(5), 200));
    assert_eq!(figures.first_audio_p95_ms, Some(1225.0));
}

#[test]
fn without_the_page_of_a_worker_its_retries_are_unknown() {
    assert_eq!(read(&[gateway(100, 0, 0, 0)]).unwrap().retries, None);
}

#[test]
fn without_the_page_of_a_gateway_nothing_is_known() {
    let error = read(&[worker(4)]).unwrap_err();
    assert_eq!(error.to_string(), "no page is that of a gateway");
}

#[test]
fn a_refusal_counts_wherever_it_is_counted() {
    let page =
        gateway(97, 0, 0, 0) + "nexy_backpressure_refusals_total{reason=\"session_busy\"} 3\n";
    let figures = read(&[page]).unwrap();
    assert_eq!((figures.turns, figures.refused), (100, 3));
}
