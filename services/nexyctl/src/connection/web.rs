use std::io;

use anyhow::Context as _;
use http::{HeaderMap, Method};

use super::Connection;
use crate::failure::{chain, find};

/// An HTTP client of one server.
pub(crate) struct HttpClient {
    client: reqwest::Client,
    connection: Connection,
}

/// What a server answered over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// The most that is read of an HTTP answer, in bytes.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

// === impl Connection ===

impl Connection {
    /// A client for the HTTP side.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub(crate) fn http(&self) -> anyhow::Result<HttpClient> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("nexyctl/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(self.timeout)
            .timeout(self.timeout);
        let builder = match &self.ca {
            Some(ca) => {
                let trusted = reqwest::Certificate::from_pem_bundle(&ca.pem)
                    .with_context(|| format!("read {}", ca.file.display()))?;
                builder.tls_certs_only(trusted)
            }
            // Plaintext needs no roots, and a machine without any is no reason
            // to fail.
            None if self.http.starts_with("http://") => builder.tls_certs_only([]),
            None => builder,
        };
        let client = builder.build().map_err(|error| self.explain(&error))?;
        Ok(HttpClient { client, connection: self.clone() })
    }
}

// === impl HttpClient ===

impl HttpClient {
    /// Asks for a path of the HTTP side.
    ///
    /// # Errors
    /// When there is no answer in time; a status of refusal is an answer.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::GET, path, HeaderMap::new(), String::new()).await
    }

    /// Sends a request with a body, which may be empty.
    ///
    /// # Errors
    /// When there is no answer in time; a status of refusal is an answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: String,
    ) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.connection.http);
        let sent = self.client.request(method, &url).headers(headers).body(body).send().await;
        let mut response = sent.map_err(|error| self.explain(&url, &error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(|| format!("read {url}"))? {
            anyhow::ensure!(
                body.len() + chunk.len() <= BODY_LIMIT,
                "the answer of {url} is too large"
            );
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    fn explain(&self, url: &str, error: &reqwest::Error) -> anyhow::Error {
        if error.is_timeout() {
            let wait = self.connection.timeout.as_secs_f64();
            return anyhow::anyhow!("{url} did not answer within {wait} s");
        }
        if find::<rustls::Error>(error).is_some() {
            return self.connection.explain(error);
        }
        let refused = find::<io::Error>(error)
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if refused {
            return anyhow::anyhow!("nothing listens at {url}");
        }
        anyhow::anyhow!("cannot read {url}: {}", chain(error))
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.body).context("the answer is not JSON")
    }

    /// A header's values, however often it was sent.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }
}
