//! The routes of the update server.
//!
//! They answer from the [`Catalog`](crate::library::Catalog) and from open
//! files; none reads a manifest, hashes a file or changes anything. A layer
//! cuts requests that take too long to their first byte, never a download that
//! has begun.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use crate::{library::Library, settings::Settings};

mod api;
mod conditions;
mod counts;
mod downloads;
mod feeds;
mod page;
mod range;
mod serve;

pub(crate) use counts::{Counts, know_words};
pub(crate) use downloads::Pieces;
pub(crate) use serve::serve;

/// What the routes know.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) settings: Arc<Settings>,
    pub(crate) library: Arc<Library>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) pieces: Pieces,
    /// Cancelled when the process is about to leave.
    pub(crate) draining: CancellationToken,
}

/// Every route but `/ready` and `/metrics`, which are every service's.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/appcast.xml", get(feeds::stable))
        .route("/appcast-beta.xml", get(feeds::beta))
        .route("/appcast-alpha.xml", get(feeds::alpha))
        .route("/downloads/{*file}", get(downloads::download))
        .route("/health", get(api::health))
        .route("/api/versions", get(api::versions))
        .route("/api/manifests", get(api::manifests))
        .route("/api/artifacts", get(api::artifacts))
        .fallback(|| async { not_found("No such page") })
        .with_state(site)
}

/// Puts around the routes what all of them need, outermost first.
pub(crate) fn layered(router: Router, settings: &Settings) -> Router {
    let late = StatusCode::SERVICE_UNAVAILABLE;
    router.layer(
        ServiceBuilder::new()
            // Browsers must not take a download for a page.
            .layer(SetResponseHeaderLayer::overriding(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            // A panic ends a request, not the process.
            .layer(CatchPanicLayer::custom(panicked))
            // To the head of the answer; its body takes the time it takes.
            .layer(TimeoutLayer::with_status_code(late, settings.request_timeout)),
    )
}

// The panic itself is reported by the process's panic hook.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    text(StatusCode::INTERNAL_SERVER_ERROR, "no-store", "Internal error")
}

fn not_found(what: &'static str) -> Response {
    text(StatusCode::NOT_FOUND, "no-cache", what)
}

fn unavailable(why: &'static str) -> Response {
    text(StatusCode::SERVICE_UNAVAILABLE, "no-store", why)
}

fn text(status: StatusCode, cache_control: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, cache_control),
    ];
    (status, headers, text).into_response()
}

/// What feeds and downloads say while updates are switched off.
const DISABLED: &str = "Updates are disabled on this server";

#[cfg(test)]
mod tests;
