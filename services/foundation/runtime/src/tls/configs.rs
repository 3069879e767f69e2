use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use rustls::{
    CertificateError, ClientConfig, Error, RootCertStore, ServerConfig,
    client::{
        Resumption, WebPkiServerVerifier, danger::ServerCertVerifier as _,
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::{
        NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};

use super::{Files, Name, named::Named, reload::Loaded};

/// HTTP/2, as gRPC wants it (RFC 7301).
const ALPN: &[u8] = b"h2";

/// A certificate chain and its key.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// A port: of the gateway for everybody, or of another service for the gateway.
pub(super) fn server(files: &Files, own: Name) -> anyhow::Result<Loaded<ServerConfig>> {
    let Shown { chain, key } = Shown::read(files)?;
    let not_after = not_after(&chain);
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
    Ok(Loaded { config, not_after })
}

/// The gateway, asking another service.
pub(super) fn client(files: &Files) -> anyhow::Result<Loaded<ClientConfig>> {
    let Shown { chain, key } = Shown::read(files)?;
    let not_after = not_after(&chain);
    let roots = roots(files.ca.as_deref().context("find the CA of the other services")?)?;
    is_gateway(&chain, &roots).with_context(|| about(files, Name::Gateway))?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .with_context(|| format!("use {} with {}", show(&files.certificate), show(&files.key)))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Loaded { config, not_after })
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

/// When the first certificate of a chain expires; `None` when none tells.
///
/// Nothing in the tree gives access to the field itself. A verifier reads it
/// before everything else, and says it of a certificate that has expired, which
/// all have after the last day that they can name (RFC 5280 §4.1.2.5).
fn not_after(chain: &[CertificateDer<'static>]) -> Option<UnixTime> {
    const YEAR_10000: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_800));
    let algorithms = provider().signature_verification_algorithms.all;
    let nobody = RootCertStore::empty();
    let expiries = chain.iter().filter_map(|certificate| {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        let verified = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &nobody,
            &[],
            YEAR_10000,
            algorithms,
        );
        match verified {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            })) => Some(not_after),
            _ => None,
        }
    });
    expiries.min_by_key(UnixTime::as_secs)
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
