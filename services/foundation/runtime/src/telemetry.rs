//! From the configuration to where a service reports.

use anyhow::Context as _;
use nexy_config::Settings;
use nexy_telemetry::{Otlp, Sampling};
use secrecy::ExposeSecret as _;

use crate::Service;

/// What the telemetry of a service needs to know.
pub(crate) fn settings<S: Service>(
    settings: &Settings,
) -> anyhow::Result<nexy_telemetry::Settings> {
    let telemetry = &settings.telemetry;
    let attributes = telemetry.resource_attributes.as_deref().and_then(nexy_config::pairs);
    // The name of its own key wins over one among the attributes.
    let name = telemetry.service_name.iter().map(|name| ("service.name".to_owned(), name.clone()));
    let id_hash_key = telemetry.id_hash_key.as_ref();
    Ok(nexy_telemetry::Settings {
        service: S::NAME,
        version: settings.server.version.clone(),
        environment: settings.env.as_str().to_owned(),
        level: settings.logging.level.clone(),
        resource: attributes.unwrap_or_default().into_iter().chain(name).collect(),
        otlp: otlp(telemetry)?,
        id_hash_key: id_hash_key.map(|key| key.expose_secret().as_bytes().to_vec()),
    })
}

/// What is said when the configuration cannot be used: the log alone.
pub(crate) fn log_only<S: Service>() -> nexy_telemetry::Settings {
    nexy_telemetry::Settings {
        service: S::NAME,
        version: S::VERSION.to_owned(),
        environment: String::new(),
        level: "info".to_owned(),
        resource: Vec::new(),
        otlp: None,
        id_hash_key: None,
    }
}

fn otlp(telemetry: &nexy_config::Telemetry) -> anyhow::Result<Option<Otlp>> {
    let Some(endpoint) = telemetry.otlp_endpoint.clone() else { return Ok(None) };
    let read = |path| std::fs::read(path).context("read telemetry.otlp_certificate");
    let headers = telemetry.otlp_headers.as_ref();
    let headers = headers.and_then(|headers| nexy_config::pairs(headers.expose_secret()));
    let sampling = Sampling {
        ratio: telemetry.sample_ratio,
        follows_caller: telemetry.sampler.starts_with("parentbased_"),
    };
    let is_on = |exporter: &str| exporter == "otlp";
    Ok(Some(Otlp {
        endpoint,
        authorities: telemetry.otlp_certificate.as_ref().map(read).transpose()?,
        headers: headers.unwrap_or_default(),
        timeout: telemetry.export_timeout,
        traces: is_on(&telemetry.traces_exporter).then_some(sampling),
        metrics: is_on(&telemetry.metrics_exporter).then_some(telemetry.metric_export_interval),
    }))
}
