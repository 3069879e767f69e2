use std::{fs, os::unix::fs::symlink};

use axum::http::{Method, StatusCode};

use super::{FILE, Server};
use crate::fixture::TestRelease;

#[tokio::test]
async fn a_download_is_the_file() {
    let server = Server::begin().await;
    let release = TestRelease::new("2.0.0.32");
    let answer = server.get(FILE).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, release.bytes);
    assert_eq!(answer.header("content-length"), release.bytes.len().to_string());
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"Nexy-2.0.0.32.dmg\"");
    assert_eq!(answer.header("content-type"), "application/x-apple-diskimage");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("etag"), format!("\"{}\"", release.sha256()));
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    let head = server.ask(Method::HEAD, FILE, &[]).await;
    assert_eq!((head.status, head.headers, head.body), (answer.status, answer.headers, Vec::new()));
}

#[tokio::test]
async fn a_file_of_no_release_is_not_cached_for_long() {
    let server = Server::begin().await;
    fs::write(server.folders.download("Néxy tool.zip"), "tool").unwrap();
    let answer = server.get("/downloads/N%C3%A9xy%20tool.zip").await;
    assert_eq!(answer.text(), "tool");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"N_xy tool.zip\"; filename*=UTF-8''N%C3%A9xy%20tool.zip"
    );
    let etag = answer.header("etag").to_owned();
    fs::write(server.folders.download("Néxy tool.zip"), "TOOL").unwrap();
    assert_ne!(server.get("/downloads/N%C3%A9xy%20tool.zip").await.header("etag"), etag);
}

