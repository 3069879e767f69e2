use serde_json::{Map, Value};

use crate::{
    Channel, Claim, InstallId, Manifest, Percent, Problem, Trusted, Version,
    feed::{self, FeedInfo, Release},
    manifest::{
        fields::{Fields, Found},
        read_object,
    },
    may_replace,
};

/// What a channel's file says: a release, who is offered it, and what the
/// others are offered. One file, so that every change is one atomic step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// The release.
    #[serde(flatten)]
    pub release: Manifest,
    /// Who is offered it.
    #[serde(skip_serializing_if = "Percent::is_all")]
    pub rollout_percent: Percent,
    /// Why nobody is offered it any more, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// The release before: what everybody else is offered. Nobody is ever
    /// downgraded by it, because clients take newer versions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Manifest>>,
    /// The newest build that the channel ever offered, where that is newer than
    /// the release: it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_build: Option<Version>,
    /// Feeds that were signed where the key is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_feeds: Option<SignedFeeds>,
}

/// The bytes of the two feeds that a server may choose from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SignedFeeds {
    /// With the release.
    #[serde(rename = "with")]
    pub with_release: String,
    /// Without it: with the previous one, or empty.
    #[serde(rename = "without")]
    pub without_release: String,
}

/// Which of the two feeds somebody gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The one with the release.
    With,
    /// The one without it.
    Without,
}

// === impl Variant ===

impl Variant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::With, Self::Without];
}

// === impl Plan ===

impl Plan {
    /// A release for everybody, after which nothing stands.
    #[must_use]
    pub const fn new(release: Manifest) -> Self {
        Self {
            release,
            rollout_percent: Percent::ALL,
            halted: None,
            previous: None,
            withdrawn_build: None,
            signed_feeds: None,
        }
    }

