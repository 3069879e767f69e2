use std::{collections::BTreeMap, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
    metrics_service_server::{MetricsService, MetricsServiceServer},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    metadata::MetadataMap,
    transport::{Identity, Server, ServerTlsConfig},
};

use super::*;
use crate::{
    Sampling, capture,
    capture::capture_at,
    metrics::{AUDIO_BYTES, OWN_OVERHEAD, QUEUE_DEPTH, declare},
};

type Received = mpsc::Receiver<(MetadataMap, ExportMetricsServiceRequest)>;

/// Takes every export, or answers as told.
struct Collector {
    received: mpsc::Sender<(MetadataMap, ExportMetricsServiceRequest)>,
    answer: Result<i64, Code>,
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.received.send((metadata, request)).await.unwrap();
        let rejected = self.answer.map_err(|code| Status::new(code, "no"))?;
        let partly =
            ExportMetricsPartialSuccess { rejected_data_points: rejected, ..Default::default() };
        Ok(Response::new(ExportMetricsServiceResponse { partial_success: Some(partly) }))
    }
}

fn otlp(endpoint: String) -> Otlp {
    Otlp {
        endpoint,
        authorities: None,
        headers: vec![("x-key".to_owned(), "opens the door".to_owned())],
        timeout: Duration::from_secs(5),
        traces: Some(Sampling { ratio: 1.0, follows_caller: true }),
        metrics: Some(Duration::from_secs(60)),
    }
}

fn exporter(otlp: &Otlp) -> Exporter {
    let resource = opentelemetry_sdk::Resource::builder_empty()
        .with_attribute(opentelemetry::KeyValue::new("service.name", "nexy-test"))
        .build();
    Exporter::new(otlp, otlp.channel().unwrap(), &resource).unwrap().unwrap()
}

/// A real server; its tasks end with the test's runtime.
async fn collector(answer: Result<i64, Code>, tls: Option<ServerTlsConfig>) -> (u16, Received) {
    let (sender, received) = mpsc::channel(4);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut server = Server::builder();
    if let Some(tls) = tls {
        server = server.tls_config(tls).unwrap();
    }
    let service = MetricsServiceServer::new(Collector { received: sender, answer });
    let serving = server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(serving);
    tasks.detach_all();
    (port, received)
}

fn by_name(request: ExportMetricsServiceRequest) -> BTreeMap<String, Metric> {
    let [of_resource] = request.resource_metrics.try_into().unwrap();
    let [of_scope]: [ScopeMetrics; 1] = of_resource.scope_metrics.try_into().unwrap();
    of_scope.metrics.into_iter().map(|metric| (metric.name.clone(), metric)).collect()
}

#[tokio::test]
async fn a_collector_gets_what_the_metrics_page_shows() {
    declare(&[&AUDIO_BYTES, &QUEUE_DEPTH, &OWN_OVERHEAD]);
    AUDIO_BYTES.add([], 4096);
    QUEUE_DEPTH.set(["memory_writes"], 3);
    OWN_OVERHEAD.observe([], Duration::from_micros(1_500));
    let (port, mut received) = collector(Ok(0), None).await;
    let log = capture();
    exporter(&otlp(format!("http://127.0.0.1:{port}"))).export().await;
    assert_eq!(log.lines(), Vec::<String>::new());

    let (metadata, request) = received.recv().await.unwrap();
    assert_eq!(metadata.get("x-key").unwrap(), "opens the door");
    let resource = request.resource_metrics[0].resource.clone().unwrap();
    assert_eq!(resource.attributes, [attribute("service.name", "nexy-test")]);
    let metrics = by_name(request);
    let shown = crate::metrics::render();
    for name in metrics.keys() {
        assert!(shown.contains(&format!("# TYPE {name} ")), "{name} is not on the page");
    }
    assert_eq!(metrics.len(), shown.matches("# TYPE ").count());

    let Some(Data::Sum(sum)) = &metrics["nexy_audio_bytes_total"].data else { panic!() };
    assert!(sum.is_monotonic);
    let point = &sum.data_points[0];
    assert!(point.start_time_unix_nano <= point.time_unix_nano);
    assert!(matches!(point.value, Some(Value::AsInt(bytes)) if bytes >= 4096));
    let Some(Data::Gauge(gauge)) = &metrics["nexy_queue_depth"].data else { panic!() };
    let labels = [attribute("queue", "memory_writes")];
    let depth = gauge.data_points.iter().find(|point| point.attributes == labels).unwrap();
    assert_eq!(depth.value, Some(Value::AsInt(3)));
    let overhead = &metrics["nexy_own_overhead_seconds"];
    assert_eq!(overhead.unit, "s");
    let Some(Data::Histogram(histogram)) = &overhead.data else { panic!() };
    let point = &histogram.data_points[0];
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>());
    assert!(point.explicit_bounds.contains(&0.002) && point.sum.unwrap() >= 0.0015);
}

#[tokio::test]
async fn an_export_that_fails_is_told_and_holds_up_nobody() {
    let (refusing, _received) = collector(Err(Code::Unimplemented), None).await;
    let (picky, _received_too) = collector(Ok(2), None).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap().port();
    for (port, code) in
        [(refusing, "UNIMPLEMENTED"), (picky, "INVALID_ARGUMENT"), (silent, "DEADLINE_EXCEEDED")]
    {
        let log = capture_at("info");
        let mut otlp = otlp(format!("http://127.0.0.1:{port}"));
        if port == silent {
            otlp.timeout = Duration::from_millis(50);
        }
        exporter(&otlp).export().await;
        let lines = log.lines();
        let ours: Vec<_> =
            lines.iter().filter(|line| line.contains("metrics_export_failed")).collect();
        assert_eq!(ours.len(), 1, "{lines:?}");
        assert!(ours[0].contains("level=WARN scope=telemetry"), "{ours:?}");
        // Somebody who never answers may be noticed by the connection or by the clock.
        let is_expected = ours[0].contains(code) || port == silent;
        assert!(is_expected, "{code}: {ours:?}");
        assert!(!lines.join("").contains("opens the door"));
    }
}

#[tokio::test]
async fn a_collector_behind_tls_is_believed_only_with_its_certificate() {
    // One process, one TLS provider, as the services install it.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = Identity::from_pem(cert.pem(), signing_key.serialize_pem());
    let tls = ServerTlsConfig::new().identity(identity);
    let (port, mut received) = collector(Ok(0), Some(tls)).await;
    let mut otlp = otlp(format!("https://localhost:{port}"));

    let log = capture_at("info");
    otlp.authorities = None;
    exporter(&otlp).export().await;
    assert!(log.lines().iter().any(|line| line.contains("metrics_export_failed")));
    assert!(received.try_recv().is_err());

    otlp.authorities = Some(cert.pem().into_bytes());
    let log = capture_at("info");
    exporter(&otlp).export().await;
    assert_eq!(log.lines(), Vec::<String>::new());
    assert!(received.recv().await.is_some());
}
