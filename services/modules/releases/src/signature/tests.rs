use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};

use super::{PublicKey, Signature, verify};

// Sparkle's own unit-test vector (Tests/SUSignatureVerifierTest.m).
const SPARKLE_KEY: &str = "rhHib+w769W2/6/t+oM1ZxgjBB93BfBKMLO0Qo1etQs=";
const SPARKLE_MESSAGE: &[u8] = b"Hello World!\n";
const SPARKLE_GOOD: &str =
    "EIawm2YkDZ2gBfkEMF2+1VuuTeXnCGZOdnMdVgPPvDZioq7bvDayXqKkIIzSjKMmeFdcFJOHdnba5ZV60+gPBw==";
const SPARKLE_WRONG: &str =
    "wTcpXCgWoa4NrJpsfzS61FXJIbv963//12U2ef9xstzVOLPHYK2N4/ojgpDV5N1/NGG1uWMBgK+kEWp0Z5zMDQ==";

fn verify_in_pieces(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let Ok(mut stream) = key.stream(signature) else { return false };
    message.chunks(5).for_each(|piece| stream.update(piece));
    stream.finish().is_ok()
}

fn check(key: &str, message: &[u8], signature: &str, expected: bool) {
    let key = PublicKey::parse(key).unwrap();
    let signature = Signature::parse(signature).unwrap();
    assert_eq!(verify(&key, message, &signature).is_ok(), expected, "{signature}");
    assert_eq!(verify_in_pieces(&key, message, &signature), expected, "{signature} in pieces");
}

#[test]
fn agrees_with_sparkle_about_its_own_vector() {
    check(SPARKLE_KEY, SPARKLE_MESSAGE, SPARKLE_GOOD, true);
    check(SPARKLE_KEY, SPARKLE_MESSAGE, SPARKLE_WRONG, false);
    check(SPARKLE_KEY, b"Hello World!", SPARKLE_GOOD, false);
    check(SPARKLE_KEY, b"", SPARKLE_GOOD, false);
}

#[test]
fn verifies_what_was_signed_and_nothing_else() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let key = STANDARD.encode(signer.verifying_key().as_bytes());
    let message = vec![42; 100_000];
    let signature = STANDARD.encode(signer.sign(&message).to_bytes());
    check(&key, &message, &signature, true);
    check(&key, message.get(1..).unwrap(), &signature, false);
    check(SPARKLE_KEY, &message, &signature, false);
}

#[test]
fn refuses_a_signature_of_small_order_in_memory_and_in_pieces() {
    // The commitment is the neutral element and the scalar zero.
    let mut bytes = [0; 64];
    bytes[0] = 1;
    check(SPARKLE_KEY, SPARKLE_MESSAGE, &STANDARD.encode(bytes), false);
}

#[test]
fn refuses_texts_that_are_no_key_and_no_signature() {
    let weak = STANDARD.encode([vec![1], vec![0; 31]].concat());
    for text in ["", "lol", SPARKLE_GOOD, "rhHib+w769W2/6/t+oM1ZxgjBB93BfBKMLO0Qo1etQ", &weak] {
        assert!(PublicKey::parse(text).is_err(), "{text:?} was taken");
    }
    assert!(PublicKey::parse(&format!(" {SPARKLE_KEY}\n")).is_ok());
    for text in ["", "lol", SPARKLE_KEY, &format!(" {SPARKLE_GOOD}")] {
        assert!(Signature::parse(text).is_err(), "{text:?} was taken");
    }
    assert_eq!(Signature::parse(SPARKLE_GOOD).unwrap().to_string(), SPARKLE_GOOD);
    assert_eq!(PublicKey::parse(SPARKLE_KEY).unwrap().to_string(), SPARKLE_KEY);
}
