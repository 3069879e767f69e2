//! What the clients of providers share: how they connect, send and are refused.
//!
//! Redirects are not followed, proxies from the environment are not used, and
//! nothing is retried but what a server says it has not looked at (GOAWAY): the
//! worker shares one budget among all models.

pub(crate) mod fault;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nexy_outbound::{ProviderConnections, breaks_tls};
use reqwest::{
    Client, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::time::timeout;

use crate::{ChatRequest, Error, ProviderCode, Refusal, Wait};

const EVENT_STREAM: &str = "text/event-stream";
const JSON: &str = "application/json";

/// Told in place of a provider's code when there is no agreeing on TLS.
const NO_TLS: &str = "tls_not_accepted";

/// A client that sends these headers with every request. Contacts nobody.
pub(crate) fn client(
    mut headers: HeaderMap,
    connections: ProviderConnections,
) -> Result<Client, Error> {
    headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    let client = connections.client();
    #[cfg(test)]
    let client = crate::testing::trusting(client);
    client
        .default_headers(headers)
        .user_agent(concat!("nexy/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| Error::Settings("TLS cannot be set up"))
}

/// The URL of a path below a base URL.
pub(crate) fn url(base_url: &str, path: &str) -> Result<Url, Error> {
    let url = format!("{}{path}", base_url.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| Error::Settings("base_url is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Settings("base_url is neither http nor https"));
    }
    let has_extras = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if has_extras {
        return Err(Error::Settings("base_url holds more than host and path"));
    }
    Ok(url)
}

/// A header's value that `Debug` does not show.
pub(crate) fn secret(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::Settings("key holds characters that a header cannot"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Writes a body. An image is megabytes of base64, so that happens on the
/// blocking pool.
pub(crate) async fn written(
    request: Arc<ChatRequest>,
    write: impl FnOnce(&ChatRequest) -> Result<Bytes, Error> + Send + 'static,
) -> Result<Bytes, Error> {
    if request.screen.image().is_none() {
        return write(&request);
    }
    tokio::task::spawn_blocking(move || write(&request))
        .await
        .unwrap_or(Err(Error::Malformed("request cannot be written")))
}

/// Sends a body, with the trace that it belongs to.
pub(crate) async fn post(
    client: &Client,
    url: &Url,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    nexy_telemetry::propagation::inject_current(&mut headers);
    let sent = client.post(url.clone()).headers(headers).body(body).send().await;
    sent.map_err(|error| not_sent(&error))
}

fn not_sent(error: &reqwest::Error) -> Error {
    // Not one that stood and is given up since nobody answers a ping.
    if error.is_connect() && error.is_timeout() {
        return Error::Timeout(Wait::Connect);
    }
    let code = breaks_tls(error).then(|| ProviderCode::parse(NO_TLS)).flatten();
    Error::Unavailable(Refusal { code, ..Refusal::default() })
}

/// Opens a connection and leaves it to the next request. Any answer to a HEAD
/// will do; nothing is asked, and an answer without a body leaves the connection
/// free.
pub(crate) async fn warm_up(client: &Client, url: &Url, patience: Duration) -> Result<(), Error> {
    match timeout(patience, client.head(url.clone()).send()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(not_sent(&error)),
        Err(_) => Err(Error::Timeout(Wait::FirstToken)),
    }
}

/// Servers that ignore the wish for a stream answer with one JSON document,
/// which is read as a reply of one event.
pub(crate) fn check_content_type(answer: &Response) -> Result<(), Error> {
    let media_type = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match media_type {
        Some(kind) if kind.eq_ignore_ascii_case(EVENT_STREAM) => Ok(()),
        Some(kind) if kind.eq_ignore_ascii_case(JSON) => Ok(()),
        _ => Err(Error::Malformed("answer is neither an event stream nor JSON")),
    }
}
