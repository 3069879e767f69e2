//! Files that lie elsewhere, e.g. in a GitHub release: what a client would get
//! is fetched and compared, byte for byte.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use nexy_releases::{Claim, ClaimVerifier, Problem, Trusted};
use reqwest::{Client, Response, redirect::Policy};

use super::progress::Progress;
use crate::{connection::seconds, failure::chain, screen::Screen};

/// How files elsewhere are fetched.
#[derive(clap::Args)]
pub(super) struct RemoteArgs {
    /// Trust this certificate (PEM) instead of those of the system.
    #[arg(long, value_name = "FILE", help_heading = "Files elsewhere")]
    ca: Option<PathBuf>,
    /// The longest wait for a connection or for more bytes, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = seconds, help_heading = "Files elsewhere")]
    timeout: f64,
    /// The most redirects that are followed.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, help_heading = "Files elsewhere")]
    redirects: usize,
}

/// Fetches by https, and by nothing else, also after a redirect.
pub(super) struct Remote {
    client: Client,
}

/// The most that is read of a page, in bytes.
const PAGE_LIMIT: usize = 4 * 1024 * 1024;

// === impl RemoteArgs ===

impl RemoteArgs {
    /// # Errors
    /// When the certificate cannot be used.
    pub(super) fn resolve(&self) -> anyhow::Result<Remote> {
        let limit = self.redirects;
        let policy = Policy::custom(move |attempt| {
            if attempt.previous().len() > limit {
                return attempt.error(format!("there are more than {limit} redirects"));
            }
            if attempt.url().scheme() != "https" {
                return attempt.error("a redirect leads away from https");
            }
            attempt.follow()
        });
        let wait = Duration::from_secs_f64(self.timeout);
        let builder = Client::builder()
            .user_agent(concat!("nexyctl/", env!("CARGO_PKG_VERSION")))
            .https_only(true)
            .redirect(policy)
            .connect_timeout(wait)
            .read_timeout(wait);
        let builder = match &self.ca {
            None => builder,
            Some(file) => {
                let name = file.display();
                let pem = fs::read(file).with_context(|| format!("read {name}"))?;
                let trusted = reqwest::Certificate::from_pem_bundle(&pem);
                builder.tls_certs_only(trusted.with_context(|| format!("read {name}"))?)
            }
        };
        Ok(Remote { client: builder.build().context("prepare to fetch by https")? })
    }
}

// === impl Remote ===

impl Remote {
    /// Compares what lies at a claim's URL with the claim; in the end the words
    /// about where it was found.
    ///
    /// # Errors
    /// Everything in which it differs, or why it could not be fetched.
    pub(super) async fn compare(
        &self,
        claim: &Claim,
        key: Option<&Trusted>,
        screen: &mut Screen,
    ) -> Result<String, Vec<Problem>> {
        let refuse = |reason: String| vec![Problem::new(format!("{}.url", claim.key), reason)];
        let mut response = self.get(claim.url.as_str()).await.map_err(refuse)?;
        // Not read to its end in vain.
        if let Some(length) = response.content_length() {
            claim.check_size(length).map_err(|problem| vec![problem])?;
        }
        let found = found_at(&response, claim.url.as_str());
        let mut verifier = ClaimVerifier::new(claim, key);
        let mut length = 0;
        let mut progress =
            Progress::new(screen, format!("Fetching {}", claim.file_name), claim.size);
        while let Some(piece) = response.chunk().await.map_err(|error| refuse(broken(&error)))? {
            verifier.update(&piece);
            length += piece.len() as u64;
            if length > claim.size {
                return Err(claim.check_size(length).err().into_iter().collect());
            }
            progress.advance(piece.len()).map_err(|error| refuse(error.to_string()))?;
        }
        progress.end().map_err(|error| refuse(error.to_string()))?;
        verifier.finish()?;
        Ok(found)
    }

    /// A page that is not large.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) async fn page(&self, url: &str) -> Result<Vec<u8>, String> {
        let mut response = self.get(url).await?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| broken(&error))? {
            if body.len() + piece.len() > PAGE_LIMIT {
                return Err(format!("is longer than {PAGE_LIMIT} bytes"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn get(&self, url: &str) -> Result<Response, String> {
        let sent = self.client.get(url).send().await;
        let response = sent.map_err(|error| broken(&error))?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(format!("answers HTTP {status}")),
        }
    }
}

fn broken(error: &reqwest::Error) -> String {
    match error.is_timeout() {
        true => "did not answer in time".to_owned(),
        false => format!("cannot be fetched: {}", chain(error)),
    }
}

fn found_at(response: &Response, asked: &str) -> String {
    match response.url().as_str() == asked {
        true => "as fetched".to_owned(),
        false => format!("as fetched, from {}", response.url().host_str().unwrap_or("elsewhere")),
    }
}
