use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::{
    Architecture, Artifact, ArtifactKind, ArtifactVerifier, FileName, HttpsUrl, MinimumOs,
    PublicKey, Sha256Digest, Signature,
};

const BYTES: &[u8] = b"the bytes of a disk image";

fn key() -> PublicKey {
    PublicKey::parse(&STANDARD.encode(signer().verifying_key().as_bytes())).unwrap()
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn artifact() -> Artifact {
    Artifact {
        kind: ArtifactKind::Dmg,
        url: HttpsUrl::parse("https://example.com/Nexy.dmg").unwrap(),
        file_name: FileName::parse("Nexy.dmg").unwrap(),
        size: BYTES.len() as u64,
        sha256: Sha256Digest::from_bytes(Sha256::digest(BYTES).into()),
        arch: Architecture::Universal2,
        min_os: MinimumOs::parse("11.0").unwrap(),
        ed25519: Some(Signature::parse(&STANDARD.encode(signer().sign(BYTES).to_bytes())).unwrap()),
    }
}

#[track_caller]
fn check(artifact: &Artifact, key: Option<&PublicKey>, bytes: &[u8], expected: &[&str]) {
    let mut verifier = ArtifactVerifier::new(artifact, key);
    bytes.chunks(4).for_each(|piece| verifier.update(piece));
    let problems = verifier.finish().err().unwrap_or_default();
    let keys = problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>();
    assert_eq!(keys, expected, "{problems:?}");
}

#[test]
fn takes_the_file_that_the_manifest_describes() {
    check(&artifact(), Some(&key()), BYTES, &[]);
    check(&artifact(), None, BYTES, &[]);
}

#[test]
fn names_everything_in_which_a_file_differs() {
    let all = ["artifact.size", "artifact.sha256", "artifact.ed25519"];
    check(&artifact(), Some(&key()), b"shorter", &all);
    check(&artifact(), None, b"shorter", &["artifact.size", "artifact.sha256"]);
    check(&artifact(), Some(&key()), b"THE bytes of a disk image", &all[1..]);
    check(&artifact(), Some(&key()), b"", &all);
}

#[test]
fn an_unsigned_release_fails_only_where_there_is_a_key() {
    let unsigned = Artifact { ed25519: None, ..artifact() };
    check(&unsigned, None, BYTES, &[]);
    check(&unsigned, Some(&key()), BYTES, &["artifact.ed25519"]);
}

#[test]
fn another_keys_signature_fails() {
    let other = SigningKey::from_bytes(&[8; 32]).sign(BYTES).to_bytes();
    let signature = Signature::parse(&STANDARD.encode(other)).unwrap();
    let artifact = Artifact { ed25519: Some(signature), ..artifact() };
    check(&artifact, Some(&key()), BYTES, &["artifact.ed25519"]);
}

#[test]
fn minimum_systems_are_macos_versions() {
    for text in ["11", "11.0", "10.15.7"] {
        assert!(MinimumOs::parse(text).is_ok(), "{text:?}");
    }
    for text in ["", "11.", "11.0.0.0", "macOS 11", "11.x", "-1", "1100.0"] {
        assert!(MinimumOs::parse(text).is_err(), "{text:?}");
    }
}
