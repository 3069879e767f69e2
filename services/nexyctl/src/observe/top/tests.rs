use std::time::Duration;

use super::{round::Service, view::View, *};
use crate::{observe::prometheus::Page, screen::Look};

const GATEWAY_BEFORE: &str = r#"
nexy_build_info{service="nexy-gateway",version="1.2.3"} 1
nexy_active_streams 9
nexy_connections 4
nexy_rpc_requests_total{rpc="StreamAudio",code="OK"} 100
nexy_rpc_requests_total{rpc="StreamAudio",code="CANCELLED"} 3
nexy_rpc_requests_total{rpc="StreamAudio",code="INTERNAL"} 0
nexy_rpc_requests_total{rpc="StreamAudio",code="RESOURCE_EXHAUSTED"} 0
nexy_rpc_requests_total{rpc="ReportUsage",code="OK"} 50
nexy_backpressure_refusals_total{reason="session_busy"} 0
nexy_backpressure_refusals_total{reason="stream_limit_exceeded"} 0
nexy_time_to_first_text_seconds_bucket{le="0.1"} 0
nexy_time_to_first_text_seconds_bucket{le="0.2"} 100
nexy_time_to_first_text_seconds_bucket{le="+Inf"} 100
nexy_time_to_first_audio_seconds_bucket{le="0.2"} 0
nexy_time_to_first_audio_seconds_bucket{le="0.4"} 100
nexy_time_to_first_audio_seconds_bucket{le="+Inf"} 100
"#;

const WORKER: &str = r#"
nexy_build_info{service="nexy-worker",version="1.2.3"} 1
nexy_provider_calls_total{provider="gemini",outcome="ok"} 90
nexy_provider_calls_total{provider="gemini",outcome="timeout"} 10
nexy_provider_calls_total{provider="openai",outcome="ok"} 0
nexy_breaker_state{provider="gemini"} 2
nexy_breaker_state{provider="openai"} 0
nexy_stage_duration_seconds_bucket{stage="memory",provider="none",le="0.005"} 100
nexy_stage_duration_seconds_bucket{stage="memory",provider="none",le="+Inf"} 100
nexy_stage_duration_seconds_count{stage="memory",provider="none"} 100
nexy_stage_duration_seconds_count{stage="llm_total",provider="gemini"} 0
nexy_queue_depth{queue="memory_writes"} 2
nexy_tokens_total{provider="gemini",kind="input"} 5000
nexy_tokens_total{provider="gemini",kind="output"} 0
nexy_cost_usd_total{provider="gemini"} 1.25
nexy_cost_usd_total{provider="azure"} 0
nexy_own_overhead_seconds_bucket{le="0.02"} 100
nexy_own_overhead_seconds_bucket{le="+Inf"} 100
"#;

fn page(text: &str) -> Service {
    Ok(Page::parse(text).unwrap())
}

fn away() -> Service {
    Err("nothing listens at http://127.0.0.1:8081/metrics".to_owned())
}

fn asked() -> Asked {
    let target = |port: u16| format!("127.0.0.1:{port}").parse().unwrap();
    Asked { gateway: target(8080), workers: vec![target(8082)], update: target(8081) }
}

/// Two rounds, two seconds apart.
fn view(before: [Service; 3], now: [Service; 3]) -> View {
    let at = tokio::time::Instant::now();
    let round = |[gateway, worker, update]: [Service; 3], at| Round {
        at,
        gateway,
        workers: vec![worker],
        update,
        max_streams: Some(100),
    };
    let before = round(before, at);
    View::of(&asked(), &before, &round(now, at + Duration::from_secs(2)))
}

/// Without the first line, which has the time.
fn text(view: &View, look: Look) -> String {
    view.text(look).split_off(1).join("\n")
}

