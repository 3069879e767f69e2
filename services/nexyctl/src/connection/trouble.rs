//! What a person is told when a connection fails, and what to do about it.

use std::{error::Error as StdError, io};

use rustls::CertificateError;
use tonic::transport::{ClientTlsConfig, Endpoint};

use super::{Connection, address::Scheme};
use crate::failure::{chain, find};

impl Connection {
    /// Says what went wrong with a connection and what to do about it.
    pub(super) fn explain(&self, error: &(dyn StdError + 'static)) -> anyhow::Error {
        let url = self.url();
        if let Some(rustls::Error::InvalidCertificate(reason)) = find::<rustls::Error>(error) {
            return anyhow::anyhow!("{}", self.explain_certificate(reason));
        }
        let refused = find::<io::Error>(error)
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if refused {
            return anyhow::anyhow!(
                "nothing listens at {url}\n\
                 `make run` starts a server; for a bare gateway say --server http://127.0.0.1:50051"
            );
        }
        let hint = match self.scheme {
            Scheme::Https if self.ca.is_none() && !self.is_trusting_anything() => {
                "\nthis computer trusts no certificates of its own: give one with --ca"
            }
            Scheme::Http => "\nif this server speaks TLS, say --tls or https://",
            Scheme::Https => "",
        };
        anyhow::anyhow!("cannot talk to {url}: {}{hint}", chain(error))
    }

    /// Whether the system has certificate authorities at all.
    fn is_trusting_anything(&self) -> bool {
        let endpoint = Endpoint::from_shared(self.url());
        endpoint
            .and_then(|endpoint| endpoint.tls_config(ClientTlsConfig::new().with_native_roots()))
            .is_ok()
    }

    fn explain_certificate(&self, reason: &CertificateError) -> String {
        let url = self.url();
        match (&self.ca, reason) {
            (_, CertificateError::NotValidForNameContext { presented, .. }) => format!(
                "the certificate of {url} is for other names: {}\n\
                 use one of them in --server",
                presented.iter().map(|name| bare_name(name)).collect::<Vec<_>>().join(", ")
            ),
            (_, CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                format!("the certificate of {url} has expired: renew it on the server")
            }
            (_, CertificateError::Other(other)) if is_ca_as_server(other) => format!(
                "the certificate of {url} is that of a certificate authority: no server may \
                 present its own\n\
                 make it with the basic constraint CA:FALSE, or let an authority sign another"
            ),
            (Some(ca), _) => format!(
                "the certificate of {url} does not agree with {}: {}\n\
                 save the present one, after comparing its fingerprint with the server's:\n  \
                 nexyctl cert --save nexy-ca.pem --server {url}",
                ca.file.display(),
                in_words(reason)
            ),
            (None, _) => format!(
                "the certificate of {url} is not trusted here: {}\n\
                 if you expect a self-signed certificate, save it once and name it from then on:\n  \
                 nexyctl cert --save nexy-ca.pem --server {url}\n  \
                 nexyctl … --ca nexy-ca.pem",
                in_words(reason)
            ),
        }
    }
}

fn in_words(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => "nobody known has signed it".to_owned(),
        CertificateError::BadSignature => "its signature is not that of its issuer".to_owned(),
        other => other.to_string(),
    }
}

/// webpki has no variant of rustls for this.
fn is_ca_as_server(error: &rustls::OtherError) -> bool {
    error.0.to_string().contains("CaUsedAsEndEntity")
}

/// `localhost` of `DnsName("localhost")`, which is how webpki writes names.
fn bare_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}
