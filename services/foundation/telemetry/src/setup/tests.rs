use std::{
    io,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

use super::{Error, Guard, Otlp, Sampling, Settings, exports, init, report_panic};
use crate::{Capture, Decision, capture, capture::capture_with, emit, propagation, writer::Writer};

#[derive(serde::Serialize)]
struct FirstAudio {
    bytes: u32,
}

impl Decision for FirstAudio {
    fn scope(&self) -> &'static str {
        "delivery"
    }
    fn decision(&self) -> &'static str {
        "first_audio"
    }
}

struct Collector(mpsc::Sender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).await.unwrap();
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn settings(endpoint: String, ratio: f64) -> Settings {
    Settings {
        service: "nexy-test",
        version: "1.2.3".to_owned(),
        environment: "dev".to_owned(),
        level: "info".to_owned(),
        resource: vec![("deployment.environment.name".to_owned(), "blue".to_owned())],
        otlp: Some(Otlp {
            endpoint,
            authorities: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            traces: Some(Sampling { ratio, follows_caller: true }),
            metrics: None,
        }),
        id_hash_key: None,
    }
}

/// Everything but the parts that a process has once.
fn start(endpoint: String, ratio: f64) -> (Guard, Capture) {
    let (provider, exporter) = exports(&settings(endpoint, ratio)).unwrap();
    let log = capture_with("info", provider.clone());
    (Guard { provider, exporter, writer: Writer::start(io::sink()).unwrap() }, log)
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

/// Ends spans at an endpoint that does not take them, then flushes.
async fn check_costs_nothing(endpoint: String) {
    let (guard, _log) = start(endpoint, 1.0);
    let began = Instant::now();
    for _ in 0..10_000 {
        tracing::info_span!("turn").in_scope(|| emit(&FirstAudio { bytes: 1 }));
    }
    let spans_took = began.elapsed();
    assert!(spans_took < Duration::from_secs(5), "reporting waited: {spans_took:?}");
    let began = Instant::now();
    guard.flush(Duration::from_millis(200)).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "flush took {took:?}");
}

#[tokio::test]
async fn a_closed_collector_holds_up_neither_requests_nor_the_flush() {
    let (closed, endpoint) = listener().await;
    drop(closed);
    check_costs_nothing(endpoint).await;
}

#[tokio::test]
async fn a_silent_collector_holds_up_neither_requests_nor_the_flush() {
    // The kernel accepts the connection; nobody ever answers on it.
    let (_silent, endpoint) = listener().await;
    check_costs_nothing(endpoint).await;
}

#[tokio::test]
async fn a_flush_delivers_spans_with_their_events_and_the_resource() {
    let (listener, endpoint) = listener().await;
    let (sender, mut received) = mpsc::channel(4);
    let server = Server::builder().add_service(TraceServiceServer::new(Collector(sender)));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let (guard, _log) = start(endpoint, 1.0);
    let trace_id = tracing::info_span!("turn", segments = 2).in_scope(|| {
        emit(&FirstAudio { bytes: 4096 });
        tracing::info_span!(target: "h2", "of a dependency").in_scope(|| ());
        propagation::trace_id().unwrap()
    });
    guard.flush(Duration::from_secs(5)).await;

    let request = received.recv().await.unwrap();
    let of_resource = &request.resource_spans[0];
    let attribute = |name: &str| {
        let attributes = &of_resource.resource.as_ref().unwrap().attributes;
        let found = attributes.iter().find(|attribute| attribute.key == name).unwrap();
        match found.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::StringValue(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(attribute("service.name"), "nexy-test");
    assert_eq!(attribute("service.version"), "1.2.3");
    assert_eq!(attribute("deployment.environment.name"), "blue", "what is given wins");
    assert_eq!(attribute("service.instance.id").len(), 36);
    let spans = &of_resource.scope_spans[0].spans;
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["turn"]);
    assert_eq!(spans[0].trace_id.iter().map(|b| format!("{b:02x}")).collect::<String>(), trace_id);
    assert_eq!(spans[0].events[0].name, "first_audio");
    tasks.shutdown().await;
}

#[tokio::test]
async fn an_unsampled_trace_still_has_an_id() {
    let (_silent, endpoint) = listener().await;
    let (_guard, _log) = start(endpoint, 0.0);
    assert!(tracing::info_span!("turn").in_scope(propagation::trace_id).is_some());
}

#[tokio::test]
async fn a_caller_decides_only_where_its_decision_is_followed() {
    for (follows_caller, flags) in [(true, "00"), (false, "01")] {
        let (_silent, endpoint) = listener().await;
        let mut settings = settings(endpoint, 1.0);
        settings.otlp.as_mut().unwrap().traces = Some(Sampling { ratio: 1.0, follows_caller });
        let (provider, _) = exports(&settings).unwrap();
        let _log = capture_with("info", provider);
        let mut headers = http::HeaderMap::new();
        let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        headers.insert("traceparent", unsampled.parse().unwrap());
        let span = tracing::info_span!("turn");
        propagation::set_parent(&span, &headers);
        propagation::inject(&span, &mut headers);
        let passed_on = headers["traceparent"].to_str().unwrap();
        assert!(passed_on.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{passed_on}");
        assert!(passed_on.ends_with(flags), "{follows_caller}: {passed_on}");
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_before_anything_is_installed() {
    let wrong = |level: &str, endpoint: &str| {
        let mut settings = settings(endpoint.to_owned(), 1.0);
        level.clone_into(&mut settings.level);
        init(settings).err().unwrap()
    };
    assert!(matches!(wrong("loud", "http://127.0.0.1:1"), Error::Level));
    assert!(matches!(wrong("info", "http://not a host"), Error::Endpoint));
    assert!(matches!(wrong("info", "ftp://127.0.0.1:1"), Error::Endpoint));
    let mut settings = settings("http://127.0.0.1:1".to_owned(), 1.0);
    let otlp = settings.otlp.as_mut().unwrap();
    otlp.headers.push(("näme".to_owned(), "opens the door".to_owned()));
    let told = init(settings.clone()).err().unwrap();
    assert!(matches!(told, Error::Headers));
    assert!(!told.to_string().contains("door"));
}

#[test]
fn outside_a_runtime_it_says_so() {
    let mut settings = settings("http://127.0.0.1:1".to_owned(), 1.0);
    assert!(matches!(init(settings.clone()), Err(Error::NoRuntime)));
    settings.otlp = None;
    assert!(matches!(init(settings), Err(Error::NoRuntime)));
}

#[test]
fn a_panic_is_one_line_without_its_message() {
    let log = capture();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(report_panic));
    let result = std::panic::catch_unwind(|| panic!("a user's words"));
    std::panic::set_hook(before);
    assert!(result.is_err());
    let lines = log.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("level=ERROR scope=process decision=panic ctx={\"location\":\""));
    assert!(!lines[0].contains("words"));
}
