//! The admin routes of an internal HTTP port: flags set while a service runs.
//!
//! `GET /admin/flags`, and `GET`, `PUT` and `DELETE /admin/flags/{name}`. They
//! are there only when `admin.token` is set, for those who know it; every change
//! has a line in the decision log. The public door routes nothing of them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use nexy_config::{Adjusted, FlagRefused, FlagRow, FlagValue, Live};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::decisions::{AdminDenied, Cause, FlagChanged};

/// Who asks, as they call themselves. Optional, for the audit log.
pub const BY: &str = "nexy-operator";
/// Why, in their words. Optional, for the audit log.
pub const REASON: &str = "nexy-reason";

/// The most of either header that is kept, in characters.
const BY_LIMIT: usize = 64;
const REASON_LIMIT: usize = 200;
/// The largest body, in bytes; a value takes a few.
const BODY_LIMIT: usize = 1024;
/// How often it is written down that somebody had no token.
const QUIET: Duration = Duration::from_secs(60);

struct Admin {
    live: Arc<Live>,
    token: SecretString,
    denied: Mutex<Denied>,
}

#[derive(Default)]
struct Denied {
    said: Option<Instant>,
    /// Since then.
    more: u64,
}

/// The routes; none without a token.
pub fn router(live: Arc<Live>, token: Option<&SecretString>) -> Router {
    let Some(token) = token else { return Router::new() };
    let admin = Arc::new(Admin { live, token: token.clone(), denied: Mutex::default() });
    Router::new()
        .route("/admin/flags", get(list))
        .route("/admin/flags/{name}", get(show).put(set).delete(reset))
        .route_layer(from_fn_with_state(Arc::clone(&admin), authorise))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(admin)
}

async fn authorise(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    if !admin.knows_token(request.headers()) {
        admin.deny();
        let answer = refusal(StatusCode::UNAUTHORIZED, "the admin token is missing or wrong");
        return ([(header::WWW_AUTHENTICATE, "Bearer")], answer).into_response();
    }
    next.run(request).await
}

async fn list(State(admin): State<Arc<Admin>>) -> Response {
    fresh(json!({ "flags": admin.live.rows() }))
}

async fn show(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Response {
    answer(&admin, admin.live.row(&name))
}

async fn set(
    State(admin): State<Arc<Admin>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let json = serde_json::from_slice(&body).ok();
    let Some(value) = json.as_ref().and_then(FlagValue::from_json) else {
        // Of a flag that there is not, no value is right.
        return match admin.live.row(&name) {
            Ok(row) => bad_value(row.name),
            Err(refused) => answer(&admin, Err(refused)),
        };
    };
    match admin.live.set(&name, value) {
        Err(FlagRefused::NotRamped) => bad_value("kill_switches."),
        adjusted => answer(&admin, adjusted.map(|adjusted| audit(&adjusted, Cause::Set, &headers))),
    }
}

async fn reset(
    State(admin): State<Arc<Admin>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let adjusted = admin.live.reset(&name);
    answer(&admin, adjusted.map(|adjusted| audit(&adjusted, Cause::Reset, &headers)))
}

/// Writes down what has changed, if anything has.
fn audit(Adjusted { before, after }: &Adjusted, cause: Cause, headers: &HeaderMap) -> FlagRow {
    if before != after {
        nexy_telemetry::emit(&FlagChanged {
            name: after.name,
            from: before.value.to_string(),
            to: after.value.to_string(),
            cause,
            by: said(headers, BY, BY_LIMIT),
            reason: said(headers, REASON, REASON_LIMIT),
        });
    }
    *after
}

/// A header as text of a bounded length, without anything that steers.
fn said(headers: &HeaderMap, name: &str, limit: usize) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(name)?.as_bytes());
    let kept: String = text.trim().chars().filter(|c| !c.is_control()).take(limit).collect();
    (!kept.is_empty()).then_some(kept)
}

fn answer(admin: &Admin, row: Result<FlagRow, FlagRefused>) -> Response {
    match row {
        Ok(row) => fresh(json!(row)),
        Err(FlagRefused::Unknown | FlagRefused::NotRamped) => {
            let names: Vec<_> = admin.live.rows().iter().map(|row| row.name).collect();
            let body = json!({ "error": "there is no such flag", "allowed": names });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    }
}

fn bad_value(flag: &str) -> Response {
    let mut allowed = vec![json!(true), json!(false)];
    if flag.starts_with("features.") {
        allowed.push(json!({ "percent": "a whole number from 0 to 100" }));
    }
    let body = json!({ "error": "the body is no value of this flag", "allowed": allowed });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

fn fresh(body: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

// === impl Admin ===

impl Admin {
    /// In a time that does not tell how much of a token was right.
    fn knows_token(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
        });
        let known = self.token.expose_secret().as_bytes();
        given.is_some_and(|given| given.as_bytes().ct_eq(known).into())
    }

    /// Whoever reaches the port can try as often as they like.
    fn deny(&self) {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.more += 1;
        if denied.said.is_none_or(|said| said.elapsed() >= QUIET) {
            denied.said = Some(Instant::now());
            nexy_telemetry::emit(&AdminDenied { count: std::mem::take(&mut denied.more) });
        }
    }
}

#[cfg(test)]
mod tests;
