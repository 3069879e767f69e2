//! `/health` and `/status`, for the door and for operators.

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use nexy_runtime::ops::{self, Probe};
use serde_json::{Map, Value, json};

use crate::coordinator::ModuleCoordinator;

/// What the routes answer from.
#[derive(Clone)]
pub(crate) struct Board {
    pub(crate) modules: Arc<ModuleCoordinator>,
    pub(crate) began: Instant,
    pub(crate) version: String,
}

/// Every HTTP route of the gateway.
pub(crate) fn router(board: Board) -> Router {
    let probe: Arc<dyn Probe> = Arc::new(board.clone());
    Router::new()
        .route("/health", get(health))
        .route("/status", get(status))
        .with_state(board)
        .merge(ops::router(probe))
}

impl Probe for Board {
    fn ready(&self) -> Result<(), String> {
        self.modules.not_ready().map_or(Ok(()), |reason| Err(reason.to_owned()))
    }
}

async fn health(State(board): State<Board>) -> Response {
    if let Some(reason) = board.modules.not_healthy() {
        return ops::unhealthy(reason);
    }
    let release = board.modules.latest.release();
    let body = json!({
        "status": "OK",
        "version": board.version,
        "build": board.modules.settings.server.build,
        "latest_version": release.as_ref().map(|release| &release.version),
        "latest_build": release.as_ref().map(|release| &release.build),
    });
    ([(header::CACHE_CONTROL, "public, max-age=30")], Json(body)).into_response()
}

async fn status(State(board): State<Board>) -> Response {
    let modules = &board.modules;
    let flags = modules.live.snapshot();
    let named = |prefix: &str| -> Map<String, Value> {
        flags
            .entries()
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), json!(value))))
            .collect()
    };
    let settings = &modules.settings;
    let body = json!({
        "service": "nexy-gateway",
        "version": board.version,
        "build": settings.server.build,
        "channel": settings.server.channel,
        "environment": settings.env.as_str(),
        "uptime_seconds": board.began.elapsed().as_secs(),
        "modules": modules.statuses(),
        "workers": modules.workers.seen(),
        "active_streams": modules.admission.active(),
        "max_streams": modules.admission.limit(),
        "running_turns": modules.interrupts.running(),
        "flags": named("features."),
        "kill_switches": named("kill_switches."),
        "endpoints": {
            "grpc": settings.grpc.port,
            "http": settings.http.port,
        },
        "metrics": ops::last_snapshot(),
    });
    ([(header::CACHE_CONTROL, "no-cache")], Json(body)).into_response()
}
