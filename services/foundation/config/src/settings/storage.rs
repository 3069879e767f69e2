//! What is kept, and what is reported.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// What the assistant remembers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Short-term memory of one device, in bytes.
    pub max_short_term_size: usize,
    /// Long-term memory of one device, in bytes.
    pub max_long_term_size: usize,
    /// How long a turn waits for its memory.
    pub read_timeout: Duration,
    /// How long one write may take.
    pub write_timeout: Duration,
    /// How long a conversation may pause before short-term memory is forgotten.
    pub short_term_idle: Duration,
    /// Model that extracts facts; empty means offline rules.
    pub analysis_model: String,
    /// Turns waiting to be written.
    pub write_queue: usize,
}

/// The database of memory and usage; [`crate::Settings::database_url`] puts the
/// parts together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:…` or `postgres://…`, as configured.
    #[serde(deserialize_with = "super::secret")]
    pub url: Option<SecretString>,
    /// Host of a PostgreSQL server.
    pub host: Option<String>,
    /// Port of the PostgreSQL server.
    pub port: u16,
    /// Database name on the PostgreSQL server.
    pub name: String,
    /// User on the PostgreSQL server.
    pub user: String,
    /// Password on the PostgreSQL server.
    #[serde(deserialize_with = "super::secret")]
    pub password: Option<SecretString>,
    /// Connections in the pool.
    pub max_connections: u32,
    /// How long an operation waits for a connection.
    pub acquire_timeout: Duration,
    /// How long `SQLite` waits for another writer.
    pub busy_timeout: Duration,
}

/// State shared between gateways.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedState {
    /// `redis://…`; `None` keeps state in the process.
    #[serde(deserialize_with = "super::secret")]
    pub url: Option<SecretString>,
}

/// Traces and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// OTLP/gRPC collector; `None` exports nothing.
    pub otlp_endpoint: Option<String>,
    /// How to speak to it; only gRPC is spoken.
    pub otlp_protocol: String,
    /// Authorities to believe for `https://`; `None` means those of the system.
    pub otlp_certificate: Option<PathBuf>,
    /// Metadata of each export, `name=value` separated by commas.
    #[serde(deserialize_with = "super::secret")]
    pub otlp_headers: Option<SecretString>,
    /// `otlp` or `none`.
    pub traces_exporter: String,
    /// `otlp` or `none`.
    pub metrics_exporter: String,
    /// How often metrics are exported.
    pub metric_export_interval: Duration,
    /// Name of the service in what is exported; `None` means that of the binary.
    pub service_name: Option<String>,
    /// More about who reports, `name=value` separated by commas.
    pub resource_attributes: Option<String>,
    /// Which traces are kept, by its OpenTelemetry name; a name that begins
    /// `parentbased_` follows the caller's decision where there is one.
    pub sampler: String,
    /// Share of traces that the sampler keeps, 0 to 1.
    pub sample_ratio: f64,
    /// How long one export may take.
    pub export_timeout: Duration,
    /// How often the metrics aggregate is logged.
    pub snapshot_interval: Duration,
    /// Key of the hash that stands for a device in logs; `None` means one that
    /// is made and kept in the data folder.
    #[serde(deserialize_with = "super::secret")]
    pub id_hash_key: Option<SecretString>,
}

/// What replies have to keep to. Checked by `nexyctl guardrails` and by the
/// alert rules that `nexyctl alerts` makes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrails {
    /// 95 % of the replies are heard within this time, or it is a warning.
    pub first_audio_p95_warn: Duration,
    /// … or somebody is called; never less than the warning's.
    pub first_audio_p95_page: Duration,
    /// Share of replies that may end with an error before it is a warning.
    pub error_ratio_warn: f64,
    /// … before somebody is called; never less than the warning's.
    pub error_ratio_page: f64,
    /// Share of turns that admission may refuse.
    pub refusal_ratio: f64,
    /// How much more often than in the baseline something may happen.
    pub baseline_factor: f64,
    /// How much more often than in the median of a day.
    pub median_factor: f64,
    /// A share up to this is never more often than something else.
    pub ratio_floor: f64,
    /// Fewest hours for a median, of 24.
    pub median_min_hours: usize,
    /// Fewest turns for a share or a percentile to mean something.
    pub min_turns: u64,
    /// Share of a log's lines that may be unreadable.
    pub unreadable_ratio: f64,
    /// Steps of a roll-out in percent, rising, never empty.
    pub ramp_percent: Vec<u8>,
}

/// The decision log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// A level, or directives such as `info,nexy_worker=debug`.
    pub level: String,
}

// === impl Database ===

impl Database {
    pub(super) fn url(&self, data_dir: &Path) -> SecretString {
        if let Some(url) = &self.url {
            return url.clone();
        }
        let Some(host) = &self.host else {
            let file = data_dir.join("nexy.db");
            return format!("sqlite://{}", file.display()).into();
        };
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{}", percent_encode(password.expose_secret())));
        let user = percent_encode(&self.user);
        let name = percent_encode(&self.name);
        let (password, port) = (password.unwrap_or_default(), self.port);
        format!("postgres://{user}{password}@{host}:{port}/{name}").into()
    }
}

/// Everything but the unreserved characters of RFC 3986 §2.3.
fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
