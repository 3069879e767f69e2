//! Certificates for tests.

use std::{fs, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

use super::{Files, Name};

/// A CA, and a folder for what it has issued.
pub(crate) struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
    pub(crate) folder: TempDir,
}

/// Until when a certificate is valid.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Valid {
    Now,
    NoLonger,
}

// === impl Pki ===

impl Pki {
    pub(crate) fn new() -> Self {
        crate::install_tls_provider();
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(2090, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { ca, folder: tempfile::tempdir().unwrap() }
    }

    /// Issues a certificate for a service that can be shown by both sides.
    pub(crate) fn issue(&self, name: Name) -> Files {
        self.issue_for(name.as_str(), Valid::Now)
    }

    pub(crate) fn issue_for(&self, name: &str, valid: Valid) -> Files {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = date_time_ymd(2000, 1, 1);
        let year = if valid == Valid::Now { 2100 } else { 2001 };
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let files = self.files(name);
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        fs::write(files.ca.as_ref().unwrap(), self.ca.pem()).unwrap();
        files
    }

    fn files(&self, name: &str) -> Files {
        let at = |kind: &str| self.folder.path().join(format!("{name}-{kind}.pem"));
        Files { ca: Some(at("ca")), certificate: at("certificate"), key: at("key") }
    }
}

/// Puts certificates in the place of others, as a renewal does.
pub(crate) fn replace(old: &Files, new: &Files) {
    let copy = |from: &Path, to: &Path| {
        let text = fs::read(from).unwrap();
        fs::write(to, text).unwrap();
        // Two changes within a tick of the file system's clock look alike.
        let later =
            fs::metadata(to).unwrap().modified().unwrap() + std::time::Duration::from_secs(2);
        fs::File::options().write(true).open(to).unwrap().set_modified(later).unwrap();
    };
    copy(&new.certificate, &old.certificate);
    copy(&new.key, &old.key);
    if let (Some(new), Some(old)) = (&new.ca, &old.ca) {
        copy(new, old);
    }
}
