//! What one channel serves, and everything that may change it. No IO: it is
//! told what lies in the folders and answers what has to be read.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use nexy_releases::{
    Channel, Claim, FileName, Plan, Problem, Variant,
    feed::{self, FeedInfo},
};
use nexy_telemetry::{Level, emit, metrics::UPDATE_CLIENTS};

use super::{
    catalog::{Feed, Feeds, Offer, Served},
    files::StoredFile,
    look::ManifestSeen,
    readings::{Known, Readings},
    verify::{Check, Finding, Subject},
};
use crate::{
    decisions::{
        ManifestKeyUnknown, ReleasePublished, ReleaseRefused, ReleaseUnsigned, ReleaseWithdrawn,
        RolloutChanged,
    },
    settings::{Settings, Trust},
};

/// The language of the texts that the feed itself holds.
const LANGUAGE: &str = "en";

#[derive(Debug)]
pub(super) struct Shelf {
    channel: Channel,
    settings: Arc<Settings>,
    feeds: Feeds,
    served: Option<Arc<Served>>,
    /// The plan that was served last by this process.
    last: Option<Plan>,
    refusal: Option<Refusal>,
    /// The last manifest whose unknown keys were told.
    told: Vec<u8>,
    readings: Readings,
    /// Whether what was there at the start has been judged.
    settled: bool,
}

/// A manifest that is not served.
#[derive(Debug)]
struct Refusal {
    bytes: Vec<u8>,
    problems: Vec<Problem>,
}

enum Verdict {
    Good(Box<Served>),
    Refused(Vec<Problem>),
    /// A file is being read, or has to be.
    Pending(Option<Box<Check>>),
}

// === impl Shelf ===

impl Shelf {
    /// An empty shelf.
    ///
    /// # Errors
    /// When the texts of the feed make no valid one.
    pub(super) fn new(
        channel: Channel,
        settings: Arc<Settings>,
        now: SystemTime,
    ) -> Result<Self, Problem> {
        let feed = Feed::new(empty(&settings)?, now);
        Ok(Self {
            channel,
            settings,
            feeds: Feeds { with_release: feed.clone(), without_release: feed },
            served: None,
            last: None,
            refusal: None,
            told: Vec::new(),
            readings: Readings::default(),
            settled: false,
        })
    }

    pub(super) const fn channel(&self) -> Channel {
        self.channel
    }

    pub(super) const fn is_settled(&self) -> bool {
        self.settled
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.served.is_none()
    }

    pub(super) fn offer(&self) -> Offer {
        let refused = self.refusal.as_ref().map(|refusal| refusal.problems.clone());
        Offer {
            channel: self.channel,
            feeds: self.feeds.clone(),
            served: self.served.clone(),
            refused: refused.unwrap_or_default(),
        }
    }

    /// Judges what lies in the folders now; answers what has to be read first.
    pub(super) fn see(
        &mut self,
        seen: ManifestSeen,
        files: &BTreeMap<FileName, StoredFile>,
        now: SystemTime,
    ) -> Option<Check> {
        let (bytes, changed) = match seen {
            ManifestSeen::Missing => {
                self.refusal = None;
                self.withdraw("its manifest was taken away", Level::Info, now);
                self.settled = true;
                return None;
            }
            ManifestSeen::Unreadable(reason) => {
                self.refuse(Vec::new(), vec![Problem::new("manifest", reason)], files, now);
                return None;
            }
            ManifestSeen::Present { bytes, changed } => (bytes, changed),
        };
        match self.judge(&bytes, files) {
            Verdict::Pending(check) => return check.map(|check| *check),
            Verdict::Refused(problems) => self.refuse(bytes, problems, files, now),
            Verdict::Good(served) => {
                // A feed that was there before this process keeps its date.
                let date = if self.settled { now } else { changed.min(now) };
                match self.publish(*served, date) {
                    Ok(()) => self.tell_unknown_keys(bytes),
                    Err(problem) => self.refuse(bytes, vec![problem], files, now),
                }
            }
        }
        self.settled = true;
        None
    }

