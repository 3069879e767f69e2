use super::HttpsUrl;

#[test]
fn names_the_file_at_the_end_of_the_path() {
    for (url, file) in [
        ("https://example.com/updates/downloads/Nexy-2.0.dmg", "Nexy-2.0.dmg"),
        ("https://localhost:8443/Nexy.dmg?token=a/b", "Nexy.dmg"),
        ("https://[::1]:8443/a/b/Nexy%202.dmg", "Nexy 2.dmg"),
        ("https://[::1]/Nexy.dmg", "Nexy.dmg"),
    ] {
        assert_eq!(HttpsUrl::parse(url).unwrap().file_name().unwrap().as_str(), file);
    }
}

#[test]
fn refuses_urls_that_clients_would_refuse() {
    for url in [
        "",
        "http://example.com/a.dmg",
        "HTTPS://example.com/a.dmg",
        "ftp://example.com/a.dmg",
        "//example.com/a.dmg",
        "/a.dmg",
        "https://",
        "https:///a.dmg",
        "https://exa mple.com/a.dmg",
        "https://example.com/a b.dmg",
        "https://example.com/é.dmg",
        "https://user:secret@example.com/a.dmg",
        "https://example.com:0/a.dmg",
        "https://example.com:port/a.dmg",
        "https://example.com/a.dmg#part",
        "https://example.com/\"a.dmg",
        "https://example.com/a\n.dmg",
    ] {
        assert!(HttpsUrl::parse(url).is_err(), "{url:?} was taken");
    }
}

#[test]
fn finds_no_file_name_where_there_is_none() {
    for url in [
        "https://example.com",
        "https://example.com/",
        "https://example.com/a/",
        "https://example.com/..%2Fa",
    ] {
        assert!(HttpsUrl::parse(url).unwrap().file_name().is_err(), "{url:?} names a file");
    }
}
