use std::{path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::{
        NoServerSessionStorage, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};

use super::{Files, Name, named::Named};

/// HTTP/2, as gRPC wants it (RFC 7301).
const ALPN: &[u8] = b"h2";

/// A certificate chain and its key.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// A port: of the gateway for everybody, or of another service for the gateway.
pub(super) fn server(files: &Files, own: Name) -> anyhow::Result<ServerConfig> {
    let Shown { chain, key } = Shown::read(files)?;
    let provider = provider();
    let mut config = match &files.ca {
        None => ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key),
        Some(ca) => {
            let roots = roots(ca)?;
            is_server(&chain, own, &roots).with_context(|| about(files, own))?;
            let inner = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()?;
            let verifier = Arc::new(Named { inner, name: Name::Gateway.server_name()? });
            ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&TLS13])?
                .with_client_cert_verifier(verifier)
                .with_single_cert(chain, key)
        }
    }
    .with_context(|| format!("use {} with {}", show(&files.certificate), show(&files.key)))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    if files.ca.is_some() {
        // A resumed session would not show its certificate again, which may
        // have expired since.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

/// The gateway, asking another service.
pub(super) fn client(files: &Files) -> anyhow::Result<ClientConfig> {
    let Shown { chain, key } = Shown::read(files)?;
    let roots = roots(files.ca.as_deref().context("find the CA of the other services")?)?;
    is_gateway(&chain, &roots).with_context(|| about(files, Name::Gateway))?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .with_context(|| format!("use {} with {}", show(&files.certificate), show(&files.key)))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What the gateway will ask of this certificate. Better said now than to be
/// refused by everybody later.
fn is_server(
    chain: &[CertificateDer<'static>],
    own: Name,
    roots: &Arc<RootCertStore>,
) -> anyhow::Result<()> {
    let (first, rest) = chain.split_first().context("find a certificate in the chain")?;
    WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider())
        .build()?
        .verify_server_cert(first, rest, &own.server_name()?, &[], UnixTime::now())?;
    Ok(())
}

/// What the others will ask of the gateway's.
fn is_gateway(
    chain: &[CertificateDer<'static>],
    roots: &Arc<RootCertStore>,
) -> anyhow::Result<ClientCertVerified> {
    let (first, rest) = chain.split_first().context("find a certificate in the chain")?;
    let inner =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider()).build()?;
    let verifier = Named { inner, name: Name::Gateway.server_name()? };
    Ok(verifier.verify_client_cert(first, rest, UnixTime::now())?)
}

fn roots(ca: &Path) -> anyhow::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).with_context(|| format!("trust {}", show(ca)))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().with_context(|| format!("read {}", show(path)))?;
    ensure!(!certificates.is_empty(), "read {}: there is no certificate in it", show(path));
    Ok(certificates)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn about(files: &Files, own: Name) -> String {
    format!("use {} as the certificate of {}", show(&files.certificate), own.as_str())
}

// === impl Shown ===

impl Shown {
    fn read(Files { certificate, key, .. }: &Files) -> anyhow::Result<Self> {
        let chain = certificates(certificate)?;
        let key =
            PrivateKeyDer::from_pem_file(key).with_context(|| format!("read {}", show(key)))?;
        Ok(Self { chain, key })
    }
}
