//! What the public port serves, and in which order a request passes through.
//!
//! Outermost first: server span, decision log and metrics of the call
//! ([`ObserveLayer`]) → panic barrier (tonic's task per request, and the
//! barrier around each call's task) → admission, deadline and checks, which
//! stand in each RPC because their answers differ.

use std::sync::Arc;

use nexy_proto::streaming::streaming_service_server::StreamingServiceServer;
use nexy_runtime::grpc::ObserveLayer;
use tokio_util::task::TaskTracker;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::server::HealthReporter;

use crate::{
    coordinator::ModuleCoordinator,
    refusal::Refusal,
    rpc::{Gateway, RPCS},
};

/// What reports every RPC.
pub(crate) fn observer() -> ObserveLayer {
    ObserveLayer::new("grpc", RPCS).too_late(|| Refusal::deadline_exceeded().to_status())
}

/// Every gRPC service of the public port.
///
/// # Errors
/// When the compiled-in descriptors cannot be read.
pub(crate) fn routes(
    modules: Arc<ModuleCoordinator>,
    tasks: TaskTracker,
) -> anyhow::Result<(Routes, HealthReporter)> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let max_bytes = modules.settings.grpc.max_message_bytes;
    let reflection = modules.settings.grpc.reflection;
    let mut routes = RoutesBuilder::default();
    routes.add_service(health_service).add_service(
        StreamingServiceServer::new(Gateway { modules, tasks })
            .max_decoding_message_size(max_bytes)
            .max_encoding_message_size(max_bytes),
    );
    if reflection {
        let service = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(nexy_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("streaming.StreamingService")
            .with_service_name("grpc.health.v1.Health")
            .build_v1()?;
        routes.add_service(service);
    }
    Ok((routes.routes(), health))
}
