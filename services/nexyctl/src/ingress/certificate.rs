//! The certificate that is made when none is configured.
//!
//! One self-signed end-entity certificate that is its own trust anchor: clients
//! pass the file as their CA. It has `CA:FALSE`, without which rustls refuses
//! it as a server's, and no key usage, without which OpenSSL accepts it as its
//! own issuer.

use std::{
    fs,
    path::{Path, PathBuf, absolute},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};

use crate::cert::issue;

/// Days of validity, with the day before for clocks that are behind. Apple
/// refuses server certificates of more than 825 days, also trusted ones.
const VALID_DAYS: i64 = 820;
/// A certificate that ends sooner than this is replaced, in days.
const RENEW_DAYS: i64 = 30;

/// A certificate chain and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The self-made certificate and the names that it must carry.
#[derive(Debug, Clone)]
pub(crate) struct SelfSigned {
    files: Files,
    names: Vec<String>,
}

// === impl Files ===

impl Files {
    /// SHA-256 of the last certificate of the chain, the one to trust; `None`
    /// when there is none to read.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let chain = CertificateDer::pem_file_iter(&self.certificate).ok()?;
        let digest = Sha256::digest(chain.last()?.ok()?.as_ref());
        Some(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
    }
}

// === impl SelfSigned ===

impl SelfSigned {
    /// For this machine and the configured name, kept in `tls/` of the data
    /// directory. Makes nothing yet.
    ///
    /// # Errors
    /// When the name is neither a DNS name nor an address.
    pub(crate) fn new(data_dir: &Path, host_name: &str) -> anyhow::Result<Self> {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !host_name.is_empty() && !names.iter().any(|name| name == host_name) {
            server_name(host_name).context("use ingress.host_name")?;
            names.push(host_name.to_owned());
        }
        let directory = absolute(data_dir.join("tls")).context("find the data directory")?;
        let files = Files {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
        };
        Ok(Self { files, names })
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// Makes the certificate unless there is a good one; says whether it did.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn ensure(&self, now: Timestamp) -> anyhow::Result<bool> {
        let renewal = now + Duration::from_secs(RENEW_DAYS.unsigned_abs() * 24 * 3600);
        if self.serves(now) && self.serves(renewal) {
            return Ok(false);
        }
        self.make(now)?;
        Ok(true)
    }

    /// Whether a client that trusts the file would accept it, at that time, for
    /// each of the names; and whether the key belongs to it.
    fn serves(&self, at: Timestamp) -> bool {
        self.accepted(at).is_ok()
    }

    fn accepted(&self, at: Timestamp) -> anyhow::Result<()> {
        let certificate = CertificateDer::from_pem_file(&self.files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.files.key)?;
        let provider = Arc::new(ring::default_provider());
        CertifiedKey::from_der(vec![certificate.clone()], key, &provider)?.keys_match()?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        let at = issue::unix_time(at)?;
        for name in &self.names {
            verifier.verify_server_cert(&certificate, &[], &server_name(name)?, &[], at)?;
        }
        Ok(())
    }

    fn make(&self, now: Timestamp) -> anyhow::Result<()> {
        let key = KeyPair::generate().context("make a key")?;
        let certificate = self.params(now)?.self_signed(&key).context("sign the certificate")?;
        let directory = self.files.certificate.parent().context("find the tls directory")?;
        fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
        issue::write(&self.files.key, &key.serialize_pem(), 0o600)?;
        issue::write(&self.files.certificate, &certificate.pem(), 0o644)
    }

    fn params(&self, now: Timestamp) -> anyhow::Result<CertificateParams> {
        let mut params = CertificateParams::new(self.names.clone())
            .context("use the names of the certificate")?;
        let common_name = self.names.last().map_or("localhost", String::as_str);
        params.distinguished_name.push(DnType::OrganizationName, "Nexy Server, self-signed");
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        issue::limit(&mut params, now, VALID_DAYS)?;
        Ok(params)
    }
}

fn server_name(name: &str) -> anyhow::Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned())
        .with_context(|| format!("{name:?} is neither a host name nor an address"))
}
