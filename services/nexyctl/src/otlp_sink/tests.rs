use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as Wire, Status, span::Event},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{serve, span::Span, store::Store, tree};

const MS: u64 = 1_000_000;

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn wire(trace: u8, id: u8, parent: u8, name: &str, from_ms: u64, to_ms: u64) -> Wire {
    let parent_span_id = if parent == 0 { Vec::new() } else { vec![parent; 8] };
    Wire {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id,
        name: name.to_owned(),
        start_time_unix_nano: from_ms * MS,
        end_time_unix_nano: to_ms * MS,
        ..Wire::default()
    }
}

fn message(service: &str, spans: Vec<Wire>) -> ResourceSpans {
    let name = pair("service.name", Any::StringValue(service.to_owned()));
    ResourceSpans {
        resource: Some(Resource { attributes: vec![name], ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

/// One turn over two services.
fn turn() -> Vec<ResourceSpans> {
    let mut speech = wire(1, 3, 2, "tts", 30, 90);
    speech.attributes.push(pair("provider", Any::StringValue("espeak".to_owned())));
    speech.attributes.push(pair("code.lineno", Any::IntValue(7)));
    speech.events.push(Event {
        name: "first_audio".to_owned(),
        time_unix_nano: 45 * MS,
        ..Event::default()
    });
    speech.status = Some(Status { message: "voice lost".to_owned(), code: 2 });
    vec![
        message("nexy-worker", vec![speech, wire(1, 2, 1, "respond", 12, 95)]),
        message("nexy-gateway", vec![wire(1, 1, 0, "StreamAudio", 10, 100)]),
    ]
}

fn stored(messages: Vec<ResourceSpans>, keep: usize) -> Store {
    let store = Store::new(keep);
    store.add(messages.into_iter().flat_map(Span::all_of));
    store
}

#[test]
fn a_trace_reads_as_an_indented_list() {
    let store = stored(turn(), 100);
    let id = store.summaries().first().unwrap().trace_id;
    assert_eq!(
        tree::render(&store.trace(id)),
        "Trace 01010101010101010101010101010101: 3 spans, 90.0 ms.\n\
         StreamAudio (nexy-gateway): at 0.0 ms, took 90.0 ms\n\
         \x20 respond (nexy-worker): at 2.0 ms, took 83.0 ms\n\
         \x20   tts (nexy-worker): at 20.0 ms, took 60.0 ms, failed: voice lost, provider espeak\n\
         \x20     event first_audio: at 35.0 ms\n"
    );
}

#[test]
fn a_trace_without_a_root_or_with_a_loop_shows_every_span_once() {
    let spans =
        vec![wire(1, 1, 9, "orphan", 0, 1), wire(1, 2, 3, "one", 1, 2), wire(1, 3, 2, "two", 2, 3)];
    let store = stored(vec![message("s", spans)], 100);
    let id = store.summaries().first().unwrap().trace_id;
    let text = tree::render(&store.trace(id));
    for name in ["orphan (", "one (", "two ("] {
        assert_eq!(text.matches(name).count(), 1, "{text}");
    }
}

#[test]
fn the_latest_trace_is_one_of_real_work() {
    let mut messages = turn();
    messages.push(message("nexy-worker", vec![wire(2, 1, 0, "Status", 500, 501)]));
    let store = stored(messages, 100);
    assert_eq!(store.latest().unwrap().to_string(), "01".repeat(16));
    let only_status = stored(vec![message("w", vec![wire(2, 1, 0, "Status", 500, 501)])], 100);
    assert_eq!(only_status.latest().unwrap().to_string(), "02".repeat(16));
}

#[test]
fn the_oldest_spans_are_forgotten_first() {
    let spans = (1..=5).map(|n| wire(n, 1, 0, "call", u64::from(n), u64::from(n) + 1)).collect();
    let store = stored(vec![message("s", spans)], 3);
    let starts: Vec<u64> = store.summaries().iter().map(|trace| trace.start_ns / MS).collect();
    assert_eq!(starts, [5, 4, 3]);
}

#[test]
fn spans_with_broken_ids_are_left_out() {
    let mut broken = wire(1, 1, 0, "broken", 0, 1);
    broken.trace_id.pop();
    let nobody = wire(1, 0, 0, "nobody", 0, 1);
    assert_eq!(stored(vec![message("s", vec![broken, nobody])], 3).len(), 0);
}

#[tokio::test]
async fn what_is_sent_over_otlp_is_shown_over_http() {
    nexy_runtime::install_tls_provider();
    let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", grpc.local_addr().unwrap());
    let page = format!("http://{}", http.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serving = serve(grpc, http, Arc::new(Store::new(100)), stop.clone());
    let asking = async {
        let mut client = TraceServiceClient::connect(endpoint).await.unwrap();
        client.export(ExportTraceServiceRequest { resource_spans: turn() }).await.unwrap();
        let get = async |path: &str| {
            let answer = reqwest::get(format!("{page}{path}")).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let id = "01".repeat(16);
        let (status, list) = get("/traces").await;
        assert!(status == 200 && list.contains(&id) && list.contains("nexy-worker"), "{list}");
        let (status, spans) = get(&format!("/traces/{id}")).await;
        assert!(status == 200 && spans.contains(r#""provider":"espeak""#), "{spans}");
        let (status, text) = get("/traces/latest?format=text").await;
        assert!(status == 200 && text.starts_with("Trace 0101"), "{text}");
        assert_eq!(get("/traces/nonsense").await.0, 404);
        assert_eq!(get("/health").await, (200, r#"{"spans":3,"status":"OK"}"#.to_owned()));
        stop.cancel();
    };
    let (served, ()) = tokio::join!(serving, asking);
    served.unwrap();
}
