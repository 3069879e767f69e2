//! The OTLP/gRPC services.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::{
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::MetricsService,
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_server::TraceService,
    },
};
use tonic::{Request, Response, Status};

use super::{span::Span, store::Store};

/// Puts what it receives into a store.
#[derive(Debug, Clone)]
pub(super) struct Receiver(Arc<Store>);

// === impl Receiver ===

impl Receiver {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.add(request.into_inner().resource_spans.into_iter().flat_map(Span::all_of));
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0.numbers().add(request.into_inner().resource_metrics);
        Ok(Response::new(ExportMetricsServiceResponse { partial_success: None }))
    }
}
