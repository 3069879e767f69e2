//! Files that lie elsewhere, on a real server with TLS on loopback.

use std::{fs, sync::Arc};

use nexy_releases::{Channel, CheckRecord};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::Shop;

const WHO: &str = "--by ann --reason test";

/// Serves some bytes under several addresses, each with a way of its own.
struct Elsewhere {
    port: u16,
    certificate: String,
    _serving: JoinSet<()>,
}

impl Elsewhere {
    async fn start(bytes: Vec<u8>) -> Self {
        nexy_runtime::install_tls_provider();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let bytes = Arc::new(bytes);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, bytes) = (acceptor.clone(), Arc::clone(&bytes));
                calls.spawn(async move { answer(stream, &acceptor, &bytes, port).await });
            }
        });
        Self { port, certificate: cert.pem(), _serving: serving }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }
}

/// One request for each connection; what goes wrong is the client's to notice.
async fn answer(stream: TcpStream, acceptor: &TlsAcceptor, bytes: &[u8], port: u16) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (_, way) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let whole = bytes.len();
    let mut other = bytes.to_vec();
    other[whole / 2] ^= 1;
    let redirect = |to: String| (format!("302 Found\r\nlocation: {to}"), Vec::new(), 0);
    let (head, body, length) = match path.trim_start_matches('/').split('/').next().unwrap() {
        "good" | "once" if way.is_empty() => ("404 Not Found".to_owned(), Vec::new(), 0),
        "good" => ("200 OK".to_owned(), bytes.to_vec(), whole),
        "once" => redirect(format!("https://localhost:{port}/good/{way}")),
        "loop" => redirect(format!("https://localhost:{port}/loop/{way}")),
        "away" => redirect(format!("http://localhost:{port}/good/{way}")),
        "other" => ("200 OK".to_owned(), other, whole),
        "longer" => ("200 OK".to_owned(), [bytes, b"x"].concat(), whole + 1),
        "short" => ("200 OK".to_owned(), bytes[..whole / 2].to_vec(), whole),
        "slow" => std::future::pending().await,
        _ => ("404 Not Found".to_owned(), Vec::new(), 0),
    };
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn a_file_elsewhere_is_published_only_if_it_is_what_the_manifest_says() {
    let shop = Shop::with_beta("2.0.0.32");
    let elsewhere = Elsewhere::start(shop.make("2.0.0.33").bytes).await;
    let ca = shop.path("ca.pem");
    fs::write(&ca, &elsewhere.certificate).unwrap();
    let publish = async |way: &str, more: &str| {
        let url = elsewhere.url(&format!("{way}/Nexy-2.0.0.33.zip"));
        let manifest = shop.make_with("2.0.0.33", |value| value["artifact"]["url"] = json!(url));
        // Not given, so that it has to be fetched.
        fs::remove_file(shop.dist().join("Nexy-2.0.0.33.zip")).unwrap();
        let line = format!("publish {manifest} --channel beta {WHO} --timeout 2 {more}");
        shop.run(line.trim_end()).await
    };
    let trust = format!("--ca {}", ca.display());
    for way in ["other", "longer", "short", "slow", "missing", "loop", "away"] {
        assert!(!publish(way, &trust).await, "{way} was published");
    }
    assert!(!publish("good", "").await, "a server was trusted that nobody vouches for");
    assert!(!publish("once", &format!("{trust} --redirects 0")).await, "too many redirects");
    assert_eq!(shop.plan(Channel::Beta).release.build.as_str(), "2.0.0.32");
    assert!(publish("once", &trust).await);
    let plan = shop.plan(Channel::Beta);
    assert_eq!(plan.release.build.as_str(), "2.0.0.33");
    assert!(!shop.place().downloads.join("Nexy-2.0.0.33.zip").exists());
    assert!(shop.run(&format!("check {trust}")).await);
}

