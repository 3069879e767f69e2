//! From the configuration to where a service reports.

use anyhow::Context as _;
use nexy_config::Settings;
use nexy_telemetry::{Otlp, Sampling};
use secrecy::ExposeSecret as _;

/// What the telemetry of a service needs to know.
pub(crate) fn settings(
    service: &'static str,
    settings: &Settings,
) -> anyhow::Result<nexy_telemetry::Settings> {
    let telemetry = &settings.telemetry;
    let attributes = telemetry.resource_attributes.as_deref().and_then(nexy_config::pairs);
    // The name of its own key wins over one among the attributes.
    let name = telemetry.service_name.iter().map(|name| ("service.name".to_owned(), name.clone()));
    let id_hash_key = telemetry.id_hash_key.as_ref();
    Ok(nexy_telemetry::Settings {
        service,
        version: settings.server.version.clone(),
        environment: settings.env.as_str().to_owned(),
        level: settings.logging.level.clone(),
        resource: attributes.unwrap_or_default().into_iter().chain(name).collect(),
        otlp: otlp(telemetry)?,
        id_hash_key: id_hash_key.map(|key| key.expose_secret().as_bytes().to_vec()),
    })
}

/// What is said when the configuration cannot be used: the log alone.
pub(crate) fn log_only(service: &'static str, version: &str) -> nexy_telemetry::Settings {
    nexy_telemetry::Settings {
        service,
        version: version.to_owned(),
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

#[cfg(test)]
mod tests {
    use nexy_config::Sources;

    use super::*;

    fn settings_of(variables: &[(&str, &str)]) -> nexy_telemetry::Settings {
        let (loaded, _) = Settings::load(&Sources::for_tests(variables.to_vec())).unwrap();
        settings("nexy-test", &loaded).unwrap()
    }

    #[test]
    fn the_standard_variables_say_what_is_exported() {
        assert!(settings_of(&[]).otlp.is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
        for (sampler, ratio, follows_caller) in [
            ("parentbased_always_on", 1.0, true),
            ("always_on", 1.0, false),
            ("always_off", 0.0, false),
            ("traceidratio", 0.25, false),
        ] {
            let sampler = ("OTEL_TRACES_SAMPLER", sampler);
            let argument = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
            let otlp = settings_of(&[endpoint, sampler, argument]).otlp.unwrap();
            assert_eq!(otlp.traces, Some(Sampling { ratio, follows_caller }), "{sampler:?}");
            assert!(otlp.metrics.is_some());
        }
        let none = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")];
        let otlp = settings_of(&[endpoint, none[0], none[1]]).otlp.unwrap();
        assert_eq!((otlp.traces, otlp.metrics), (None, None));
    }

    #[test]
    fn a_service_name_wins_over_one_among_the_attributes() {
        let settings = settings_of(&[
            ("OTEL_RESOURCE_ATTRIBUTES", "team=voice,service.name=other"),
            ("OTEL_SERVICE_NAME", "mine"),
        ]);
        let last = settings.resource.iter().rfind(|(name, _)| name == "service.name");
        assert_eq!(last.map(|(_, value)| value.as_str()), Some("mine"));
        assert!(settings.resource.contains(&("team".to_owned(), "voice".to_owned())));
    }
}
