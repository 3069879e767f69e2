use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use nexy_runtime::tls::Name;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _, verify_server_name},
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::{ParsedCertificate, WebPkiClientVerifier},
    sign::CertifiedKey,
};

use super::issue;
use crate::screen::Screen;

/// Days of validity, as the ingress's own certificate has them.
const VALID_DAYS: i64 = 820;
/// Certificates that end sooner than this are replaced, in days.
const RENEW_DAYS: u64 = 30;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Make the certificates that the services show one another
///
/// Makes the folders gateway, worker and update, each with ca.pem,
/// certificate.pem and key.pem, for `internal_tls` of the configuration. Nothing
/// is touched while all of them are good for another 30 days; else all are made
/// anew, by a new CA whose key is kept nowhere. Services read new files by
/// themselves. Exit code: 0 they are there, 1 they could not be made.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder to make them in.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Where one service's files are.
struct Place {
    name: Name,
    folder: PathBuf,
}

/// # Errors
/// When a file cannot be written.
pub(super) fn run(mut screen: Screen, args: &Args) -> anyhow::Result<ExitCode> {
    let line = if ensure_good(&args.dir, Timestamp::now())? {
        format!("Made new certificates of the services in {}.", args.dir.display())
    } else {
        format!("The certificates of the services in {} are good.", args.dir.display())
    };
    screen.line(&line)?;
    Ok(ExitCode::SUCCESS)
}

/// Says whether it made them.
fn ensure_good(dir: &Path, now: Timestamp) -> anyhow::Result<bool> {
    let places = Name::ALL.map(|name| Place::new(dir, name));
    let renewal = now + Duration::from_secs(RENEW_DAYS * 24 * 3600);
    let are_good = [now, renewal].into_iter().all(|at| are_accepted(&places, at).is_ok());
    if !are_good {
        make(&places, now)?;
        are_accepted(&places, now).context("check the new certificates")?;
    }
    Ok(!are_good)
}

/// Whether each service would accept those that it talks to, at that time.
fn are_accepted(places: &[Place; 3], at: Timestamp) -> anyhow::Result<()> {
    let at = issue::unix_time(at)?;
    let [gateway, others @ ..] = places;
    for other in others {
        gateway.accepts_server(other, at)?;
        other.accepts_client(gateway, at)?;
    }
    places.iter().try_for_each(Place::has_its_key)
}

fn make(places: &[Place; 3], now: Timestamp) -> anyhow::Result<()> {
    let ca = authority(now)?;
    for place in places {
        let key = KeyPair::generate().context("make a key")?;
        let certificate = place.params(now)?.signed_by(&key, &ca).context("sign a certificate")?;
        let folder = &place.folder;
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        issue::write(&place.key(), &key.serialize_pem(), 0o600)?;
        issue::write(&place.certificate(), &certificate.pem(), 0o644)?;
        issue::write(&place.ca(), &ca.pem(), 0o644)?;
    }
    Ok(())
}

/// Its key is gone when this is over: nobody can issue another certificate.
fn authority(now: Timestamp) -> anyhow::Result<Issuer> {
    let mut params = CertificateParams::default();
    // Two of them must not be taken for one another.
    let name = format!("Nexy Server, internal CA of {now}");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    issue::limit(&mut params, now, VALID_DAYS)?;
    let key = KeyPair::generate().context("make a key")?;
    Issuer::self_signed(params, key).context("sign the CA")
}

// === impl Place ===

impl Place {
    fn new(dir: &Path, name: Name) -> Self {
        let folder = match name {
            Name::Gateway => "gateway",
            Name::Worker => "worker",
            Name::Update => "update",
        };
        Self { name, folder: dir.join(folder) }
    }

    fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// For its one side of a connection only.
    fn params(&self, now: Timestamp) -> anyhow::Result<CertificateParams> {
        let name = self.name.as_str();
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match self.name {
            Name::Gateway => ExtendedKeyUsagePurpose::ClientAuth,
            Name::Worker | Name::Update => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        issue::limit(&mut params, now, VALID_DAYS)?;
        Ok(params)
    }

    fn accepts_server(&self, other: &Self, at: UnixTime) -> anyhow::Result<()> {
        let name = other.name.server_name()?;
        WebPkiServerVerifier::builder_with_provider(self.roots()?, provider())
            .build()?
            .verify_server_cert(&other.shown()?, &[], &name, &[], at)?;
        Ok(())
    }

    fn accepts_client(&self, other: &Self, at: UnixTime) -> anyhow::Result<()> {
        let shown = other.shown()?;
        WebPkiClientVerifier::builder_with_provider(self.roots()?, provider())
            .build()?
            .verify_client_cert(&shown, &[], at)?;
        Ok(verify_server_name(&ParsedCertificate::try_from(&shown)?, &other.name.server_name()?)?)
    }

    fn has_its_key(&self) -> anyhow::Result<()> {
        let key = PrivateKeyDer::from_pem_file(self.key())?;
        let shown = CertifiedKey::from_der(vec![self.shown()?], key, &provider())?;
        Ok(shown.keys_match()?)
    }

    fn shown(&self) -> anyhow::Result<CertificateDer<'static>> {
        Ok(CertificateDer::from_pem_file(self.certificate())?)
    }

    fn roots(&self) -> anyhow::Result<Arc<RootCertStore>> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(self.ca())? {
            roots.add(certificate?)?;
        }
        ensure!(!roots.is_empty(), "there is no CA");
        Ok(Arc::new(roots))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests;
