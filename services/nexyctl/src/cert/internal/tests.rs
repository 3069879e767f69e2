use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _};

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Every file by its path, with its text.
fn files(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for folder in fs::read_dir(dir).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            found.insert(
                path.strip_prefix(dir).unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            );
        }
    }
    found
}

#[test]
fn makes_three_files_for_each_service_and_keeps_no_key_of_the_ca() {
    let dir = tempfile::tempdir().unwrap();
    assert!(ensure_good(dir.path(), Timestamp::now()).unwrap());
    let files = files(dir.path());
    let names: Vec<String> = files.keys().map(|path| path.display().to_string()).collect();
    let mut expected = Vec::new();
    for service in ["gateway", "update", "worker"] {
        expected.extend(["ca", "certificate", "key"].map(|kind| format!("{service}/{kind}.pem")));
    }
    assert_eq!(names, expected);
    let keys = files.values().filter(|text| text.contains("PRIVATE KEY")).count();
    assert_eq!(keys, 3);
    for (path, _) in files.iter().filter(|(_, text)| text.contains("PRIVATE KEY")) {
        let mode = fs::metadata(dir.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn services_can_use_what_was_made() {
    nexy_runtime::install_tls_provider();
    let dir = tempfile::tempdir().unwrap();
    ensure_good(dir.path(), Timestamp::now()).unwrap();
    let of = |name| {
        let place = Place::new(dir.path(), name);
        let (certificate, key) = (place.certificate(), place.key());
        nexy_runtime::tls::Files { ca: Some(place.ca()), certificate, key }
    };
    use nexy_runtime::tls::{Acceptor, Connector};
    Connector::new(of(Name::Gateway), Name::Worker, DAY).unwrap();
    Acceptor::new(of(Name::Worker), Name::Worker, DAY).unwrap();
    Acceptor::new(of(Name::Update), Name::Update, DAY).unwrap();
    // Each can take only the part that it is meant for.
    Connector::new(of(Name::Worker), Name::Update, DAY).unwrap_err();
    Acceptor::new(of(Name::Gateway), Name::Gateway, DAY).unwrap_err();
    Acceptor::new(of(Name::Worker), Name::Update, DAY).unwrap_err();
}

#[test]
fn good_ones_are_kept_and_old_ones_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    ensure_good(dir.path(), now).unwrap();
    let first = files(dir.path());
    assert!(!ensure_good(dir.path(), now + 780 * DAY).unwrap());
    assert_eq!(files(dir.path()), first);
    assert!(ensure_good(dir.path(), now + 800 * DAY).unwrap());
    let second = files(dir.path());
    assert!(first.iter().all(|(path, text)| second[path] != *text));
}

#[test]
fn what_does_not_fit_together_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    ensure_good(dir.path(), now).unwrap();
    let copy = |from: &str, to: &str| fs::copy(dir.path().join(from), dir.path().join(to));
    let spoil: [&dyn Fn() -> std::io::Result<u64>; 4] = [
        &|| fs::remove_file(dir.path().join("worker/key.pem")).map(|()| 0),
        &|| fs::write(dir.path().join("update/ca.pem"), "").map(|()| 0),
        &|| copy("update/key.pem", "gateway/key.pem"),
        &|| copy("worker/certificate.pem", "update/certificate.pem"),
    ];
    for spoil in spoil {
        spoil().unwrap();
        assert!(ensure_good(dir.path(), now).unwrap());
        assert!(!ensure_good(dir.path(), now).unwrap());
    }
}
