//! `/metrics` pages of services, fetched.

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{anyhow, ensure};

use crate::{
    connection::{Connection, HttpClient},
    observe::prometheus::Page,
};

/// A service whose `/metrics` is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(String);

/// The page of every service.
const PAGE: &str = "/metrics";

// === impl Target ===

impl Target {
    /// # Errors
    /// When there is no page in time, or what is there is no page of metrics.
    pub(crate) async fn scrape(&self, timeout: Duration) -> anyhow::Result<Page> {
        let answer = self.http(timeout)?.get(PAGE).await?;
        ensure!(answer.status == 200, "{self} answered HTTP {}", answer.status);
        let page = Page::parse(&answer.body).map_err(|line| {
            anyhow!("line {line} of {self} is none of the Prometheus text format")
        })?;
        ensure!(!page.samples("nexy_decisions_total").is_empty(), "{self} is no page of ours");
        Ok(page)
    }

    /// The answer to another path of the same service, as JSON.
    ///
    /// # Errors
    /// When there is no answer in time, or it is no JSON.
    pub(crate) async fn json(
        &self,
        path: &str,
        timeout: Duration,
    ) -> anyhow::Result<serde_json::Value> {
        self.http(timeout)?.get(path).await?.json()
    }

    /// Without the path: `http://127.0.0.1:8080`.
    pub(crate) fn origin(&self) -> &str {
        &self.0
    }

    /// A client of the service.
    ///
    /// # Errors
    /// When its address cannot be one.
    pub(crate) fn http(&self, timeout: Duration) -> anyhow::Result<HttpClient> {
        Connection::over_http(&self.0, timeout).map_err(|problem| anyhow!(problem))?.http()
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let origin = text.strip_suffix(PAGE).unwrap_or(text).trim_end_matches('/');
        let origin = match origin.contains("://") {
            true => origin.to_owned(),
            false => format!("http://{origin}"),
        };
        // A wrong one is said here, where the option is read.
        Connection::over_http(&origin, Duration::ZERO)?;
        Ok(Self(origin))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PAGE}", self.0)
    }
}
