use std::fs;

use super::{
    pki::{Pki, Valid, replace},
    *,
};

const AT_ONCE: Duration = Duration::ZERO;

fn refusal<T: std::fmt::Debug>(made: anyhow::Result<T>) -> String {
    format!("{:#}", made.unwrap_err())
}

#[test]
fn a_certificate_that_others_would_refuse_is_refused_at_the_start() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let worker = pki.issue(Name::Worker);
    let expired = pki.issue_for(Name::Update.as_str(), Valid::NoLonger);
    let foreign = Files { ca: stranger.issue(Name::Worker).ca, ..worker.clone() };
    let rows = [
        (refusal(Acceptor::new(worker.clone(), Name::Update, AT_ONCE)), "not valid for name"),
        (refusal(Acceptor::new(expired, Name::Update, AT_ONCE)), "expired"),
        (refusal(Acceptor::new(foreign, Name::Worker, AT_ONCE)), "BadSignature"),
        (refusal(Connector::new(worker, Name::Worker, AT_ONCE)), "not valid for name"),
    ];
    for (reason, expected) in rows {
        assert!(reason.contains(expected) && reason.contains("certificate.pem"), "{reason}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let pki = Pki::new();
    let good = pki.issue(Name::Worker);
    let other = pki.issue(Name::Gateway);
    let empty = pki.folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let nowhere = pki.folder.path().join("nowhere.pem");
    let rows = [
        (Files { key: nowhere, ..good.clone() }, "nowhere.pem"),
        (Files { certificate: empty.clone(), ..good.clone() }, "empty.pem"),
        (Files { ca: Some(empty), ..good.clone() }, "empty.pem"),
        (Files { key: other.key, ..good.clone() }, "nexy-gateway-key.pem"),
    ];
    for (files, expected) in rows {
        let reason = refusal(Acceptor::new(files, Name::Worker, AT_ONCE));
        assert!(reason.contains(expected), "{reason}");
    }
    Acceptor::new(good, Name::Worker, AT_ONCE).unwrap();
}

#[tokio::test]
async fn a_changed_certificate_is_used_and_a_bad_one_is_not() {
    let pki = Pki::new();
    let files = pki.issue(Name::Worker);
    let Acceptor(configs) = Acceptor::new(files.clone(), Name::Worker, AT_ONCE).unwrap();
    let first = configs.current().await;
    assert!(Arc::ptr_eq(&first, &configs.current().await), "nothing has changed");

    replace(&files, &pki.issue(Name::Update));
    assert!(Arc::ptr_eq(&first, &configs.current().await), "it is another service's");
    fs::write(&files.key, "half of a").unwrap();
    assert!(Arc::ptr_eq(&first, &configs.current().await), "it is no key");
    fs::remove_file(&files.key).unwrap();
    assert!(Arc::ptr_eq(&first, &configs.current().await), "it is not there");

    // Into the same files.
    pki.issue(Name::Worker);
    assert!(!Arc::ptr_eq(&first, &configs.current().await), "it is good again");
}

/// Of the year, at its first moment.
const YEAR_2090: u64 = 3_786_912_000;
const YEAR_2100: u64 = 4_102_444_800;

#[test]
fn it_is_known_when_the_first_certificate_of_a_chain_expires() {
    let pki = Pki::new();
    let internal = pki.issue(Name::Worker);
    let expiry = |files: &Files| {
        let loaded = configs::server(files, Name::Worker).unwrap();
        loaded.not_after.map(|at| at.as_secs())
    };
    assert_eq!(expiry(&internal), Some(YEAR_2100));
    let gateway = pki.issue(Name::Gateway);
    let of_client = configs::client(&gateway).unwrap().not_after;
    assert_eq!(of_client.map(|at| at.as_secs()), Some(YEAR_2100));

    // The public port shows what stands between its certificate and the CA, too.
    let public = Files { ca: None, ..internal };
    let ca = fs::read_to_string(pki.issue(Name::Worker).ca.unwrap()).unwrap();
    let chain = fs::read_to_string(&public.certificate).unwrap() + &ca;
    fs::write(&public.certificate, chain).unwrap();
    assert_eq!(expiry(&public), Some(YEAR_2090));
    let expired = pki.issue_for("old.example", Valid::NoLonger);
    assert_eq!(expiry(&Files { ca: None, ..expired }), Some(978_307_200));
}

#[tokio::test]
async fn files_are_left_alone_until_it_is_time() {
    let pki = Pki::new();
    let files = pki.issue(Name::Worker);
    let hour = Duration::from_secs(3600);
    let Acceptor(configs) = Acceptor::new(files.clone(), Name::Worker, hour).unwrap();
    let first = configs.current().await;
    replace(&files, &Pki::new().issue(Name::Worker));
    assert!(Arc::ptr_eq(&first, &configs.current().await));
}
