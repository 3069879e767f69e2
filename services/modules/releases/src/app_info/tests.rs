use serde_json::json;

use super::AppInfo;
use crate::{Manifest, PublicKey};

const KEY: &str = "rhHib+w769W2/6/t+oM1ZxgjBB93BfBKMLO0Qo1etQs=";
const OTHER_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// As Xcode writes it.
fn plist() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>CFBundleDocumentTypes</key>
	<array><dict><key>CFBundleVersion</key><string>of something else</string></dict></array>
	<key>CFBundleShortVersionString</key>
	<string>2.0.0</string>
	<key>CFBundleVersion</key>
	<string>2.0.0.32</string>
	<key>LSMinimumSystemVersion</key>
	<string>11.0</string>
	<key>SUPublicEDKey</key>
	<string>{KEY}</string>
	<key>SURequireSignedFeed</key>
	<true/>
</dict>
</plist>
"#
    )
}

fn manifest() -> Manifest {
    let manifest = json!({
        "version": "2.0.0",
        "build": "2.0.0.32",
        "artifact": {
            "type": "dmg",
            "url": "https://example.com/Nexy-2.0.0.32.dmg",
            "size": 5,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "arch": "universal2",
            "min_os": "11.0",
        },
        "release_date": "2026-02-26T19:57:35+00:00",
    });
    Manifest::parse(manifest.to_string().as_bytes()).unwrap()
}

#[test]
fn an_app_that_is_what_the_manifest_says() {
    let app = AppInfo::parse(plist().as_bytes()).unwrap();
    assert_eq!((app.version.as_str(), app.build.as_str()), ("2.0.0", "2.0.0.32"));
    assert_eq!(app.min_os.as_deref(), Some("11.0"));
    assert!(app.requires_signed_feed);
    let key = PublicKey::parse(KEY).unwrap();
    assert_eq!(app.contradictions(&manifest(), Some(&key)), []);
    let without = plist().replace("<true/>", "<false/>");
    assert!(!AppInfo::parse(without.as_bytes()).unwrap().requires_signed_feed);
}

#[test]
fn an_app_that_clients_could_not_update_to_or_from() {
    let key = PublicKey::parse(KEY).unwrap();
    for (from, to, expected) in [
        ("<string>2.0.0.32<", "<string>2.0.0.31<", "CFBundleVersion"),
        ("<string>2.0.0<", "<string>2.0<", "CFBundleShortVersionString"),
        ("<string>11.0<", "<string>12.3<", "LSMinimumSystemVersion"),
        (KEY, OTHER_KEY, "SUPublicEDKey"),
        (KEY, "no key", "SUPublicEDKey"),
        ("SUPublicEDKey", "SUPublicDSAKey", "SUPublicEDKey"),
    ] {
        let app = AppInfo::parse(plist().replacen(from, to, 1).as_bytes()).unwrap();
        let found = app.contradictions(&manifest(), Some(&key));
        let keys: Vec<_> = found.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, [expected], "{to}: {found:?}");
    }
}

#[test]
fn what_is_no_property_list_of_an_app_is_refused() {
    let number = plist().replace("<string>2.0.0.32</string>", "<integer>32</integer>");
    let unnamed = plist().replace("<key>CFBundleVersion</key>\n", "<key>Other</key>\n");
    for (text, key) in [
        ("bplist00", "Info.plist"),
        ("", "Info.plist"),
        ("<plist><array/></plist>", "Info.plist"),
        ("<dict><dict/></dict>", "Info.plist"),
        (number.as_str(), "CFBundleVersion"),
        (unnamed.as_str(), "CFBundleVersion"),
    ] {
        let problem = AppInfo::parse(text.as_bytes()).unwrap_err();
        assert_eq!(problem.key, key, "{problem}");
    }
    assert!(AppInfo::parse(b"\xff\xfe").is_err());
}
