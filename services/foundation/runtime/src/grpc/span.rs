//! Spans of RPCs, by the semantic conventions for gRPC:
//! <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>.

use tonic::Code;
use tracing::{Span, field::Empty};

/// Of an RPC that is answered here. `path` is `/package.Service/Method`.
#[must_use]
pub fn server_span(path: &'static str) -> Span {
    let (service, method) = split(path);
    tracing::info_span!(
        "rpc",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    )
}

/// Of an RPC that `server` is asked to answer, within the current span.
#[must_use]
pub fn client_span(path: &'static str, server: &str) -> Span {
    let (service, method) = split(path);
    tracing::info_span!(
        "rpc",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "client",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        server.address = server,
        rpc.grpc.status_code = Empty,
    )
}

/// How the RPC of a server's span ended. What the client did wrong is no error
/// of the server.
pub fn server_ended(span: &Span, code: Code) {
    span.record("rpc.grpc.status_code", code as i32);
    let is_error = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if is_error {
        span.record("otel.status_code", "ERROR");
    }
}

/// How the RPC of a client's span ended.
pub fn client_ended(span: &Span, code: Code) {
    span.record("rpc.grpc.status_code", code as i32);
    if code != Code::Ok {
        span.record("otel.status_code", "ERROR");
    }
}

fn split(path: &'static str) -> (&'static str, &'static str) {
    path.trim_start_matches('/').split_once('/').unwrap_or((path, ""))
}
