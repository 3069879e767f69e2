use super::OsVersion;

#[test]
fn minimum_systems_are_macos_versions() {
    for text in ["11", "11.0", "10.15.7"] {
        assert!(OsVersion::parse(text).is_ok(), "{text:?}");
    }
    for text in ["", "11.", "11.0.0.0", "macOS 11", "11.x", "-1", "1100.0"] {
        assert!(OsVersion::parse(text).is_err(), "{text:?}");
    }
}
