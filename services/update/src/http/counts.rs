//! What is counted about clients, and how little of them is looked at for it.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, Uri, header};
use nexy_releases::{Channel, Manifest, Percent, Variant, Version, version::compare};
use nexy_telemetry::metrics::{
    UPDATE_CHECKS, UPDATE_CLIENTS, UPDATE_COHORT_CHECKS, UPDATE_COHORTS, UPDATE_FEED_ANSWERS,
    UPDATE_OFFERS,
};
use sketch::Sketch;

use crate::library::Offer;

mod sketch;

/// What a request says about its client; borrowed from the request and kept no
/// longer than that.
#[derive(Default)]
pub(super) struct Asker<'a> {
    /// The `CFBundleVersion` of a system profile, else the version of the
    /// `User-Agent`.
    version: Option<&'a str>,
    /// The macOS version of a system profile.
    os: Option<&'a str>,
    /// The name that the app gave this installation.
    pub(super) install_id: Option<&'a str>,
}

/// A request for a feed that was answered.
pub(super) struct Check<'a> {
    pub(super) offer: &'a Offer,
    pub(super) variant: Variant,
    pub(super) asker: &'a Asker<'a>,
    pub(super) is_known: bool,
}

/// What has to be remembered to count installations: a sketch for each side of
/// each channel's roll-out.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    cohorts: Mutex<Vec<Cohorts>>,
}

#[derive(Debug)]
struct Cohorts {
    channel: Channel,
    /// The release and its share: with others, the counting begins anew.
    of: (Version, Percent, bool),
    offered: Sketch,
    withheld: Sketch,
}

/// Words for versions that are no label of their own.
const OLDER: &str = "older";
const NEWER: &str = "newer";
const UNKNOWN: &str = "unknown";

// === impl Asker ===

impl<'a> Asker<'a> {
    pub(super) fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        let mut asker = Self { version: version_of(headers), ..Self::default() };
        for (name, value) in uri.query().unwrap_or_default().split('&').filter_map(pair) {
            match name {
                "appVersion" => asker.version = Some(value),
                "osVersion" => asker.os = Some(value),
                "install_id" => asker.install_id = Some(value),
                _ => {}
            }
        }
        asker
    }

    fn major_os(&self) -> &'a str {
        self.os.and_then(|os| os.split('.').next()).unwrap_or(UNKNOWN)
    }

    /// The label of its version.
    fn version(&self, current: Option<&'a Manifest>) -> &'a str {
        let (Some(version), Some(current)) = (self.version, current) else { return UNKNOWN };
        match compare(version, current.build.as_str()) {
            std::cmp::Ordering::Less => OLDER,
            std::cmp::Ordering::Equal => current.build.as_str(),
            std::cmp::Ordering::Greater => NEWER,
        }
    }
}

// `AppName/version Sparkle/version`; the name may hold slashes and spaces.
fn version_of(headers: &HeaderMap) -> Option<&str> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let (app, _) = agent.rsplit_once(" Sparkle/")?;
    app.rsplit_once('/').map(|(_, version)| version)
}

fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once('=')
}

// === impl Counts ===

impl Counts {
    pub(super) fn check(&self, check: &Check<'_>) {
        let Check { offer, variant, asker, is_known } = check;
        let channel = offer.channel.as_str();
        let plan = offer.served.as_ref().map(|served| &served.plan);
        let offered = plan.and_then(|plan| plan.offered(*variant));
        UPDATE_CHECKS.increment([channel, asker.major_os()]);
        let answer = if *is_known { "not_modified" } else { "full" };
        UPDATE_FEED_ANSWERS.increment([channel, answer]);
        let label = match asker.version(offered) {
            OLDER => plan
                .and_then(|plan| plan.previous.as_ref())
                .map(|previous| previous.build.as_str())
                .filter(|previous| asker.version.is_some_and(|own| compare(own, previous).is_eq()))
                .unwrap_or(OLDER),
            label => label,
        };
        UPDATE_CLIENTS.increment(label);
        let offer_label = match (asker.version, offered) {
            (Some(own), Some(offered)) if compare(own, offered.build.as_str()).is_lt() => "newer",
            (Some(_), _) | (None, None) => "none",
            (None, Some(_)) => "unknown_version",
        };
        UPDATE_OFFERS.increment([channel, offer_label]);
        let Some(plan) =
            plan.filter(|plan| plan.halted.is_some() || !plan.rollout_percent.is_all())
        else {
            return;
        };
        let cohort = match variant {
            Variant::With => "offered",
            Variant::Without => "withheld",
        };
        let Some(id) = asker.install_id else {
            UPDATE_COHORT_CHECKS.increment([channel, "without_id"]);
            return;
        };
        UPDATE_COHORT_CHECKS.increment([channel, cohort]);
        let of = (plan.release.build.clone(), plan.rollout_percent, plan.halted.is_some());
        let size = self.see(offer.channel, of, *variant, id);
        UPDATE_COHORTS.set([channel, cohort], size);
    }

    /// Notes an installation; about how many there are on its side.
    fn see(
        &self,
        channel: Channel,
        of: (Version, Percent, bool),
        variant: Variant,
        id: &str,
    ) -> i64 {
        let mut all = self.cohorts.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|known| known.channel == channel && known.of == of);
        let place = place.unwrap_or_else(|| {
            all.retain(|known| known.channel != channel);
            for cohort in ["offered", "withheld"] {
                UPDATE_COHORTS.set([channel.as_str(), cohort], 0);
            }
            let (offered, withheld) = (Sketch::default(), Sketch::default());
            all.push(Cohorts { channel, of, offered, withheld });
            all.len() - 1
        });
        let Some(cohorts) = all.get_mut(place) else { return 0 };
        match variant {
            Variant::With => cohorts.offered.see(id),
            Variant::Without => cohorts.withheld.see(id),
        }
    }
}

/// The words that are labels from the start.
pub(crate) fn know_words() {
    [OLDER, NEWER, UNKNOWN].into_iter().for_each(|word| UPDATE_CLIENTS.know(word));
}

#[cfg(test)]
mod tests;
