use std::{collections::BTreeMap, time::SystemTime};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use nexy_releases::{Channel, Claim, Manifest, Percent, Problem, Version};
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
    /// Who is offered it; a client of the others is offered the one before.
    rollout_percent: Option<Percent>,
    halted: Option<&'a str>,
}

#[derive(Serialize)]
struct ManifestRow<'a> {
    channel: Channel,
    file: &'static str,
    /// The one that is served.
    manifest: Option<&'a Manifest>,
    rollout_percent: Option<Percent>,
    halted: Option<&'a str>,
    /// What the others are offered.
    previous: Option<&'a Manifest>,
    withdrawn_build: Option<&'a Version>,
    feeds_are_signed: bool,
    /// Why the one on disk is not, if so.
    refused: &'a [Problem],
}

/// A file that can be downloaded: one that lies here, or the artifact of a
/// release that lies elsewhere.
#[derive(Serialize)]
struct ArtifactRow {
    file: String,
    size: u64,
    modified: Option<Timestamp>,
    /// Known for the artifacts of releases that are served.
    sha256: Option<String>,
    ed25519: Option<String>,
    /// Where it lies, when it does not lie here.
    url: Option<String>,
    /// The channels that offer it.
    channels: Vec<Channel>,
}

pub(super) async fn health(State(site): State<Site>) -> Response {
    if site.draining.is_cancelled() {
        return leaving();
    }
    let catalog = site.library.catalog();
    let latest = catalog.current(Channel::Stable);
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
        let plan = offer.served.as_deref().map(|served| &served.plan);
        let manifest = plan.map(|plan| &plan.release);
        VersionRow {
            channel: offer.channel,
            feed: offer.channel.feed_file(),
            version: manifest.map(|manifest| manifest.version.as_str()),
            build: manifest.map(|manifest| manifest.build.as_str()),
            critical: manifest.map(|manifest| manifest.critical),
            release_date: manifest.map(|manifest| manifest.release_date),
            rollout_percent: plan.map(|plan| plan.rollout_percent),
            halted: plan.and_then(|plan| plan.halted.as_deref()),
        }
    });
    listing("versions", rows.collect::<Vec<_>>())
}

pub(super) async fn manifests(State(site): State<Site>) -> Response {
    let catalog = site.library.catalog();
    let rows = catalog.offers.iter().map(|offer| {
        let plan = offer.served.as_deref().map(|served| &served.plan);
        ManifestRow {
            channel: offer.channel,
            file: offer.channel.manifest_file(),
            manifest: plan.map(|plan| &plan.release),
            rollout_percent: plan.map(|plan| plan.rollout_percent),
            halted: plan.and_then(|plan| plan.halted.as_deref()),
            previous: plan.and_then(|plan| plan.previous.as_deref()),
            withdrawn_build: plan.and_then(|plan| plan.withdrawn_build.as_ref()),
            feeds_are_signed: plan.is_some_and(|plan| plan.signed_feeds.is_some()),
            refused: &offer.refused,
        }
    });
    listing("manifests", rows.collect::<Vec<_>>())
}

pub(super) async fn artifacts(State(site): State<Site>) -> Response {
    listing("artifacts", artifacts_of(&site.library.catalog()))
}

fn artifacts_of(catalog: &Catalog) -> Vec<ArtifactRow> {
    let here = catalog.files.iter().map(|(name, file)| {
        let claim = catalog.claim_of(file);
        ArtifactRow {
            file: name.as_str().to_owned(),
            size: file.fingerprint.length,
            modified: timestamp(file.modified),
            sha256: claim.map(|claim| claim.sha256.to_string()),
            ed25519: claim.and_then(signature),
            url: None,
            channels: channels(catalog, |served| {
                served.stored.iter().any(|(_, stored)| stored == file)
            }),
        }
    });
    let mut elsewhere = BTreeMap::new();
    for served in catalog.offers.iter().filter_map(|offer| offer.served.as_deref()) {
        let claims = served.plan.claims().into_iter();
        for claim in claims.filter(|claim| served.stored(&claim.file_name).is_none()) {
            let url = claim.url.as_str().to_owned();
            elsewhere.entry(url).or_insert_with(|| carried(catalog, &claim));
        }
    }
    here.chain(elsewhere.into_values()).collect()
}

fn carried(catalog: &Catalog, claim: &Claim) -> ArtifactRow {
    let offers_it = |served: &Served| {
        served.stored(&claim.file_name).is_none()
            && served.plan.claims().iter().any(|other| other.url == claim.url)
    };
    ArtifactRow {
        file: claim.file_name.as_str().to_owned(),
        size: claim.size,
        modified: None,
        sha256: Some(claim.sha256.to_string()),
        ed25519: signature(claim),
        url: Some(claim.url.as_str().to_owned()),
        channels: channels(catalog, offers_it),
    }
}

fn channels(catalog: &Catalog, offers_it: impl Fn(&Served) -> bool) -> Vec<Channel> {
    let offers = catalog.offers.iter();
    offers
        .filter(|offer| offer.served.as_deref().is_some_and(&offers_it))
        .map(|offer| offer.channel)
        .collect()
}

fn signature(claim: &Claim) -> Option<String> {
    claim.ed25519.as_ref().map(ToString::to_string)
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