    /// Reads and checks a channel's file. Keys that are not known are ignored
    /// here; [`Plan::unknown_keys`] names them.
    ///
    /// # Errors
    /// Every rule that the file breaks.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<Problem>> {
        let object = read_object(json).map_err(|problem| vec![problem])?;
        let (plan, found) = read(&object);
        plan.filter(|_| found.problems.is_empty()).ok_or(found.problems)
    }

    /// The keys of a channel's file that mean nothing: most likely misspelt.
    #[must_use]
    pub fn unknown_keys(json: &[u8]) -> Vec<Problem> {
        read_object(json).map(|object| read(&object).1.unknown).unwrap_or_default()
    }

    /// The text of the file, which reads back to the same plan.
    ///
    /// # Errors
    /// Never for a plan that was read.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The newest build that was ever offered.
    #[must_use]
    pub fn newest_build(&self) -> &Version {
        self.withdrawn_build.as_ref().unwrap_or(&self.release.build)
    }

    /// Which feed a client gets. Without an id of its own the share cannot be
    /// told: then the release is offered if Sparkle's own phasing staggers it,
    /// and else once it is for everybody.
    #[must_use]
    pub fn variant(&self, client: Option<InstallId<'_>>) -> Variant {
        let is_offered = match (&self.halted, client) {
            (Some(_), _) => false,
            (None, _) if self.rollout_percent.is_all() => true,
            (None, Some(id)) => self.rollout_percent.includes(&self.release.build, id),
            (None, None) => {
                self.release.phased_rollout_interval.is_some() && self.rollout_percent.get() > 0
            }
        };
        if is_offered { Variant::With } else { Variant::Without }
    }

    /// The release that a feed offers.
    #[must_use]
    pub fn offered(&self, variant: Variant) -> Option<&Manifest> {
        match variant {
            Variant::With => Some(&self.release),
            Variant::Without => self.previous.as_deref(),
        }
    }

    /// The release that counts as the channel's: what a client without an id
    /// is offered.
    #[must_use]
    pub fn current(&self) -> Option<&Manifest> {
        self.offered(self.variant(None))
    }

    /// Everything that clients may download because of this plan.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let previous = self.previous.iter().flat_map(|previous| previous.claims());
        let previous =
            previous.map(|claim| Claim { key: format!("previous.{}", claim.key), ..claim });
        self.release.claims().into_iter().chain(previous).collect()
    }

    /// Whether this plan may follow another one in the same channel.
    ///
    /// # Errors
    /// When a build goes backwards without having been taken back, or the bytes
    /// of a build change.
    pub fn may_follow(&self, old: &Self) -> Result<(), Problem> {
        let (build, newest) = (&self.release.build, old.newest_build());
        if build > newest {
            return Ok(());
        }
        if *build == old.release.build && self.newest_build() >= newest {
            return may_replace(&old.release, &self.release);
        }
        // What was offered and is taken back has to be named.
        let is_named = build < newest && self.newest_build() >= newest;
        match &old.withdrawn_build {
            _ if is_named => Ok(()),
            Some(withdrawn) => {
                let reason =
                    format!("must be higher than {withdrawn}, which was offered and taken back");
                Err(Problem::new("build", reason))
            }
            None => may_replace(&old.release, &self.release),
        }
    }

    /// The feed of a variant: what was signed for it, else what is written for
    /// it now. It has been read as a client reads it.
    ///
    /// # Errors
    /// Why clients would not take it, or not as what it is meant to be.
    pub fn feed(
        &self,
        variant: Variant,
        info: FeedInfo<'_>,
        channel: Channel,
        key: Option<&Trusted>,
    ) -> Result<String, Problem> {
        let releases: Vec<_> = self
            .offered(variant)
            .map(|manifest| Release { channel, manifest })
            .into_iter()
            .collect();
        let written = feed::render(info, &releases);
        let expected = feed::check(&written)?;
        let Some(signed) = &self.signed_feeds else { return Ok(written) };
        let (name, text) = match variant {
            Variant::With => ("signed_feeds.with", &signed.with_release),
            Variant::Without => ("signed_feeds.without", &signed.without_release),
        };
        let refuse = |reason: String| Problem::new(name, reason);
        if let Some(key) = key {
            feed::verify(text, key).map_err(|problem| refuse(problem.reason))?;
        }
        let items = feed::check(text).map_err(|problem| refuse(problem.to_string()))?;
        if items != expected {
            let reason = "offers something else than the manifest says: sign the feeds again";
            return Err(refuse(reason.to_owned()));
        }
        Ok(text.clone())
    }
}

fn read(object: &Map<String, Value>) -> (Option<Plan>, Found) {
    let mut found = Found::default();
    let mut fields = Fields::new(object, &mut found);
    let plan = read_plan(&mut fields);
    fields.end();
    (plan, found)
}

fn read_plan(fields: &mut Fields<'_>) -> Option<Plan> {
    let release = Manifest::read(fields);
    let percent = fields.optional_number("rollout_percent", (0, 100)).unwrap_or(100);
    let rollout_percent = fields.note(Percent::new(percent));
    let halted = fields.optional_text("halted", |text| Ok(text.to_owned()));
    let previous = fields.optional_object("previous", Manifest::read).map(Box::new);
    let withdrawn_build = fields.optional_version("withdrawn_build");
    let signed_feeds = fields.optional_object("signed_feeds", |fields| {
        let with_release = fields.text("with", |text| Ok(text.to_owned()));
        let without_release = fields.text("without", |text| Ok(text.to_owned()));
        Some(SignedFeeds { with_release: with_release?, without_release: without_release? })
    });
    let (release, rollout_percent) = (release?, rollout_percent?);
    if previous.as_ref().is_some_and(|previous| previous.build >= release.build) {
        fields.refuse("previous.build", "must be older than build");
    }
    if withdrawn_build.as_ref().is_some_and(|withdrawn| *withdrawn <= release.build) {
        fields.refuse("withdrawn_build", "must be newer than build");
    }
    Some(Plan { release, rollout_percent, halted, previous, withdrawn_build, signed_feeds })
}

#[cfg(test)]
mod tests;