#[test]
fn shows_what_happened_between_two_looks() {
    let gateway = GATEWAY_BEFORE
        .replace("nexy_active_streams 9", "nexy_active_streams 7")
        .replace("code=\"OK\"} 100", "code=\"OK\"} 110")
        .replace("code=\"RESOURCE_EXHAUSTED\"} 0", "code=\"RESOURCE_EXHAUSTED\"} 2")
        .replace("reason=\"session_busy\"} 0", "reason=\"session_busy\"} 2")
        .replace("le=\"0.4\"} 100", "le=\"0.4\"} 105")
        .replace("le=\"+Inf\"} 100", "le=\"+Inf\"} 110");
    let worker = WORKER
        .replace("outcome=\"ok\"} 90", "outcome=\"ok\"} 93")
        .replace("outcome=\"timeout\"} 10", "outcome=\"timeout\"} 11")
        .replace("kind=\"input\"} 5000", "kind=\"input\"} 5400")
        .replace("provider=\"gemini\"} 1.25", "provider=\"gemini\"} 1.2525");
    let view =
        view([page(GATEWAY_BEFORE), page(WORKER), away()], [page(&gateway), page(&worker), away()]);
    insta::assert_snapshot!(text(&view, Look::Piped), @"
    Services
    service  at                     state                                                   version
    gateway  http://127.0.0.1:8080  there                                                   1.2.3
    worker   http://127.0.0.1:8082  there                                                   1.2.3
    update   http://127.0.0.1:8081  AWAY: nothing listens at http://127.0.0.1:8081/metrics  -

    Streams
    what         open  limit
    streams      7     100
    connections  4     -

    Turns
    what                   per second  in interval  since start
    all                    6.0/s       12           115
    interrupted            0.0/s       0            3
    good                   5.0/s       10           110
    refused                1.0/s       2            2
    refused: session_busy  1.0/s       2            2

    Latency in the interval
    what          count  p50     p95     p95 since start
    first text    10     200 ms  200 ms  200 ms
    first audio   10     400 ms  400 ms  399 ms
    own overhead  0      -       -       19 ms

    Providers
    provider  calls per second  outcomes in interval               outcomes since start                 breaker
    gemini    2.0/s             ok 3 (75.0 %), timeout 1 (25.0 %)  ok 93 (89.4 %), timeout 11 (10.6 %)  OPEN

    Stages in the interval
    stage   provider  count  p50  p95  p95 since start
    memory  none      0      -    -    5 ms

    Queues
    queue          depth
    memory_writes  2

    Tokens
    what          per second  in interval  since start
    gemini input  200.0/s     400          5400

    Estimated cost
    provider  per hour    in interval  since start
    gemini    4.5000 USD  0.0025 USD   1.2525 USD
    ");
}

#[test]
fn a_service_that_is_away_is_part_of_the_view() {
    let view = view([away(), away(), away()], [away(), away(), away()]);
    insta::assert_snapshot!(text(&view, Look::Piped), @"
    Services
    service  at                     state                                                   version
    gateway  http://127.0.0.1:8080  AWAY: nothing listens at http://127.0.0.1:8081/metrics  -
    worker   http://127.0.0.1:8082  AWAY: nothing listens at http://127.0.0.1:8081/metrics  -
    update   http://127.0.0.1:8081  AWAY: nothing listens at http://127.0.0.1:8081/metrics  -
    ");
}

#[test]
fn a_service_that_comes_back_has_no_past_yet() {
    let view = view([away(), away(), away()], [page(GATEWAY_BEFORE), away(), away()]);
    let json = view.json();
    assert_eq!(json["turns"][0]["since_start"], 103);
    assert!(json["turns"][0]["per_second"].is_null(), "{json}");
}

#[test]
fn a_service_that_was_started_anew_counts_from_there() {
    let anew = GATEWAY_BEFORE.replace("code=\"OK\"} 100", "code=\"OK\"} 4");
    let view = view([page(GATEWAY_BEFORE), away(), away()], [page(&anew), away(), away()]);
    assert_eq!(view.json()["turns"][0]["in_interval"], 4);
}

#[test]
fn screen_readers_get_sentences() {
    let view = view([away(), page(WORKER), away()], [away(), page(WORKER), away()]);
    insta::assert_snapshot!(text(&view, Look::Plain), @"
    Services:
    gateway: at http://127.0.0.1:8080, state AWAY: nothing listens at http://127.0.0.1:8081/metrics.
    worker: at http://127.0.0.1:8082, state there, version 1.2.3.
    update: at http://127.0.0.1:8081, state AWAY: nothing listens at http://127.0.0.1:8081/metrics.

    Latency in the interval:
    own overhead: count 0, p95 since start 19 ms.

    Providers:
    gemini: calls per second 0.0/s, outcomes since start ok 90 (90.0 %), timeout 10 (10.0 %), breaker OPEN.

    Stages in the interval:
    memory: provider none, count 0, p95 since start 5 ms.

    Queues:
    memory_writes: depth 2.

    Tokens:
    gemini input: per second 0.0/s, in interval 0, since start 5000.

    Estimated cost:
    gemini: per hour 0.0000 USD, in interval 0.0000 USD, since start 1.2500 USD.
    ");
}
