use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use nexy_releases::{Channel, InstallId};

use super::{
    DISABLED, Site,
    conditions::Validators,
    counts::{Asker, Check},
    not_found, unavailable,
};
use crate::library::Feed;

pub(super) async fn stable(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    feed(&site, Channel::Stable, &uri, &headers)
}

pub(super) async fn beta(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    feed(&site, Channel::Beta, &uri, &headers)
}

pub(super) async fn alpha(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    feed(&site, Channel::Alpha, &uri, &headers)
}

/// A form of a feed: plain, or compressed.
struct Form<'a> {
    body: &'a Bytes,
    etag: String,
    is_gzip: bool,
}

fn feed(site: &Site, channel: Channel, uri: &Uri, headers: &HeaderMap) -> Response {
    if !site.settings.enabled {
        return unavailable(DISABLED);
    }
    if !site.settings.serves(channel) {
        return not_found(disabled(channel));
    }
    let catalog = site.library.catalog();
    let Some(offer) = catalog.offer(channel).filter(|_| catalog.settled) else {
        return unavailable("The releases are still being read");
    };
    let asker = Asker::of(uri, headers);
    let (variant, feed) = offer.feed(asker.install_id.and_then(InstallId::parse));
    let form = Form::of(feed, headers);
    let validators = Validators { etag: &form.etag, last_modified: feed.last_modified };
    let is_known = validators.are_known(headers);
    site.counts.check(&Check { offer, variant, asker: &asker, is_known });
    form.answer(feed, is_known)
}

// === impl Form ===

impl<'a> Form<'a> {
    fn of(feed: &'a Feed, headers: &HeaderMap) -> Self {
        match &feed.gzip {
            // Other bytes need another strong tag.
            Some(body) if takes_gzip(headers) => {
                let etag = format!("{}-gzip\"", feed.etag.trim_end_matches('"'));
                Self { body, etag, is_gzip: true }
            }
            _ => Self { body: &feed.body, etag: feed.etag.clone(), is_gzip: false },
        }
    }

    fn answer(self, feed: &Feed, is_known: bool) -> Response {
        let head = [
            (header::CONTENT_TYPE, "application/xml; charset=utf-8".to_owned()),
            (header::CONTENT_LENGTH, self.body.len().to_string()),
            (header::CACHE_CONTROL, "public, max-age=60".to_owned()),
            (header::ETAG, self.etag),
            (header::LAST_MODIFIED, httpdate::fmt_http_date(feed.last_modified)),
        ];
        let mut answer = match is_known {
            true => (StatusCode::NOT_MODIFIED, head, Body::empty()).into_response(),
            false => (head, self.body.clone()).into_response(),
        };
        if feed.gzip.is_some() {
            let name = header::HeaderValue::from_static("accept-encoding");
            answer.headers_mut().insert(header::VARY, name);
        }
        if self.is_gzip && !is_known {
            let gzip = header::HeaderValue::from_static("gzip");
            answer.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        answer
    }
}

/// Whether a client asks for gzip by name (RFC 9110 section 12.5.3); `*` alone
/// is not taken for it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches(['q', 'Q']).trim_start_matches('=').trim();
        let is_refused = !weight.is_empty() && weight.chars().all(|c| c == '0' || c == '.');
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

const fn disabled(channel: Channel) -> &'static str {
    match channel {
        Channel::Stable => "Stable channel is disabled",
        Channel::Beta => "Beta channel is disabled",
        Channel::Alpha => "Alpha channel is disabled",
    }
}
