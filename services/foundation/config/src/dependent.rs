//! Values that follow from others: automatic hosts, folders, providers.

use serde_json::Value;

use crate::{
    environment::Environment,
    keys::Key,
    kind::Kind,
    problem::{Origin, Problem},
    resolve::Resolved,
    sources::Layers,
};

/// What each provider cannot work without. The offline model and espeak-ng need
/// nothing.
const NEEDS: [(&str, &str, &[&str]); 4] = [
    ("llm.providers", "gemini", &["llm.gemini.key"]),
    ("llm.providers", "openai", &["llm.openai.base_url"]),
    ("tts.providers", "azure", &["tts.azure.key", "tts.azure.region"]),
    ("tts.providers", "openai", &["tts.openai.base_url"]),
];

/// Fills in everything that follows from other values.
pub(crate) fn fill_in(values: &mut Resolved, layers: &Layers, problems: &mut Vec<Problem>) {
    for path in ["grpc.host", "http.host", "update.host", "worker.host"] {
        fill_in_host(values, path, layers.environment);
    }
    fill_in_folder(values, "update.downloads_dir", "downloads");
    fill_in_folder(values, "update.manifests_dir", "manifests");
    fill_in_version(values);
    fill_in_azure_region(values);
    fill_in_sample_ratio(values);
    fill_in_timezone(values, layers, problems);
    fill_in_image_formats(values);
    for list in ["llm.providers", "tts.providers"] {
        fill_in_providers(values, list, problems);
    }
}

fn fill_in_host(values: &mut Resolved, path: &str, environment: Environment) {
    if values.text(path) == Some("auto") {
        let host = match environment {
            Environment::Dev => "0.0.0.0",
            Environment::Stage | Environment::Prod => "127.0.0.1",
        };
        values.replace(path, host);
    }
}

fn fill_in_folder(values: &mut Resolved, path: &str, name: &str) {
    if values.text(path).is_none() {
        let parent = values.text("update.updates_dir").unwrap_or_default();
        let folder = std::path::Path::new(parent).join(name);
        values.replace(path, folder.display().to_string());
    }
}

fn fill_in_version(values: &mut Resolved) {
    if values.text("server.version").is_none() {
        values.replace("server.version", env!("CARGO_PKG_VERSION"));
    }
    if values.text("server.build").is_none() {
        values.replace("server.build", values.value("server.version").clone());
    }
}

fn fill_in_azure_region(values: &mut Resolved) {
    let (Some(base), Some(region)) =
        (values.text("tts.azure.base_url"), values.text("tts.azure.region"))
    else {
        return;
    };
    let url = base.replace("{region}", region);
    values.replace("tts.azure.base_url", url);
}

/// The argument of the ratio samplers is theirs alone, as OpenTelemetry has it:
/// <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
fn fill_in_sample_ratio(values: &mut Resolved) {
    let sampler = values.text("telemetry.sampler").unwrap_or_default();
    if sampler.ends_with("always_on") {
        values.replace("telemetry.sample_ratio", 1.0);
    } else if sampler.ends_with("always_off") {
        values.replace("telemetry.sample_ratio", 0.0);
    }
}

/// `TZ` belongs to the whole machine, so anything that names our key beats it.
fn fill_in_timezone(values: &mut Resolved, layers: &Layers, problems: &mut Vec<Problem>) {
    const PATH: &str = "server.timezone";
    let named = layers.variables.iter().rev().find_map(|layer| {
        let name = layer.variables.tz.as_deref().filter(|name| !name.trim().is_empty())?;
        Some((layer.origin("TZ"), name))
    });
    let Some((origin, name)) = named.filter(|_| *values.origin(PATH) == Origin::Default) else {
        return;
    };
    // POSIX allows a colon before the name: `:Europe/Berlin`.
    match Kind::Timezone.read(name.trim_start_matches(':')) {
        Some(zone) => values.replace_from(PATH, zone, origin),
        None => {
            let problem = Problem::new(PATH, origin.describe(PATH), Kind::Timezone.allowed());
            problems.push(problem.given(&name.into()));
        }
    }
}

/// OpenAI itself reads more than the servers that speak like it:
/// <https://platform.openai.com/docs/guides/images-vision>.
fn fill_in_image_formats(values: &mut Resolved) {
    const PATH: &str = "llm.openai.image_formats";
    let base_url = values.text("llm.openai.base_url").unwrap_or_default();
    let is_openai = base_url.starts_with("https://api.openai.com/");
    if is_openai && *values.origin(PATH) == Origin::Default {
        values.replace(PATH, serde_json::json!(["webp", "jpeg", "png"]));
    }
}

/// The default list less what is not configured. A list that somebody wrote is
/// meant as it stands: what is not configured in it is a problem.
fn fill_in_providers(values: &mut Resolved, list: &str, problems: &mut Vec<Problem>) {
    let is_default = *values.origin(list) == Origin::Default;
    let mut configured = Vec::new();
    for provider in values.value(list).as_array().into_iter().flatten() {
        match lack(values, list, provider.as_str().unwrap_or_default()) {
            None => configured.push(provider.clone()),
            Some(_) if is_default => {}
            Some(lack) => {
                let origin = values.origin(list).describe(list);
                problems.push(Problem::new(list, origin, lack).given(provider));
            }
        }
    }
    values.replace(list, Value::Array(configured));
}

/// What a provider lacks to be configured, in words that follow "expected".
fn lack(values: &Resolved, list: &str, provider: &str) -> Option<String> {
    let (_, _, needs) = NEEDS.iter().find(|need| (need.0, need.1) == (list, provider))?;
    let missing: Vec<String> = needs
        .iter()
        .filter(|path| values.text(path).is_none())
        .map(|path| Key::find(path).map(Key::variable).unwrap_or_default())
        .collect();
    (!missing.is_empty())
        .then(|| format!("a configured provider; {provider} lacks {}", missing.join(" and ")))
}
