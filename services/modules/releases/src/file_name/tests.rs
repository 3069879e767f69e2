use super::FileName;

#[test]
fn takes_plain_names_and_gives_them_back() {
    for (segment, name) in [
        ("Nexy-2.0.0.32.dmg", "Nexy-2.0.0.32.dmg"),
        ("Nexy%202.0.dmg", "Nexy 2.0.dmg"),
        ("N%C3%A9xy.zip", "Néxy.zip"),
        ("a+b&c.pkg", "a+b&c.pkg"),
    ] {
        let parsed = FileName::from_url_segment(segment).unwrap();
        assert_eq!(parsed.as_str(), name);
        assert_eq!(FileName::from_url_segment(&parsed.to_url_segment()).unwrap(), parsed);
    }
}

#[test]
fn refuses_every_name_that_could_leave_its_folder() {
    for segment in [
        "",
        ".",
        "..",
        ".hidden",
        "../up",
        "..%2Fup",
        "%2e%2e%2fup",
        "%2E%2E",
        "..%252Fup",
        "%252e%252e%252fup",
        "a%2Fb",
        "a/b",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..%5Cup",
        "a\\b",
        "C:%5Cboot.ini",
        "C:boot.ini",
        "name%00.dmg",
        "name%0A.dmg",
        "name%.dmg",
        "name%2",
        "name%zz",
        "%C0%AE%C0%AE%C0%AFup",
        "%FF",
        "%20name.dmg",
        &"n".repeat(256),
    ] {
        assert!(FileName::from_url_segment(segment).is_err(), "{segment:?} was taken");
    }
}
