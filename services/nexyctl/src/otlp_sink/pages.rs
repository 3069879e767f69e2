//! What was received, over HTTP.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    span::{Span, TraceId},
    store::{Store, Summary},
    tree,
};

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    format: Format,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Text,
}

/// `GET /`, `/health`, `/metrics.json`, `/traces` and `/traces/{id}`, where the id may
/// be `latest`.
pub(super) fn router(store: Arc<Store>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/health", get(health))
        .route("/metrics.json", get(metrics))
        .route("/traces", get(traces))
        .route("/traces/{id}", get(trace))
        .with_state(store)
}

/// For people who open the address in a browser.
async fn home(State(store): State<Arc<Store>>) -> Response {
    let traces: String = store.summaries().iter().map(line).collect();
    format!("Newest traces first; /traces/ID?format=text shows one.\n\n{traces}").into_response()
}

async fn health(State(store): State<Arc<Store>>) -> Response {
    Json(json!({ "status": "OK", "spans": store.len() })).into_response()
}

/// By service and name, summed over labels.
async fn metrics(State(store): State<Arc<Store>>) -> Response {
    Json(store.numbers().shown()).into_response()
}

async fn traces(State(store): State<Arc<Store>>, Query(page): Query<Page>) -> Response {
    let summaries = store.summaries();
    match page.format {
        Format::Json => Json(json!({ "traces": summaries })).into_response(),
        Format::Text => summaries.iter().map(line).collect::<String>().into_response(),
    }
}

async fn trace(
    State(store): State<Arc<Store>>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Response {
    let id = match id.as_str() {
        "latest" => store.latest(),
        id => TraceId::parse(id),
    };
    let spans = id.map_or_else(Vec::<Span>::new, |id| store.trace(id));
    match (spans.first(), page.format) {
        (None, _) => (StatusCode::NOT_FOUND, "there is no such trace\n").into_response(),
        (Some(_), Format::Text) => tree::render(&spans).into_response(),
        (Some(first), Format::Json) => {
            Json(json!({ "trace_id": first.trace_id, "spans": spans })).into_response()
        }
    }
}

fn line(summary: &Summary) -> String {
    let Summary { trace_id, name, services, duration_ms, spans, failed, .. } = summary;
    let failed = if *failed { ", failed" } else { "" };
    let services = services.join(", ");
    format!("{trace_id} {name}: {duration_ms:.1} ms, {spans} spans in {services}{failed}\n")
}