#[tokio::test]
async fn a_release_file_that_was_replaced_is_not_called_immutable() {
    let server = Server::begin().await;
    let before = server.get(FILE).await;
    fs::write(server.folders.download("Nexy-2.0.0.32.dmg"), "other").unwrap();
    let after = server.get(FILE).await;
    assert_eq!(after.header("cache-control"), "no-cache");
    assert_ne!(after.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn single_ranges_are_parts_of_the_file() {
    let server = Server::begin().await;
    let bytes = TestRelease::new("2.0.0.32").bytes;
    let length = bytes.len();
    for (range, first, last) in [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=100-199".to_owned(), 100, 199),
        (format!("bytes={}-", length - 3), length - 3, length - 1),
        ("bytes=-7".to_owned(), length - 7, length - 1),
        (format!("bytes=5-{}", length * 2), 5, length - 1),
    ] {
        let answer = server.ask(Method::GET, FILE, &[("range", &range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.body, bytes[first..=last], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {first}-{last}/{length}"));
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
        assert!(answer.headers.contains_key("etag"));
    }
}

#[tokio::test]
async fn a_range_beyond_the_end_is_refused_with_the_length() {
    let server = Server::begin().await;
    let length = TestRelease::new("2.0.0.32").bytes.len();
    for range in [format!("bytes={length}-"), "bytes=999999-9999999".to_owned(), "bytes=-0".into()]
    {
        let answer = server.ask(Method::GET, FILE, &[("range", &range)]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes */{length}"));
        assert_eq!(answer.body, b"");
    }
}

#[tokio::test]
async fn ranges_that_have_no_meaning_get_the_whole_file() {
    let server = Server::begin().await;
    let bytes = TestRelease::new("2.0.0.32").bytes;
    for range in ["bytes=0-1,5-6", "bytes=9-2", "bytes=x-", "lines=1-2", "bytes"] {
        let answer = server.ask(Method::GET, FILE, &[("range", range)]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &bytes), "{range}");
    }
    let head = server.ask(Method::HEAD, FILE, &[("range", "bytes=0-9")]).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("content-length"), bytes.len().to_string());
}

#[tokio::test]
async fn a_range_of_a_file_that_has_changed_gets_the_whole_new_one() {
    let server = Server::begin().await;
    let first = server.get(FILE).await;
    let check = async |if_range: &str, expected: StatusCode| {
        let head = [("range", "bytes=0-9"), ("if-range", if_range)];
        let answer = server.ask(Method::GET, FILE, &head).await;
        assert_eq!(answer.status, expected, "{if_range}");
    };
    check(first.header("etag"), StatusCode::PARTIAL_CONTENT).await;
    check(first.header("last-modified"), StatusCode::PARTIAL_CONTENT).await;
    check("\"other\"", StatusCode::OK).await;
    check(&format!("W/{}", first.header("etag")), StatusCode::OK).await;
    check("Thu, 01 Jan 2026 00:00:00 GMT", StatusCode::OK).await;
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let server = Server::begin().await;
    let first = server.get(FILE).await;
    for head in [
        [("if-none-match", first.header("etag")), ("range", "bytes=0-9")],
        [("if-modified-since", first.header("last-modified")), ("accept", "*/*")],
    ] {
        let answer = server.ask(Method::GET, FILE, &head).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
        assert_eq!(answer.body, b"");
    }
}

#[tokio::test]
async fn an_empty_file_can_be_downloaded() {
    let server = Server::begin().await;
    fs::write(server.folders.download("empty.zip"), "").unwrap();
    let answer = server.get("/downloads/empty.zip").await;
    assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, "0"));
    let head = [("range", "bytes=0-")];
    let answer = server.ask(Method::GET, "/downloads/empty.zip", &head).await;
    assert_eq!(answer.header("content-range"), "bytes */0");
}

#[tokio::test]
async fn a_large_file_arrives_whole() {
    let server = Server::begin().await;
    let bytes = (0..3_000_001_u32).map(|n| (n % 251) as u8).collect::<Vec<_>>();
    fs::write(server.folders.download("large.zip"), &bytes).unwrap();
    assert!(server.get("/downloads/large.zip").await.body == bytes);
    let head = [("range", "bytes=1000000-2500000")];
    let part = server.ask(Method::GET, "/downloads/large.zip", &head).await;
    assert!(part.body == bytes[1_000_000..=2_500_000]);
}

/// What somebody might ask for below `/downloads/` who wants another file.
const OUTSIDE: &[&str] = &[
    "",
    ".",
    "..",
    "/",
    "%2F",
    "%00",
    "%2e",
    "%2e%2e",
    "%2E%2E%2F",
    "../secret.txt",
    "..%2Fsecret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%252Fsecret.txt",
    "..%255Csecret.txt",
    "..%5Csecret.txt",
    "..%5csecret.txt",
    "..\\secret.txt",
    "....//secret.txt",
    "..;/secret.txt",
    "./../secret.txt",
    "folder/../../secret.txt",
    "folder%2F..%2F..%2Fsecret.txt",
    "folder",
    "folder/",
    "folder/secret.txt",
    "folder%2Fsecret.txt",
    "up/secret.txt",
    "up%2Fsecret.txt",
    "up",
    "out.dmg",
    "manifest.dmg",
    ".secret",
    "%2esecret",
    "Nexy-2.0.0.32.dmg%00",
    "Nexy-2.0.0.32.dmg%00.txt",
    "Nexy-2.0.0.32.dmg/",
    "Nexy-2.0.0.32.dmg%2F",
    "Nexy-2.0.0.32.dmg/..",
    "%C0%AE%C0%AE%C0%AFsecret.txt",
    "%uff0e%uff0e/secret.txt",
    "%",
    "%2",
    "%zz",
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "file:%2F%2F%2Fetc%2Fpasswd",
    "C:%5Csecret.txt",
    "*.dmg",
    "Nexy-2.0.0.32.dmg%20",
    "nexy-2.0.0.32.DMG",
    "secret.txt",
];

#[tokio::test]
async fn nothing_outside_of_the_folder_can_be_downloaded() {
    let server = Server::begin().await;
    let folders = &server.folders;
    fs::write(folders.root().join("secret.txt"), "secret").unwrap();
    fs::write(folders.download(".secret"), "secret").unwrap();
    fs::create_dir(folders.download("folder")).unwrap();
    fs::write(folders.download("folder/secret.txt"), "secret").unwrap();
    symlink("../secret.txt", folders.download("out.dmg")).unwrap();
    symlink("../manifests/manifest.json", folders.download("manifest.dmg")).unwrap();
    symlink("..", folders.download("up")).unwrap();
    let absolute = folders.root().join("secret.txt").display().to_string();
    let absolute = absolute.replace('/', "%2F");
    for file in OUTSIDE.iter().copied().chain([absolute.as_str()]) {
        let answer = server.get(&format!("/downloads/{file}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{file:?}");
        assert!(!answer.text().contains("secret"), "{file:?}");
    }
    for path in
        ["/downloads", "/secret.txt", "//downloads/Nexy-2.0.0.32.dmg", "/downloads/../health"]
    {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
