//! From settings to the text of an nginx configuration.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use nexy_types::ErrorType;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    Settings,
    certificate::Files,
    nginx::{Build, Version},
    upstreams::Addresses,
};

const TEMPLATE: &str = include_str!("../../../../nginx/nginx.conf.template");

/// `ErrorInfo.domain` of every error of this product (Docs/PROTOCOL.md).
const ERROR_DOMAIN: &str = "nexy";
const UNAVAILABLE: &str = "the service is not reachable, try again in a moment";
const EXHAUSTED: &str = "too many calls from this address, try again in a moment";

/// Everything that the configuration depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rendering<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) build: &'a Build,
    pub(crate) addresses: &'a Addresses,
    pub(crate) certificate: &'a Files,
    pub(crate) run_dir: &'a Path,
}

// === impl Rendering ===

impl Rendering<'_> {
    /// The whole configuration.
    ///
    /// # Errors
    /// When a setting cannot be written into an nginx configuration.
    pub(crate) fn render(&self) -> anyhow::Result<String> {
        let mut values = BTreeMap::from(self.limits());
        values.extend(self.doors()?);
        values.extend([
            ("run_dir", path(self.run_dir)?),
            ("unused_temp_paths", self.unused_temp_paths()?),
            ("tls_certificate", path(&self.certificate.certificate)?),
            ("tls_key", path(&self.certificate.key)?),
            ("gateway_grpc_servers", servers(&self.addresses.taking_calls())),
            ("gateway_http_servers", servers(&self.addresses.gateway_http)),
            ("update_http_servers", servers(&self.addresses.update_http)),
            ("upload_window", self.settings.upload_window.to_string()),
            ("grpc_timeout", milliseconds(self.settings.grpc_timeout)),
            ("worker_shutdown_timeout", milliseconds(self.settings.worker_shutdown_timeout)),
            ("unavailable_message", UNAVAILABLE.to_owned()),
            ("unavailable_details", details(ErrorType::Unavailable, UNAVAILABLE)),
            ("exhausted_message", EXHAUSTED.to_owned()),
            ("exhausted_details", details(ErrorType::RateLimitExceeded, EXHAUSTED)),
        ]);
        fill(TEMPLATE, &values)
    }

    /// The limits for each address.
    fn limits(&self) -> [(&'static str, String); 3] {
        let Settings {
            max_connections_per_address: connections,
            requests_per_second_per_address: rate,
            request_burst: burst,
            ..
        } = self.settings;
        // nginx refuses to be told `burst=0`, which is what it does untold.
        let burst = if *burst > 0 { format!(" burst={burst} nodelay") } else { String::new() };
        [
            ("connections_per_address", connections.to_string()),
            ("requests_per_second", rate.to_string()),
            ("request_burst", burst),
        ]
    }

    /// Where nginx listens, and how a redirect from one door to the other reads.
    fn doors(&self) -> anyhow::Result<[(&'static str, String); 4]> {
        let Settings { listen_host, http_port, tls_port, .. } = self.settings;
        let tls = listen_address(listen_host, *tls_port)?;
        let (tls_parameters, http2) = if self.build.version >= Version::HTTP2_DIRECTIVE {
            ("ssl", "http2 on;")
        } else {
            ("ssl http2", "")
        };
        let redirect = if *tls_port == 443 { String::new() } else { format!(":{tls_port}") };
        Ok([
            ("http_listen", listen_address(listen_host, *http_port)?),
            ("tls_listen", format!("{tls} {tls_parameters}")),
            ("http2", http2.to_owned()),
            ("redirect_port", redirect),
        ])
    }

    /// nginx makes these folders at its start, used or not, in places that
    /// belong to root.
    fn unused_temp_paths(&self) -> anyhow::Result<String> {
        let run_dir = path(self.run_dir)?;
        let lines = self
            .build
            .spare_modules()
            .map(|module| format!("{module}_temp_path \"{run_dir}/{module}\";"));
        Ok(lines.collect::<Vec<_>>().join("\n    "))
    }
}

/// Replaces every `{{name}}`.
fn fill(template: &str, values: &BTreeMap<&'static str, String>) -> anyhow::Result<String> {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").context("find the end of a placeholder")?;
        let value = values.get(name).with_context(|| format!("no value for placeholder {name}"))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A path inside double quotes. nginx would read some characters as its own
/// syntax: `$` even there.
fn path(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    ensure!(path.is_absolute(), "{text} is not an absolute path");
    if text.contains(|c: char| matches!(c, '"' | '\\' | '$') || c.is_control()) {
        bail!("nginx cannot take the path {text:?}");
    }
    Ok(text.to_owned())
}

fn listen_address(host: &str, port: u16) -> anyhow::Result<String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port).to_string());
    }
    let is_name = !host.is_empty()
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    ensure!(is_name, "ingress.listen_host {host:?} is neither a host name nor an address");
    Ok(format!("{host}:{port}"))
}

/// A name that has never been resolved must not keep nginx from starting: its
/// upstream has one server, which is down.
fn servers(addresses: &[SocketAddr]) -> String {
    if addresses.is_empty() {
        return "server 127.0.0.1:1 down;".to_owned();
    }
    let lines =
        addresses.iter().map(|address| format!("server {address} max_fails=1 fail_timeout=2s;"));
    lines.collect::<Vec<_>>().join("\n        ")
}

/// nginx takes milliseconds wherever it takes a time.
fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// `grpc-status-details-bin`: what the services put into their own errors.
fn details(error_type: ErrorType, message: &str) -> String {
    let code = match error_type {
        ErrorType::RateLimitExceeded => Code::ResourceExhausted,
        _ => Code::Unavailable,
    };
    let mut details = ErrorDetails::with_error_info(
        error_type.as_str(),
        ERROR_DOMAIN,
        std::collections::HashMap::new(),
    );
    details.set_retry_info(error_type.retry_after());
    STANDARD_NO_PAD.encode(Status::with_error_details(code, message, details).details())
}
