//! The way to a collector: OTLP over gRPC,
//! <https://opentelemetry.io/docs/specs/otlp/>.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use tonic::{
    Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    service::Interceptor,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use uuid::Uuid;

use crate::{Error, Settings};

/// A collector, and what it gets.
#[derive(Clone)]
pub struct Otlp {
    /// `http://host:port`, or `https://host:port` for TLS.
    pub endpoint: String,
    /// Whom to believe, as PEM; none: the certificates of the system.
    pub authorities: Option<Vec<u8>>,
    /// Metadata of every export, such as a key. Never shown.
    pub headers: Vec<(String, String)>,
    /// For one export.
    pub timeout: Duration,
    /// Which traces it gets; none: no traces.
    pub traces: Option<Sampling>,
    /// How often it gets the metrics; none: never.
    pub metrics: Option<Duration>,
}

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// The share of new traces, 0 to 1.
    pub ratio: f64,
    /// Whether the decision of a caller who made one comes first.
    pub follows_caller: bool,
}

/// Adds the headers to a request.
#[derive(Clone)]
pub(crate) struct Headers(MetadataMap);

// === impl Otlp ===

impl Otlp {
    /// A connection that is made when it is needed.
    pub(crate) fn channel(&self) -> Result<Channel, Error> {
        let endpoint = Endpoint::from_shared(self.endpoint.clone()).map_err(|_| Error::Endpoint)?;
        let endpoint = match endpoint.uri().scheme_str() {
            Some("http") => endpoint,
            Some("https") => endpoint.tls_config(self.tls()).map_err(|_| Error::Tls)?,
            _ => return Err(Error::Endpoint),
        };
        Ok(endpoint.connect_timeout(self.timeout).timeout(self.timeout).connect_lazy())
    }

    fn tls(&self) -> ClientTlsConfig {
        match &self.authorities {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        }
    }

    pub(crate) fn headers(&self) -> Result<Headers, Error> {
        let mut headers = MetadataMap::new();
        for (name, value) in &self.headers {
            let name = name.parse::<AsciiMetadataKey>().map_err(|_| Error::Headers)?;
            let value = value.parse::<AsciiMetadataValue>().map_err(|_| Error::Headers)?;
            headers.append(name, value);
        }
        Ok(Headers(headers))
    }
}

// === impl Headers ===

impl Headers {
    pub(crate) fn into_metadata(self) -> MetadataMap {
        self.0
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().as_mut().extend(self.0.clone().into_headers());
        Ok(request)
    }
}

/// Who reports, by the semantic conventions for resources:
/// <https://opentelemetry.io/docs/specs/semconv/resource/>.
pub(crate) fn resource(settings: &Settings) -> Resource {
    let of_ours = [
        KeyValue::new("service.name", settings.service),
        KeyValue::new("service.version", settings.version.clone()),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
        KeyValue::new("deployment.environment.name", settings.environment.clone()),
    ];
    let given = settings.resource.iter();
    let given = given.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    // Of two with one name the later one counts.
    Resource::builder_empty().with_attributes(of_ours.into_iter().chain(given)).build()
}
