use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha512};

use super::SecretKey;
use crate::signature::verify;

// RFC 8032 section 7.1, test 2.
const SEED: [u8; 32] = [
    0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
    0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
];
const PUBLIC: &str = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
const OF_0X72: &str =
    "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA==";

/// The form that Sparkle wrote before 2.6: the digest of the seed, clamped,
/// and the public key.
fn old_form(seed: &[u8; 32]) -> Vec<u8> {
    let mut bytes = Sha512::digest(seed).to_vec();
    bytes[0] &= 248;
    bytes[31] &= 63;
    bytes[31] |= 64;
    let public = SecretKey::from_seed(seed).public().unwrap().to_string();
    bytes.extend(STANDARD.decode(public).unwrap());
    bytes
}

#[test]
fn signs_as_rfc_8032_says() {
    let key = SecretKey::parse(&STANDARD.encode(SEED)).unwrap();
    assert_eq!(key.public().unwrap().to_string(), PUBLIC);
    assert_eq!(key.sign(&[0x72]).to_string(), OF_0X72);
}

#[test]
fn both_forms_of_a_key_sign_alike_in_memory_and_in_pieces() {
    let message = (0..100_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>();
    let new = SecretKey::from_seed(&SEED);
    let old = SecretKey::parse(&STANDARD.encode(old_form(&SEED))).unwrap();
    let expected = new.sign(&message);
    verify(&new.public().unwrap(), &message, &expected).unwrap();
    assert_eq!(old.public().unwrap(), new.public().unwrap());
    assert_eq!(old.sign(&message), expected);
    for key in [&new, &old] {
        let signature = key.sign_in_pieces(|sink| {
            message.chunks(777).for_each(|piece| sink.update(piece));
            Ok(())
        });
        assert_eq!(signature.unwrap(), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_signed() {
    let key = SecretKey::from_seed(&SEED);
    let error = key.sign_in_pieces(|_| Err(io::ErrorKind::UnexpectedEof.into())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn refuses_texts_that_are_no_key_and_never_shows_one() {
    let mut mixed = old_form(&SEED);
    let other = old_form(&[7; 32]);
    mixed.truncate(64);
    mixed.extend(other.get(64..).unwrap());
    for bytes in [vec![], vec![1; 31], vec![1; 64], vec![1; 95], vec![1; 97], mixed] {
        assert!(SecretKey::parse(&STANDARD.encode(&bytes)).is_err(), "{bytes:?} was taken");
    }
    assert!(SecretKey::parse("lol").is_err());
    let text = STANDARD.encode(SEED);
    let key = SecretKey::parse(&format!(" {text}\n")).unwrap();
    assert_eq!(key.to_text().as_deref(), Some(text.as_str()));
    let old = SecretKey::parse(&STANDARD.encode(old_form(&SEED))).unwrap();
    assert_eq!(old.to_text(), None);
    assert!(!format!("{key:?}{old:?}").contains(&text));
}
