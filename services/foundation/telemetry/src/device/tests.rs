use nexy_types::HardwareId;

use super::{device_hash, hash};

fn device(id: &str) -> HardwareId {
    HardwareId::parse(id).unwrap()
}

#[test]
fn the_same_device_has_the_same_hash_and_another_has_another() {
    assert_eq!(device_hash(&device("mac-1")), device_hash(&device("mac-1")));
    assert_ne!(device_hash(&device("mac-1")), device_hash(&device("mac-2")));
}

#[test]
fn another_key_gives_another_hash() {
    assert_ne!(hash(&[1; 32], &device("mac-1")), hash(&[2; 32], &device("mac-1")));
}

#[test]
fn it_is_written_as_h_and_sixteen_hex_digits() {
    let text = serde_json::to_string(&hash(&[0; 32], &device("mac-1"))).unwrap();
    let digits = text.strip_prefix("\"h:").and_then(|rest| rest.strip_suffix('"')).unwrap();
    assert_eq!(digits.len(), 16);
    assert!(digits.bytes().all(|b| b.is_ascii_hexdigit()));
}
