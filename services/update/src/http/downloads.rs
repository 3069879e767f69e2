use std::{
    fs::File,
    io::ErrorKind,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse as _, Response},
};
use nexy_releases::FileName;
use nexy_telemetry::metrics::UPDATE_DOWNLOADS;
use sending::Sending;

use super::{
    DISABLED, Site,
    conditions::Validators,
    not_found,
    range::{self, Wanted},
    unavailable,
};
use crate::library::{
    files::{self, StoredFile},
    whole_seconds,
};

mod pieces;
mod sending;

pub(super) use pieces::PIECE;
pub(crate) use pieces::Pieces;

/// For files whose bytes never change under their name: a year is longer than
/// any release is interesting.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// An open file, and what its answer says of it.
struct Download {
    file: File,
    length: u64,
    etag: String,
    last_modified: SystemTime,
    cache_control: &'static str,
    name: FileName,
    pieces: Pieces,
}

/// The bytes of a file that are sent.
struct Part {
    first: u64,
    length: u64,
    /// How it is counted: whole, or a range.
    label: &'static str,
}

/// `GET /downloads/{file}`. Several ranges at once are answered with the whole
/// file, as RFC 9110 section 14.2 allows; no client of ours asks for them.
pub(super) async fn download(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !site.settings.enabled {
        return unavailable(DISABLED);
    }
    // The raw path, so that it is decoded exactly once.
    let segment = uri.path().strip_prefix("/downloads/").unwrap_or_default();
    let Ok(name) = FileName::from_url_segment(segment) else {
        UPDATE_DOWNLOADS.increment([part_label(&headers), "not_found"]);
        return no_such_file();
    };
    let folder = site.settings.downloads_dir.clone();
    let asked = name.clone();
    match tokio::task::spawn_blocking(move || files::open(&folder, &asked)).await {
        Ok(Ok((file, stored))) => {
            let download = Download::new(&site, name, file, &stored);
            download.answer(&method, &headers)
        }
        Ok(Err(error)) if is_absence(error.kind()) => {
            UPDATE_DOWNLOADS.increment([part_label(&headers), "not_found"]);
            no_such_file()
        }
        Ok(Err(_)) | Err(_) => unreadable(),
    }
}

// === impl Download ===

impl Download {
    fn new(site: &Site, name: FileName, file: File, stored: &StoredFile) -> Self {
        let length = stored.fingerprint.length;
        let catalog = site.library.catalog();
        let (etag, cache_control) = match catalog.claim_of(stored) {
            Some(claim) => (format!("\"{}\"", claim.sha256), IMMUTABLE),
            // Not hashed: the moment of the last change, to the nanosecond.
            None => {
                let (seconds, nanoseconds) = stored.fingerprint.modified;
                (format!("\"{length:x}-{seconds:x}-{nanoseconds:x}\""), "no-cache")
            }
        };
        let last_modified = whole_seconds(stored.modified);
        let pieces = site.pieces.clone();
        Self { file, length, etag, last_modified, cache_control, name, pieces }
    }

    fn answer(self, method: &Method, headers: &HeaderMap) -> Response {
        let validators = Validators { etag: &self.etag, last_modified: self.last_modified };
        if validators.are_known(headers) {
            let head = self.head(self.length);
            UPDATE_DOWNLOADS.increment([part_label(headers), "not_modified"]);
            return (StatusCode::NOT_MODIFIED, head, Body::empty()).into_response();
        }
        // RFC 9110 section 14.2: a Range has a meaning for GET only.
        let asked = headers
            .get(header::RANGE)
            .filter(|_| method == Method::GET && validators.allow_range(headers));
        let asked = asked.and_then(|value| value.to_str().ok());
        let whole = self.length;
        match range::parse(asked, whole) {
            Wanted::Whole => self.send(&Part { first: 0, length: whole, label: "whole" }, method),
            Wanted::Part { first, last } => {
                let range = format!("bytes {first}-{last}/{whole}");
                let part = Part { first, length: last - first + 1, label: "range" };
                let part = self.send(&part, method);
                let head = AppendHeaders([(header::CONTENT_RANGE, range)]);
                (StatusCode::PARTIAL_CONTENT, head, part).into_response()
            }
            Wanted::Unsatisfiable => {
                UPDATE_DOWNLOADS.increment(["range", "unsatisfiable"]);
                let head = [
                    (header::CONTENT_RANGE, format!("bytes */{whole}")),
                    (header::ETAG, self.etag),
                    (header::CACHE_CONTROL, "no-cache".to_owned()),
                ];
                (StatusCode::RANGE_NOT_SATISFIABLE, head, Body::empty()).into_response()
            }
        }
    }

    fn send(self, part: &Part, method: &Method) -> Response {
        let head = self.head(part.length);
        if method == Method::HEAD {
            return (head, Body::empty()).into_response();
        }
        let body = Sending::new(self.file, part, self.pieces);
        (head, Body::from_stream(body)).into_response()
    }

    fn head(&self, length: u64) -> [(HeaderName, String); 7] {
        [
            (header::CONTENT_TYPE, content_type(self.name.as_str()).to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
            (header::CONTENT_DISPOSITION, content_disposition(&self.name)),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::ETAG, self.etag.clone()),
            (header::LAST_MODIFIED, httpdate::fmt_http_date(self.not_in_the_future())),
            (header::CACHE_CONTROL, self.cache_control.to_owned()),
        ]
    }

    /// `httpdate` cannot write dates outside of its range.
    fn not_in_the_future(&self) -> SystemTime {
        self.last_modified.clamp(UNIX_EPOCH, SystemTime::now().max(UNIX_EPOCH))
    }
}

fn part_label(headers: &HeaderMap) -> &'static str {
    if headers.contains_key(header::RANGE) { "range" } else { "whole" }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("dmg") => "application/x-apple-diskimage",
        Some("zip") => "application/zip",
        Some("xz") => "application/x-xz",
        _ => "application/octet-stream",
    }
}

/// RFC 6266: a name for everybody, and the exact one where that differs.
fn content_disposition(name: &FileName) -> String {
    let plain = name.as_str().replace(|c: char| !c.is_ascii(), "_");
    if plain == name.as_str() {
        return format!("attachment; filename=\"{plain}\"");
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", name.to_url_segment())
}

fn is_absence(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::PermissionDenied
            | ErrorKind::InvalidInput
    )
}

fn no_such_file() -> Response {
    not_found("No such file")
}

fn unreadable() -> Response {
    unavailable("The file cannot be read")
}
