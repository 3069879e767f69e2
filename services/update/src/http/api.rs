use std::{collections::BTreeMap, time::SystemTime};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use nexy_releases::{Channel, FileName, Manifest, Problem};
use serde::Serialize;

use super::Site;
use crate::library::{Catalog, Served};

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    timestamp: Timestamp,
    version: &'a str,
    /// Of the stable channel.
    latest_version: Option<&'a str>,
    latest_build: Option<&'a str>,
    artifacts_available: usize,
    beta_updates_enabled: bool,
}

#[derive(Serialize)]
struct VersionRow<'a> {
    channel: Channel,
    feed: &'static str,
    version: Option<&'a str>,
    build: Option<&'a str>,
    critical: Option<bool>,
    release_date: Option<Timestamp>,
}

#[derive(Serialize)]
struct ManifestRow<'a> {
    channel: Channel,
    file: &'static str,
    /// The one that is served.
    manifest: Option<&'a Manifest>,
    /// Why the one on disk is not, if so.
    refused: &'a [Problem],
}

/// A file that can be downloaded: one that lies here, or the artifact of a
/// release that lies elsewhere.
#[derive(Serialize)]
struct ArtifactRow<'a> {
    file: &'a FileName,
    size: u64,
    modified: Option<Timestamp>,
    /// Known for the artifacts of releases that are served.
    sha256: Option<String>,
    ed25519: Option<String>,
    /// Where it lies, when it does not lie here.
    url: Option<&'a str>,
    /// The channels that offer it.
    channels: Vec<Channel>,
}

pub(super) async fn health(State(site): State<Site>) -> Response {
    if site.draining.is_cancelled() {
        return leaving();
    }
    let catalog = site.library.catalog();
    let latest = catalog.served(Channel::Stable).map(|served| &served.manifest);
    let status = match (&catalog.fault, site.settings.enabled) {
        (_, false) => "disabled",
        (Some(_), true) => "degraded",
        (None, true) => "healthy",
    };
    let health = Health {
        status,
        reason: catalog.fault.as_deref(),
        timestamp: Timestamp::now(),
        version: &site.settings.version,
        latest_version: latest.map(|manifest| manifest.version.as_str()),
        latest_build: latest.map(|manifest| manifest.build.as_str()),
        artifacts_available: artifacts_of(&catalog).len(),
        beta_updates_enabled: site.settings.serves(Channel::Beta),
    };
    ([(header::CACHE_CONTROL, "public, max-age=30")], Json(health)).into_response()
}

pub(super) async fn versions(State(site): State<Site>) -> Response {
    let catalog = site.library.catalog();
    let rows = catalog.offers.iter().map(|offer| {
        let manifest = offer.served.as_deref().map(|served| &served.manifest);
        VersionRow {
            channel: offer.channel,
            feed: offer.channel.feed_file(),
            version: manifest.map(|manifest| manifest.version.as_str()),
            build: manifest.map(|manifest| manifest.build.as_str()),
            critical: manifest.map(|manifest| manifest.critical),
            release_date: manifest.map(|manifest| manifest.release_date),
        }
    });
    listing("versions", rows.collect::<Vec<_>>())
}

pub(super) async fn manifests(State(site): State<Site>) -> Response {
    let catalog = site.library.catalog();
    let rows = catalog.offers.iter().map(|offer| ManifestRow {
        channel: offer.channel,
        file: offer.channel.manifest_file(),
        manifest: offer.served.as_deref().map(|served| &served.manifest),
        refused: &offer.refused,
    });
    listing("manifests", rows.collect::<Vec<_>>())
}

pub(super) async fn artifacts(State(site): State<Site>) -> Response {
    listing("artifacts", artifacts_of(&site.library.catalog()))
}

fn artifacts_of(catalog: &Catalog) -> Vec<ArtifactRow<'_>> {
    let here = catalog.files.iter().map(|(name, file)| {
        let release = catalog.release_of(file).map(|served| &served.manifest);
        ArtifactRow {
            file: name,
            size: file.fingerprint.length,
            modified: timestamp(file.modified),
            sha256: release.map(|manifest| manifest.artifact.sha256.to_string()),
            ed25519: release.and_then(signature),
            url: None,
            channels: channels(catalog, |served| served.stored.as_ref() == Some(file)),
        }
    });
    let mut elsewhere = BTreeMap::new();
    for served in catalog.offers.iter().filter_map(|offer| offer.served.as_deref()) {
        if served.stored.is_none() {
            let url = served.manifest.artifact.url.as_str();
            elsewhere.entry(url).or_insert_with(|| carried(catalog, &served.manifest));
        }
    }
    here.chain(elsewhere.into_values()).collect()
}

fn carried<'a>(catalog: &Catalog, manifest: &'a Manifest) -> ArtifactRow<'a> {
    let artifact = &manifest.artifact;
    ArtifactRow {
        file: &artifact.file_name,
        size: artifact.size,
        modified: None,
        sha256: Some(artifact.sha256.to_string()),
        ed25519: signature(manifest),
        url: Some(artifact.url.as_str()),
        channels: channels(catalog, |served| {
            served.stored.is_none() && served.manifest.artifact.url == artifact.url
        }),
    }
}

fn channels(catalog: &Catalog, offers_it: impl Fn(&Served) -> bool) -> Vec<Channel> {
    let offers = catalog.offers.iter();
    offers
        .filter(|offer| offer.served.as_deref().is_some_and(&offers_it))
        .map(|offer| offer.channel)
        .collect()
}

fn signature(manifest: &Manifest) -> Option<String> {
    manifest.artifact.ed25519.as_ref().map(ToString::to_string)
}

fn timestamp(moment: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(moment).ok()
}

fn listing<T: Serialize>(name: &'static str, rows: Vec<T>) -> Response {
    let body = Json(BTreeMap::from([(name, rows)]));
    ([(header::CACHE_CONTROL, "no-cache")], body).into_response()
}

fn leaving() -> Response {
    let body = Json(BTreeMap::from([("status", "unhealthy"), ("reason", "draining")]));
    let head = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, head, body).into_response()
}