#[tokio::test]
async fn a_file_elsewhere_that_somebody_replaced_is_noticed() {
    let shop = Shop::with_beta("2.0.0.32");
    let elsewhere = Elsewhere::start(shop.make("2.0.0.33").bytes).await;
    let ca = shop.path("ca.pem");
    fs::write(&ca, &elsewhere.certificate).unwrap();
    let place = shop.place();
    for (way, expected) in [("good", true), ("other", false), ("missing", false)] {
        let url = elsewhere.url(&format!("{way}/Nexy-2.0.0.33.zip"));
        let manifest = shop.make_with("2.0.0.33", |value| value["artifact"]["url"] = json!(url));
        fs::copy(manifest, place.manifest_path(Channel::Beta)).unwrap();
        fs::remove_file(shop.dist().join("Nexy-2.0.0.33.zip")).unwrap();
        let line = format!("check --channel beta --timeout 2 --ca {}", ca.display());
        assert_eq!(shop.run(&line).await, expected, "{way}");
        assert!(shop.run("check --channel beta --offline").await, "offline looks elsewhere");
        // The server is told, and forgets nothing until it is told otherwise.
        let line = format!("check --record --timeout 2 --ca {}", ca.display());
        assert_eq!(shop.run(&line).await, expected, "{way}");
        let record = fs::read(place.root.join(CheckRecord::FILE)).unwrap();
        let record = CheckRecord::parse(&record).unwrap();
        let about = |what: &str| record.misses.get(what).copied();
        assert_eq!(about("beta"), Some(u32::from(!expected)), "{way}");
        assert_eq!(about("stable"), Some(0));
        assert_eq!(about(CheckRecord::AUDIT_LOG), Some(0));
    }
}

#[tokio::test]
async fn release_notes_have_to_answer_and_to_be_what_was_signed() {
    let shop = Shop::with_beta("2.0.0.32");
    let elsewhere = Elsewhere::start(b"<p>What is new</p>".to_vec()).await;
    let ca = shop.path("ca.pem");
    fs::write(&ca, &elsewhere.certificate).unwrap();
    let signature = super::key().sign(b"<p>What is new</p>");
    for (way, is_signed, expected) in [
        ("missing/notes.html", false, false),
        ("other/notes.html", true, false),
        ("good/notes.html", false, true),
        ("good/notes.html", true, true),
    ] {
        let manifest = shop.make_with("2.0.0.33", |value| {
            value["notes"] = json!(null);
            value["notes_url"] = json!(elsewhere.url(way));
            if is_signed {
                value["notes_signature"] = json!({ "ed25519": signature, "size": 18 });
            }
        });
        let more = format!("--channel beta --timeout 2 --ca {}", ca.display());
        assert_eq!(shop.run(&format!("gate {manifest} {more}")).await, expected, "{way}");
        // Pages may be changed later, too.
        let (place, name) = (shop.place(), "Nexy-2.0.0.33.zip");
        fs::copy(&manifest, place.manifest_path(Channel::Beta)).unwrap();
        fs::copy(shop.dist().join(name), place.downloads.join(name)).unwrap();
        assert_eq!(shop.run(&format!("check {more}")).await, expected, "{way}");
        fs::remove_file(place.manifest_path(Channel::Beta)).unwrap();
    }
}

#[tokio::test]
async fn every_page_that_a_release_names_has_to_answer() {
    let shop = Shop::with_beta("2.0.0.32");
    let elsewhere = Elsewhere::start(b"<p>What is new</p>".to_vec()).await;
    let ca = shop.path("ca.pem");
    fs::write(&ca, &elsewhere.certificate).unwrap();
    for key in ["link", "full_notes_url", "translations"] {
        for (way, expected) in [("good/page.html", true), ("missing/page.html", false)] {
            let manifest = shop.make_with("2.0.0.33", |value| {
                let url = elsewhere.url(way);
                if key == "translations" {
                    value["notes"] = json!(null);
                    value["notes_url"] = json!(elsewhere.url("good/notes.html"));
                    value[key] = json!([{ "lang": "de", "notes_url": url }]);
                } else {
                    value[key] = json!(url);
                }
            });
            let line = format!("gate {manifest} --channel beta --timeout 2 --ca {}", ca.display());
            assert_eq!(shop.run(&line).await, expected, "{key}: {way}");
        }
    }
}