    /// Takes the result of a check that [`Shelf::see`] asked for.
    pub(super) fn found(&mut self, subject: Subject, finding: Finding) {
        self.readings.end(subject, finding);
    }

    /// Forgets a check whose result was lost.
    pub(super) fn lost(&mut self) {
        self.readings.lost();
    }

    fn judge(&mut self, bytes: &[u8], files: &BTreeMap<FileName, StoredFile>) -> Verdict {
        let plan = match Plan::parse(bytes) {
            Ok(plan) => plan,
            Err(problems) => return Verdict::Refused(problems),
        };
        let claims = plan.claims();
        if let Err(problem) = self.may_serve(&plan, &claims) {
            return Verdict::Refused(vec![problem]);
        }
        self.readings.keep(&claims);
        let mut problems = Vec::new();
        let mut stored = Vec::new();
        for claim in claims {
            let Some(file) = files.get(&claim.file_name) else {
                problems.extend(self.check_elsewhere(&claim).err());
                continue;
            };
            if let Err(problem) = claim.check_size(file.fingerprint.length) {
                problems.push(problem);
                continue;
            }
            match self.readings.of(file, &claim) {
                Known::Good => stored.push((claim, file.clone())),
                Known::Bad(found) => problems.extend(found),
                Known::Waiting => return Verdict::Pending(None),
                Known::Unread => return Verdict::Pending(Some(Box::new(self.check(file, claim)))),
            }
        }
        match problems.is_empty() {
            true => Verdict::Good(Box::new(Served { plan, stored })),
            false => Verdict::Refused(problems),
        }
    }

    /// The rules that need no bytes of the files.
    fn may_serve(&self, plan: &Plan, claims: &[Claim]) -> Result<(), Problem> {
        let unsigned = claims.iter().find(|claim| claim.ed25519.is_none());
        match (&self.settings.trust, unsigned) {
            (Trust::Key(_), Some(claim)) => {
                let reason = "is missing: only signed releases are served";
                return Err(Problem::new(format!("{}.ed25519", claim.key), reason));
            }
            (Trust::Nothing, _) => {
                let reason = "is not configured: no release can be verified";
                return Err(Problem::new("update.public_key", reason));
            }
            (Trust::Key(_), None) | (Trust::Anything, _) => {}
        }
        if self.settings.signed_feeds_required && plan.signed_feeds.is_none() {
            let reason = "is missing, and update.signed_feeds_required is set";
            return Err(Problem::new("signed_feeds", reason));
        }
        self.last.as_ref().map_or(Ok(()), |last| plan.may_follow(last))
    }

    fn check_elsewhere(&self, claim: &Claim) -> Result<(), Problem> {
        let own = format!("{}/downloads/", self.settings.public_base_url);
        if !claim.url.as_str().starts_with(&own) {
            return Ok(());
        }
        let reason =
            format!("is a download of this server, but {} is not among the files", claim.file_name);
        Err(Problem::new(format!("{}.url", claim.key), reason))
    }

    fn check(&mut self, file: &StoredFile, claim: Claim) -> Check {
        self.readings.begin();
        let subject = Subject { file: file.clone(), claim };
        Check { channel: self.channel, subject, key: self.settings.trust.key().copied() }
    }

    fn publish(&mut self, served: Served, date: SystemTime) -> Result<(), Problem> {
        let before = self.served.as_ref().map(|before| &before.plan);
        let plan = &served.plan;
        if before != Some(plan) {
            let feed = |variant, old: &Feed| {
                let key = self.settings.trust.key();
                let body = plan.feed(variant, info(&self.settings), self.channel, key)?;
                // One that has not changed keeps its date.
                Ok(if old.body == body { old.clone() } else { Feed::new(body, date) })
            };
            let with_release = feed(Variant::With, &self.feeds.with_release)?;
            let without_release = feed(Variant::Without, &self.feeds.without_release)?;
            report(self.channel, before, &served, &self.settings.trust);
            self.feeds = Feeds { with_release, without_release };
        }
        self.refusal = None;
        self.last = Some(served.plan.clone());
        self.served = Some(Arc::new(served));
        Ok(())
    }

