use clap::Parser;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tonic::transport::Identity;

use super::*;
use crate::fake::Fake;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    connection: ConnectionArgs,
}

fn connection(options: &[&str]) -> Result<Connection, String> {
    let line = Line::try_parse_from(std::iter::once("x").chain(options.iter().copied()));
    line.map_err(|error| error.to_string())?.connection.resolve().map_err(|error| error.to_string())
}

fn check(options: &[&str], url: &str, http: &str) {
    let connection = connection(options).unwrap();
    assert_eq!((connection.url().as_str(), connection.http.as_str()), (url, http), "{options:?}");
}

#[test]
fn puts_address_and_options_together() {
    check(&[], "https://localhost:8443", "https://localhost:8443");
    check(
        &["--server", "http://127.0.0.1:50051"],
        "http://127.0.0.1:50051",
        "http://127.0.0.1:8080",
    );
    check(&["--server", "host:1"], "http://host:1", "http://host:8080");
    check(&["--server", "host:1", "--tls"], "https://host:1", "https://host:1");
    check(&["--server", "https://host/"], "https://host", "https://host");
    check(&["--server", "[::1]:5", "--tls"], "https://[::1]:5", "https://[::1]:5");
    check(&["--server", "host:1", "--http", "http://other:2"], "http://host:1", "http://other:2");
}

#[test]
fn refuses_contradictions_and_files_without_a_certificate() {
    let refused = |options: &[&str]| connection(options).unwrap_err();
    assert!(refused(&["--server", "http://host:1", "--tls"]).contains("contradicts"));
    assert!(refused(&["--ca", "/does/not/exist"]).contains("--ca /does/not/exist"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pem");
    std::fs::write(&path, "nothing").unwrap();
    assert!(refused(&["--ca", path.to_str().unwrap()]).contains("no PEM certificate"));
}

/// A certificate authority, and a server certificate of its making.
struct Chain {
    authority: String,
    identity: Identity,
}

fn issue(names: &[&str]) -> Chain {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(names).unwrap().signed_by(&server_key, &issuer).unwrap();
    let presented = format!("{}{authority}", server.pem());
    Chain { authority, identity: Identity::from_pem(presented, server_key.serialize_pem()) }
}

/// Connects to a server with such a certificate, trusting such another.
async fn connect(names: &[&str], trusted: Option<fn(&Chain) -> String>) -> Result<(), String> {
    nexy_runtime::install_tls_provider();
    let chain = issue(names);
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let fake = Fake::start_tls(chain.identity.clone()).await;
    let mut options = vec!["--server", fake.url.as_str()];
    if let Some(trusted) = trusted {
        std::fs::write(&ca, trusted(&chain)).unwrap();
        options.extend(["--ca", ca.to_str().unwrap()]);
    }
    let connected = connection(&options).unwrap().grpc().await;
    connected.map(drop).map_err(|error| {
        let text = error.to_string().replace(&fake.url, "URL");
        text.replace(ca.to_str().unwrap(), "CA")
    })
}

#[tokio::test]
async fn trusts_the_certificate_it_is_given() {
    assert_eq!(connect(&["localhost"], Some(|chain| chain.authority.clone())).await, Ok(()));
}

#[tokio::test]
async fn says_what_to_run_when_the_certificate_is_not_trusted() {
    let error = connect(&["localhost"], Some(|_| issue(&[]).authority)).await.unwrap_err();
    assert!(error.starts_with("the certificate of URL does not agree with CA:"), "{error}");
    assert!(error.contains("nexyctl cert --save nexy-ca.pem --server URL"), "{error}");
}

#[tokio::test]
async fn says_for_which_names_a_certificate_is() {
    let trusted: fn(&Chain) -> String = |chain| chain.authority.clone();
    let error = connect(&["elsewhere.test"], Some(trusted)).await.unwrap_err();
    assert!(
        error.starts_with("the certificate of URL is for other names: elsewhere.test\n"),
        "{error}"
    );
}

#[tokio::test]
async fn says_that_an_authority_s_own_certificate_is_no_server_s() {
    nexy_runtime::install_tls_provider();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let fake = Fake::start_tls(Identity::from_pem(&pem, key.serialize_pem())).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let options = ["--server", &fake.url, "--ca", ca.to_str().unwrap()];
    let error = connection(&options).unwrap().grpc().await.unwrap_err().to_string();
    assert!(error.contains("CA:FALSE"), "{error}");
}

#[tokio::test]
async fn says_that_nothing_listens() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let connection = connection(&["--server", &url, "--http", &url]).unwrap();
    let error = connection.grpc().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("nothing listens at {url}")), "{error}");
    nexy_runtime::install_tls_provider();
    let error = connection.http().unwrap().get("/health").await.unwrap_err().to_string();
    assert_eq!(error, format!("nothing listens at {url}/health"));
}

#[tokio::test]
async fn reads_the_http_side() {
    nexy_runtime::install_tls_provider();
    let fake = Fake::start().await;
    let connection = connection(&["--server", &fake.url, "--http", &fake.http]).unwrap();
    let answer = connection.http().unwrap().get("/health").await.unwrap();
    assert_eq!((answer.status, &answer.json().unwrap()["status"]), (200, &"OK".into()));
    assert_eq!(answer.header("cache-control"), ["public, max-age=30"]);
}
