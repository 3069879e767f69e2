//! Spans of RPCs, by the semantic conventions for gRPC:
//! <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>.

use tonic::Code;
use tracing::{Span, field::Empty};

/// Of an RPC that is answered here. `path` is `/package.Service/Method`.
#[must_use]
pub fn server_span(path: &'static str) -> Span {
    rpc_span(path, "server")
}

/// Of an RPC that `server` is asked to answer, within the current span.
#[must_use]
pub fn client_span(path: &'static str, server: &str) -> Span {
    let span = rpc_span(path, "client");
    span.record("server.address", server);
    span
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

fn rpc_span(path: &'static str, kind: &'static str) -> Span {
    let name = path.trim_start_matches('/');
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    tracing::info_span!(
        "rpc",
        otel.name = name,
        otel.kind = kind,
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
        server.address = Empty,
    )
}
