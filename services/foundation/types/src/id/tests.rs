use super::*;

#[test]
fn hardware_ids_are_checked_by_the_table() {
    let long = "x".repeat(129);
    let rows = [
        ("", Err(InvalidHardwareId::Missing)),
        ("   ", Err(InvalidHardwareId::Missing)),
        ("unknown", Err(InvalidHardwareId::Missing)),
        (" UnKnown ", Err(InvalidHardwareId::Missing)),
        ("a\nb", Err(InvalidHardwareId::ControlCharacters)),
        (long.as_str(), Err(InvalidHardwareId::TooLong)),
        ("MacBook-Air-7", Ok(())),
        ("устройство", Ok(())),
    ];
    for (text, expected) in rows {
        assert_eq!(HardwareId::parse(text).map(drop), expected, "{text:?}");
    }
}

#[test]
fn every_refusal_names_the_field() {
    for text in ["", "a\u{0}"] {
        let error = HardwareId::parse(text).unwrap_err();
        assert!(error.to_string().contains("hardware_id"));
    }
}

#[test]
fn session_ids_keep_the_clients_spelling() {
    let text = "3B241101-E2BB-4255-8CAF-4136C566A962";
    assert_eq!(SessionId::parse(text).unwrap().as_str(), text);
    assert_eq!(SessionId::parse("session-1"), Err(InvalidSessionId));
    assert_eq!(SessionId::parse(""), Err(InvalidSessionId));
}

#[test]
fn debug_does_not_show_the_device() {
    let id = HardwareId::parse("secret-device").unwrap();
    assert!(!format!("{id:?}").contains("secret"));
}
