use clap::Parser;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject as _;
use tonic::transport::Identity;

use super::*;
use crate::{
    fake::Fake,
    screen::{Look, tests::Paper},
};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

#[tokio::test]
async fn saves_a_certificate_that_can_then_be_trusted() {
    nexy_runtime::install_tls_provider();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = Identity::from_pem(cert.pem(), signing_key.serialize_pem());
    let fake = Fake::start_tls(identity).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nexy-ca.pem");
    let file = path.to_str().unwrap();

    let line = Line::try_parse_from(["x", "--server", &fake.url, "--save", file]).unwrap();
    let paper = Paper::default();
    run_on(paper.screen(Look::Piped), line.args).await.unwrap();

    assert!(paper.text().contains(&fingerprint(cert.der())));
    let saved = CertificateDer::from_pem_file(&path).unwrap();
    assert_eq!(&saved, cert.der());
    let line = Line::try_parse_from(["x", "--server", &fake.url, "--ca", file]).unwrap();
    line.args.connection.resolve().unwrap().grpc().await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_has_no_certificate() {
    let fake = Fake::start().await;
    let line = Line::try_parse_from(["x", "--server", &fake.url]).unwrap();
    assert!(run(line.args).await.unwrap_err().is::<Usage>());

    let pretended = fake.url.replace("http://", "https://");
    let line = Line::try_parse_from(["x", "--server", &pretended]).unwrap();
    let error = run(line.args).await.unwrap_err().to_string();
    assert_eq!(error, format!("{pretended} does not speak TLS"));
}

#[test]
fn fingerprints_and_lines_are_as_openssl_writes_them() {
    let certificate = CertificateDer::from(b"abc".to_vec());
    // The SHA-256 example of FIPS 180-2, appendix B.1.
    assert!(fingerprint(&certificate).starts_with("BA:78:16:BF:8F:01:CF:EA"));
    let long = CertificateDer::from(vec![0; 100]);
    let pem = pem(&long);
    assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
    assert_eq!(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), long);
}

#[test]
fn says_that_nothing_was_verified() {
    let chain = [CertificateDer::from(b"a".to_vec()), CertificateDer::from(b"b".to_vec())];
    let lines = describe("https://localhost:8443", &chain);
    assert_eq!(lines[0], "https://localhost:8443 presents 2 certificate(s), not verified:");
    assert!(lines[1].starts_with("1. server, SHA-256 "));
    assert!(lines[2].starts_with("2. issuer, SHA-256 "));
}
