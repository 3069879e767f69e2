//! The services: where they listen, and how they find one another.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;

/// The public gRPC service of the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
    /// Bound on CPU-heavy work that runs at the same time.
    pub max_workers: usize,
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// How often a quiet connection is pinged.
    pub keepalive_interval: Duration,
    /// How long a ping may stay unanswered.
    pub keepalive_timeout: Duration,
    /// How long a new connection may take to its first HTTP/2 bytes.
    pub handshake_timeout: Duration,
    /// How long a connection that is over waits for its client to hang up.
    pub linger: Duration,
    /// Connections of one service at the same time.
    pub max_connections: usize,
    /// How old a connection gets; zero means any age.
    pub max_connection_age: Duration,
    /// How much that differs, in percent each way.
    pub max_connection_age_jitter_percent: u8,
    /// How long running calls may go on after that.
    pub max_connection_age_grace: Duration,
    /// Calls on one connection at the same time.
    pub max_streams_per_connection: u32,
    /// Calls on one connection that may be reset, all told, because their client
    /// broke a rule or sent on after it was refused.
    pub max_resets_per_connection: usize,
    /// Largest metadata of one call, in bytes.
    pub max_header_bytes: u32,
    /// What a client may send ahead on one call, in bytes.
    pub stream_window_bytes: u32,
    /// What a client may send ahead on one connection, in bytes.
    pub connection_window_bytes: u32,
    /// What is kept of one reply for a client that does not read, in bytes.
    pub send_buffer_bytes: usize,
    /// Certificate chain of the public port, PEM; `None` means plaintext.
    pub tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM; set exactly when the chain is.
    pub tls_key: Option<PathBuf>,
    /// How often certificates are looked at for a change.
    pub tls_reload_interval: Duration,
    /// Whether server reflection answers.
    pub reflection: bool,
    /// Frames queued towards one client.
    pub frame_buffer: usize,
}

/// TLS between the services: all three files or none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InternalTls {
    /// Certificates of those who may issue one for a service, PEM.
    pub ca: Option<PathBuf>,
    /// Certificate chain of this service, PEM.
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    pub key: Option<PathBuf>,
}

/// The internal HTTP routes of the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
}

/// The update server, its feed, and how the gateway reaches it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Address to listen on, for HTTP and gRPC.
    pub host: String,
    /// Port of feeds and downloads.
    pub port: u16,
    /// Port of the internal gRPC service.
    pub grpc_port: u16,
    /// `host:port` of the internal gRPC service, as the gateway sees it.
    pub grpc_addr: String,
    /// Whether feeds and downloads are served at all.
    pub enabled: bool,
    /// Whether the beta feed is served.
    pub beta_enabled: bool,
    /// Whether the alpha feed is served.
    pub alpha_enabled: bool,
    /// Folder of releases.
    pub updates_dir: PathBuf,
    /// Folder of artifacts.
    pub downloads_dir: PathBuf,
    /// Folder of manifests.
    pub manifests_dir: PathBuf,
    /// Base64 of the Ed25519 key that releases must verify against.
    pub public_key: Option<String>,
    /// Base64 of the key before, while keys are changed.
    pub former_public_key: Option<String>,
    /// Whether a release without signed feeds is refused.
    pub signed_feeds_required: bool,
    /// How many others must have approved what goes to the stable channel.
    pub approvals_required: usize,
    /// How often the folders are looked at for changes.
    pub rescan_interval: Duration,
    /// How long the gateway trusts the latest version it was told.
    pub latest_cache_ttl: Duration,
    /// How long a request may take to its first byte.
    pub request_timeout: Duration,
    /// How long the gateway waits to be told the latest version.
    pub latest_timeout: Duration,
    /// Title of the feed.
    pub feed_title: String,
    /// Page that the feed belongs to; https, without a slash at the end.
    pub feed_link: String,
    /// Description of the feed.
    pub feed_description: String,
    /// Public address above `downloads/`; https, without a slash at the end.
    pub public_base_url: String,
}

/// What the server says of itself, and how it ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Version that `/health` reports.
    pub version: String,
    /// Build that `/health` reports.
    pub build: String,
    /// Release channel that `/health` reports.
    pub channel: String,
    /// How long running turns may go on at shutdown.
    pub drain: Duration,
    /// How long before that a leaving service still takes work, not ready.
    pub lame_duck: Duration,
    /// How often the overlay file is looked at; zero is never.
    pub config_watch_interval: Duration,
    /// Threads that tasks run on; zero leaves the number to the machine.
    pub runtime_threads: usize,
    /// IANA time zone of clients that name none.
    pub timezone: String,
}

/// The workers, and how the gateway reaches them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// `host:port` of each replica, as the gateway sees it. Never empty.
    pub addrs: Vec<String>,
    /// Address a worker listens on, for gRPC and HTTP.
    pub host: String,
    /// Port of a worker's gRPC service.
    pub port: u16,
    /// Port of a worker's health and metrics routes.
    pub http_port: u16,
    /// How long connecting to a worker may take.
    pub connect_timeout: Duration,
    /// What a worker may send ahead on one call, in bytes.
    pub stream_window_bytes: u32,
    /// How often the gateway asks each worker for its status.
    pub status_interval: Duration,
    /// How long a worker may take to answer.
    pub status_timeout: Duration,
    /// Turns in a row that a worker breaks before it gets none for a while.
    pub eject_after_failures: u32,
    /// For how long the first time; each time after that twice as long.
    pub eject: Duration,
    /// The longest time.
    pub eject_max: Duration,
    /// How long no worker may be ready before `/health` answers 503.
    pub unready_grace: Duration,
}

/// The internal admin routes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// What the admin routes ask for; `None` turns them off.
    #[serde(deserialize_with = "super::secret")]
    pub token: Option<SecretString>,
}

/// The public door: nginx in front of everything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// Host name that certificates and redirects carry.
    pub host_name: String,
    /// Address to listen on.
    pub listen_host: String,
    /// Port that redirects to TLS.
    pub http_port: u16,
    /// Port of TLS.
    pub tls_port: u16,
    /// Certificate chain, PEM; `None` means self-signed under the data folder.
    pub tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM; set exactly when the chain is.
    pub tls_key: Option<PathBuf>,
    /// `host:port` of each gateway's gRPC service.
    pub gateway_grpc_addr: Vec<String>,
    /// `host:port` of each gateway's HTTP routes.
    pub gateway_http_addr: Vec<String>,
    /// `host:port` of the update server.
    pub update_http_addr: String,
    /// How often the names of these addresses are resolved again.
    pub resolve_interval: Duration,
    /// How often gateways are asked whether they leave.
    pub probe_interval: Duration,
    /// How long a gRPC stream may be quiet, in either direction.
    pub grpc_timeout: Duration,
    /// Connections of one client address.
    pub max_connections_per_address: u32,
    /// Requests per second of one client address.
    pub requests_per_second_per_address: u32,
    /// Requests of one client address that may come at once.
    pub request_burst: u32,
    /// How long old nginx workers may go on after a reload.
    pub worker_shutdown_timeout: Duration,
}
