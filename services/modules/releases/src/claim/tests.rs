use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::{Claim, ClaimVerifier, FileName, HttpsUrl, Sha256Digest, Signature, Trusted};
use crate::PublicKey;

const BYTES: &[u8] = b"the bytes of a disk image";

fn key() -> Trusted {
    let key = STANDARD.encode(signer().verifying_key().as_bytes());
    PublicKey::parse(&key).unwrap().into()
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn claim() -> Claim {
    Claim {
        key: "artifact".to_owned(),
        url: HttpsUrl::parse("https://example.com/Nexy.dmg").unwrap(),
        file_name: FileName::parse("Nexy.dmg").unwrap(),
        size: BYTES.len() as u64,
        sha256: Sha256Digest::from_bytes(Sha256::digest(BYTES).into()),
        ed25519: Some(Signature::parse(&STANDARD.encode(signer().sign(BYTES).to_bytes())).unwrap()),
    }
}

#[track_caller]
fn check(claim: &Claim, key: Option<&Trusted>, bytes: &[u8], expected: &[&str]) {
    let mut verifier = ClaimVerifier::new(claim, key);
    bytes.chunks(4).for_each(|piece| verifier.update(piece));
    let problems = verifier.finish().err().unwrap_or_default();
    let keys = problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>();
    assert_eq!(keys, expected, "{problems:?}");
}

#[test]
fn takes_the_file_that_the_manifest_describes() {
    check(&claim(), Some(&key()), BYTES, &[]);
    check(&claim(), None, BYTES, &[]);
}

#[test]
fn names_everything_in_which_a_file_differs() {
    let all = ["artifact.size", "artifact.sha256", "artifact.ed25519"];
    check(&claim(), Some(&key()), b"shorter", &all);
    check(&claim(), None, b"shorter", &["artifact.size", "artifact.sha256"]);
    check(&claim(), Some(&key()), b"THE bytes of a disk image", &all[1..]);
    check(&claim(), Some(&key()), b"", &all);
}

#[test]
fn an_unsigned_release_fails_only_where_there_is_a_key() {
    let unsigned = Claim { ed25519: None, ..claim() };
    check(&unsigned, None, BYTES, &[]);
    check(&unsigned, Some(&key()), BYTES, &["artifact.ed25519"]);
}

#[test]
fn another_keys_signature_fails() {
    let other = SigningKey::from_bytes(&[8; 32]).sign(BYTES).to_bytes();
    let signature = Signature::parse(&STANDARD.encode(other)).unwrap();
    let claim = Claim { ed25519: Some(signature), ..claim() };
    check(&claim, Some(&key()), BYTES, &["artifact.ed25519"]);
}

#[test]
fn the_key_before_counts_while_keys_are_changed() {
    let other = SigningKey::from_bytes(&[8; 32]);
    let new = PublicKey::parse(&STANDARD.encode(other.verifying_key().as_bytes())).unwrap();
    let old = key().key;
    check(&claim(), Some(&Trusted { key: new, former: Some(old) }), BYTES, &[]);
    check(&claim(), Some(&Trusted { key: old, former: Some(new) }), BYTES, &[]);
    check(&claim(), Some(&Trusted { key: new, former: None }), BYTES, &["artifact.ed25519"]);
    let third = Trusted { key: new, former: Some(new) };
    check(&claim(), Some(&third), BYTES, &["artifact.ed25519"]);
    assert!(third.verify(BYTES, &claim().ed25519.unwrap()).is_err());
    let both = Trusted { key: new, former: Some(old) };
    both.verify(BYTES, &claim().ed25519.unwrap()).unwrap();
}