    /// What is most likely misspelt is not passed over in silence.
    fn tell_unknown_keys(&mut self, bytes: Vec<u8>) {
        if bytes == self.told {
            return;
        }
        for problem in Plan::unknown_keys(&bytes) {
            let file = self.channel.manifest_file();
            emit(&ManifestKeyUnknown { channel: self.channel, file, problem: &problem });
        }
        self.told = bytes;
    }

    fn refuse(
        &mut self,
        bytes: Vec<u8>,
        problems: Vec<Problem>,
        files: &BTreeMap<FileName, StoredFile>,
        now: SystemTime,
    ) {
        self.settled = true;
        if self.has_lost_its_artifact(files) {
            self.withdraw("its artifact was changed or taken away", Level::Warn, now);
        }
        let keys = |problems: &[Problem]| -> Vec<String> {
            problems.iter().map(|problem| problem.key.clone()).collect()
        };
        // The reason may change while a file is still being copied.
        let is_known = self
            .refusal
            .as_ref()
            .is_some_and(|known| known.bytes == bytes && keys(&known.problems) == keys(&problems));
        if !is_known {
            let serving = self.served.as_ref().map(|served| served.plan.release.version.as_str());
            for problem in &problems {
                emit(&ReleaseRefused {
                    channel: self.channel,
                    file: self.channel.manifest_file(),
                    problem,
                    still_serving: serving,
                });
            }
        }
        self.refusal = Some(Refusal { bytes, problems });
    }

    fn has_lost_its_artifact(&self, files: &BTreeMap<FileName, StoredFile>) -> bool {
        self.served.as_ref().is_some_and(|served| {
            served.stored.iter().any(|(claim, file)| files.get(&claim.file_name) != Some(file))
        })
    }

    fn withdraw(&mut self, reason: &'static str, level: Level, now: SystemTime) {
        // The texts of the feed made a valid one at the start.
        let Ok(empty) = empty(&self.settings) else { return };
        let Some(served) = self.served.take() else { return };
        let feed = Feed::new(empty, now);
        self.feeds = Feeds { with_release: feed.clone(), without_release: feed };
        emit(&ReleaseWithdrawn {
            channel: self.channel,
            file: self.channel.manifest_file(),
            version: served.plan.release.version.as_str(),
            build: served.plan.release.build.as_str(),
            reason,
            level,
        });
    }
}

fn report(channel: Channel, before: Option<&Plan>, served: &Served, trust: &Trust) {
    let plan = &served.plan;
    let manifest = &plan.release;
    UPDATE_CLIENTS.know(manifest.build.as_str());
    if let Some(previous) = &plan.previous {
        UPDATE_CLIENTS.know(previous.build.as_str());
    }
    let file = channel.manifest_file();
    if before.is_some_and(|before| before.release == *manifest) {
        emit(&RolloutChanged {
            channel,
            file,
            build: manifest.build.as_str(),
            percent: plan.rollout_percent,
            halted: plan.halted.as_deref(),
        });
        return;
    }
    emit(&ReleasePublished {
        channel,
        file,
        version: manifest.version.as_str(),
        build: manifest.build.as_str(),
        artifact: manifest.artifact.file_name.as_str(),
        size: manifest.artifact.size,
        critical: manifest.critical,
        percent: plan.rollout_percent,
        bytes_checked: plan.claims().len() == served.stored.len(),
    });
    if matches!(trust, Trust::Anything) {
        let reason = match manifest.artifact.ed25519 {
            None => "the release is not signed",
            Some(_) => "update.public_key is not configured: the signature was not verified",
        };
        emit(&ReleaseUnsigned { channel, file, version: manifest.version.as_str(), reason });
    }
}

/// The feed of a channel without a release. It has been read as a client would.
fn empty(settings: &Settings) -> Result<String, Problem> {
    let feed = feed::render(info(settings), &[]);
    feed::check(&feed)?;
    Ok(feed)
}

fn info(settings: &Settings) -> FeedInfo<'_> {
    FeedInfo {
        title: &settings.feed.title,
        link: &settings.feed.link,
        description: &settings.feed.description,
        language: LANGUAGE,
    }
}
