mod address;
mod trouble;
mod web;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use http::{Uri, uri::Authority};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use self::address::{Address, Scheme};
pub(crate) use self::web::{Answer, HttpClient};
use crate::failure::Usage;

/// How to reach a server.
#[derive(clap::Args)]
pub(crate) struct ConnectionArgs {
    /// The server: https://host:port, http://host:port for a bare gateway, or
    /// host:port (plaintext unless --tls).
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "https://localhost:8443",
        help_heading = "Connection"
    )]
    server: Address,
    /// Speak TLS with a server given as host:port.
    #[arg(long, help_heading = "Connection")]
    tls: bool,
    /// Trust this certificate (PEM) instead of those of the system.
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    ca: Option<PathBuf>,
    /// Where /health and /status are. Default: the same address for https, port
    /// 8080 of the same host for plaintext.
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    http: Option<Address>,
    /// The longest wait for a connection or a short answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds, help_heading = "Connection")]
    timeout: f64,
}

/// A server and what is trusted about it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    scheme: Scheme,
    authority: Authority,
    /// Scheme and authority of the HTTP routes, without a path.
    http: String,
    ca: Option<Ca>,
    timeout: Duration,
}

/// A certificate to trust.
#[derive(Debug, Clone)]
struct Ca {
    file: PathBuf,
    pem: Vec<u8>,
}

/// The largest message, in bytes: the server's own limit (a 10 MiB screenshot
/// in base64 and room for a refusal of a larger one).
const MESSAGE_LIMIT: usize = 24 * 1024 * 1024;
/// How often an open connection is asked whether it lives, and how long it may
/// take to say so.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));
/// The gateway's own HTTP port, for servers without a door.
const GATEWAY_HTTP_PORT: u16 = 8080;

// === impl ConnectionArgs ===

impl ConnectionArgs {
    /// Puts the options together and reads the certificate.
    ///
    /// # Errors
    /// [`Usage`] when options contradict each other or the file holds no
    /// certificate.
    pub(crate) fn resolve(&self) -> Result<Connection, Usage> {
        let scheme = match (self.server.scheme, self.tls) {
            (Some(Scheme::Http), true) => {
                return Err(Usage("--tls contradicts the http:// of --server".to_owned()));
            }
            (Some(scheme), _) => scheme,
            (None, true) => Scheme::Https,
            (None, false) => Scheme::Http,
        };
        let authority = self.server.authority.clone();
        Ok(Connection {
            scheme,
            http: self.http_origin(scheme),
            authority,
            ca: self.ca.as_ref().map(Ca::read).transpose()?,
            timeout: Duration::from_secs_f64(self.timeout),
        })
    }

    fn http_origin(&self, scheme: Scheme) -> String {
        match (&self.http, scheme) {
            (Some(http), _) => {
                format!("{}://{}", http.scheme.unwrap_or(Scheme::Http).as_str(), http.authority)
            }
            (None, Scheme::Https) => format!("https://{}", self.server.authority),
            (None, Scheme::Http) => {
                format!("http://{}:{GATEWAY_HTTP_PORT}", self.server.authority.host())
            }
        }
    }
}

/// A time-out from the command line.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err("between 0.1 and 86400 seconds".to_owned()),
    }
}

// === impl Ca ===

impl Ca {
    fn read(file: &PathBuf) -> Result<Self, Usage> {
        let name = file.display();
        let pem = std::fs::read(file).map_err(|error| Usage(format!("--ca {name}: {error}")))?;
        let mut certificates = CertificateDer::pem_slice_iter(&pem);
        match certificates.next() {
            Some(Ok(_)) => Ok(Self { file: file.clone(), pem }),
            Some(Err(_)) | None => {
                Err(Usage(format!("--ca {name}: there is no PEM certificate in this file")))
            }
        }
    }
}

// === impl Connection ===

impl Connection {
    /// A server that is only asked over HTTP: `http://host:port` or `https://…`.
    ///
    /// # Errors
    /// When that is no such address.
    pub(crate) fn over_http(origin: &str, timeout: Duration) -> Result<Self, String> {
        let Address { scheme, authority } = origin.parse()?;
        let scheme = scheme.unwrap_or(Scheme::Http);
        let http = format!("{}://{authority}", scheme.as_str());
        Ok(Self { scheme, authority, http, ca: None, timeout })
    }

    /// Scheme, host and port, as a URL without a path.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The host without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or_else(|| self.scheme.default_port())
    }

    /// The longest wait for a connection or a short answer.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Connects to the gRPC side.
    ///
    /// # Errors
    /// When the server cannot be reached or is not trusted; the text says what
    /// to do about it.
    pub(crate) async fn grpc(&self) -> anyhow::Result<Channel> {
        let uri: Uri = self.url().parse().context("read the server's address")?;
        let endpoint = Endpoint::from(uri)
            .user_agent(concat!("nexyctl/", env!("CARGO_PKG_VERSION")))
            .and_then(|endpoint| match self.tls_config() {
                Some(tls) => endpoint.tls_config(tls),
                None => Ok(endpoint),
            })
            .map_err(|error| self.explain(&error))?
            .connect_timeout(self.timeout)
            .http2_keep_alive_interval(KEEPALIVE.0)
            .keep_alive_timeout(KEEPALIVE.1)
            .tcp_nodelay(true);
        let connecting = tokio::time::timeout(self.timeout, endpoint.connect());
        match connecting.await {
            Ok(connected) => connected.map_err(|error| self.explain(&error)),
            Err(_) => anyhow::bail!(
                "{} did not answer within {} s",
                self.url(),
                self.timeout.as_secs_f64()
            ),
        }
    }

    fn tls_config(&self) -> Option<ClientTlsConfig> {
        let tls = ClientTlsConfig::new().timeout(self.timeout);
        match (self.scheme, &self.ca) {
            (Scheme::Http, _) => None,
            (Scheme::Https, Some(ca)) => Some(tls.ca_certificate(Certificate::from_pem(&ca.pem))),
            (Scheme::Https, None) => Some(tls.with_native_roots()),
        }
    }
}

/// The message limits of a streaming client.
pub(crate) fn streaming_client(
    channel: Channel,
) -> nexy_proto::streaming::streaming_service_client::StreamingServiceClient<Channel> {
    nexy_proto::streaming::streaming_service_client::StreamingServiceClient::new(channel)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT)
}

#[cfg(test)]
mod tests;
