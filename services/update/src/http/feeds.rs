use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use nexy_releases::Channel;

use super::{DISABLED, Site, conditions::Validators, not_found, unavailable};

pub(super) async fn stable(State(site): State<Site>, headers: HeaderMap) -> Response {
    feed(&site, Channel::Stable, &headers)
}

pub(super) async fn beta(State(site): State<Site>, headers: HeaderMap) -> Response {
    feed(&site, Channel::Beta, &headers)
}

pub(super) async fn alpha(State(site): State<Site>, headers: HeaderMap) -> Response {
    feed(&site, Channel::Alpha, &headers)
}

fn feed(site: &Site, channel: Channel, headers: &HeaderMap) -> Response {
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
    let feed = &offer.feed;
    let validators = Validators { etag: &feed.etag, last_modified: feed.last_modified };
    let known = validators.are_known(headers);
    let head = [
        (header::CONTENT_TYPE, "application/xml; charset=utf-8".to_owned()),
        (header::CONTENT_LENGTH, feed.body.len().to_string()),
        (header::CACHE_CONTROL, "public, max-age=60".to_owned()),
        (header::ETAG, feed.etag.clone()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(feed.last_modified)),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, head, Body::empty()).into_response();
    }
    (head, feed.body.clone()).into_response()
}

const fn disabled(channel: Channel) -> &'static str {
    match channel {
        Channel::Stable => "Stable channel is disabled",
        Channel::Beta => "Beta channel is disabled",
        Channel::Alpha => "Alpha channel is disabled",
    }
}
