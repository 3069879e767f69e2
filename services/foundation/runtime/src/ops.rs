//! The routes that every service has on its internal HTTP port.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use nexy_telemetry::metrics::Snapshot;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a service says of itself when it is asked.
pub trait Probe: Send + Sync + 'static {
    /// Whether new work is welcome; else why not.
    ///
    /// # Errors
    /// The reason, for people.
    fn ready(&self) -> Result<(), String>;
}

/// The aggregate that was logged last, for `/status`.
static LAST_SNAPSHOT: Mutex<Option<Snapshot>> = Mutex::new(None);

/// The metrics aggregate of the last full window; `None` in the first one.
#[must_use]
pub fn last_snapshot() -> Option<Snapshot> {
    LAST_SNAPSHOT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(crate) fn keep_snapshot(snapshot: Snapshot) {
    *LAST_SNAPSHOT.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
}

/// `GET /ready` and `GET /metrics`.
pub fn router(probe: Arc<dyn Probe>) -> Router {
    Router::new().route("/ready", get(ready)).with_state(probe).route("/metrics", get(metrics))
}

/// `GET /health` for a service whose health is its readiness.
pub fn health_router(probe: Arc<dyn Probe>) -> Router {
    Router::new().route("/health", get(health)).with_state(probe)
}

/// Serves until the token is cancelled, then lets running requests finish.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    until: CancellationToken,
) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(until.cancelled_owned()).await
}

/// 503 with a reason, never cached.
#[must_use]
pub fn unhealthy(reason: &str) -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::CACHE_CONTROL, "no-store")],
        Json(json!({ "status": "unhealthy", "reason": reason })),
    )
        .into_response()
}

async fn ready(State(probe): State<Arc<dyn Probe>>) -> Response {
    match probe.ready() {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(reason) => unhealthy(&reason),
    }
}

async fn health(State(probe): State<Arc<dyn Probe>>) -> Response {
    match probe.ready() {
        Ok(()) => {
            ([(header::CACHE_CONTROL, "no-cache")], Json(json!({ "status": "OK" }))).into_response()
        }
        Err(reason) => unhealthy(&reason),
    }
}

async fn metrics() -> Response {
    // Prometheus text exposition format, version 0.0.4.
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        nexy_telemetry::metrics::render(),
    )
        .into_response()
}
