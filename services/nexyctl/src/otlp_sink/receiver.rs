//! The OTLP/gRPC service.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_server::TraceService,
};
use tonic::{Request, Response, Status};

use super::{span::Span, store::Store};

/// Puts what it receives into a store.
#[derive(Debug)]
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
