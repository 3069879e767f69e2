//! What one channel serves, and everything that may change it. No IO: it is
//! told what lies in the folders and answers what has to be read.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use nexy_releases::{
    Channel, FileName, Manifest, Problem,
    feed::{self, FeedInfo, Release},
    may_replace,
};
use nexy_telemetry::{Level, emit};

use super::{
    catalog::{Feed, Offer, Served},
    files::StoredFile,
    look::ManifestSeen,
    verify::{Check, Finding, Subject},
};
use crate::{
    decisions::{ReleasePublished, ReleaseRefused, ReleaseUnsigned, ReleaseWithdrawn},
    settings::{Settings, Trust},
};

/// The language of the texts that the feed itself holds.
const LANGUAGE: &str = "en";

#[derive(Debug)]
pub(super) struct Shelf {
    channel: Channel,
    settings: Arc<Settings>,
    feed: Feed,
    served: Option<Arc<Served>>,
    /// The newest release that was ever served by this process.
    newest: Option<Manifest>,
    refusal: Option<Refusal>,
    reading: Reading,
    /// Whether what was there at the start has been judged.
    settled: bool,
}

/// A manifest that is not served.
#[derive(Debug)]
struct Refusal {
    bytes: Vec<u8>,
    problems: Vec<Problem>,
}

/// The reading of an artifact; at most one at a time.
#[derive(Debug)]
enum Reading {
    Idle,
    Running,
    Done(Box<(Subject, Finding)>),
}

enum Verdict {
    Good(Served),
    Refused(Vec<Problem>),
    /// An artifact is being read, or has to be.
    Pending(Option<Check>),
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
        let feed = Feed::new(render(&settings, &[])?, now);
        Ok(Self {
            channel,
            settings,
            feed,
            served: None,
            newest: None,
            refusal: None,
            reading: Reading::Idle,
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
            feed: self.feed.clone(),
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
            Verdict::Pending(check) => return check,
            Verdict::Refused(problems) => self.refuse(bytes, problems, files, now),
            Verdict::Good(served) => {
                // A feed that was there before this process keeps its date.
                let date = if self.settled { now } else { changed.min(now) };
                if let Err(problem) = self.publish(served, date) {
                    self.refuse(bytes, vec![problem], files, now);
                }
            }
        }
        self.settled = true;
        None
    }

    /// Takes the result of a check that [`Shelf::see`] asked for.
    pub(super) fn found(&mut self, subject: Subject, finding: Finding) {
        self.reading = Reading::Done(Box::new((subject, finding)));
    }

    /// Forgets a check whose result was lost.
    pub(super) fn lost(&mut self) {
        self.reading = Reading::Idle;
    }

    fn judge(&mut self, bytes: &[u8], files: &BTreeMap<FileName, StoredFile>) -> Verdict {
        let manifest = match Manifest::parse(bytes) {
            Ok(manifest) => manifest,
            Err(problems) => return Verdict::Refused(problems),
        };
        if let Err(problem) = self.may_serve(&manifest) {
            return Verdict::Refused(vec![problem]);
        }
        let Some(file) = files.get(&manifest.artifact.file_name) else {
            return self.judge_elsewhere(manifest);
        };
        if let Err(problem) = manifest.artifact.check_size(file.fingerprint.length) {
            return Verdict::Refused(vec![problem]);
        }
        let subject = Subject { file: file.clone(), artifact: manifest.artifact.clone() };
        self.judge_stored(manifest, subject)
    }

    /// The rules that need no bytes of the artifact.
    fn may_serve(&self, manifest: &Manifest) -> Result<(), Problem> {
        match (&self.settings.trust, &manifest.artifact.ed25519) {
            (Trust::Key(_), None) => {
                let reason = "is missing: only signed releases are served";
                return Err(Problem::new("artifact.ed25519", reason));
            }
            (Trust::Nothing, _) => {
                let reason = "is not configured: no release can be verified";
                return Err(Problem::new("update.public_key", reason));
            }
            (Trust::Key(_), Some(_)) | (Trust::Anything, _) => {}
        }
        self.newest.as_ref().map_or(Ok(()), |newest| may_replace(newest, manifest))
    }

    fn judge_elsewhere(&self, manifest: Manifest) -> Verdict {
        let own = format!("{}/downloads/", self.settings.public_base_url);
        if manifest.artifact.url.as_str().starts_with(&own) {
            let reason = format!(
                "is a download of this server, but {} is not among the files",
                manifest.artifact.file_name
            );
            return Verdict::Refused(vec![Problem::new("artifact.url", reason)]);
        }
        Verdict::Good(Served { manifest, stored: None })
    }

    fn judge_stored(&mut self, manifest: Manifest, subject: Subject) -> Verdict {
        match &self.reading {
            Reading::Running => Verdict::Pending(None),
            Reading::Done(done) if done.0 == subject => match &done.1 {
                Finding::Match => Verdict::Good(Served { manifest, stored: Some(subject.file) }),
                Finding::Mismatch(problems) => Verdict::Refused(problems.clone()),
                Finding::Unknown(problem) => {
                    let problem = problem.clone();
                    // To be read again at the next look.
                    self.reading = Reading::Idle;
                    Verdict::Refused(vec![problem])
                }
            },
            Reading::Idle | Reading::Done(_) => {
                self.reading = Reading::Running;
                let key = self.settings.trust.key().copied();
                Verdict::Pending(Some(Check { channel: self.channel, subject, key }))
            }
        }
    }

    fn publish(&mut self, served: Served, date: SystemTime) -> Result<(), Problem> {
        let release = Release { channel: self.channel, manifest: &served.manifest };
        let body = render(&self.settings, &[release])?;
        let before = self.served.as_ref().map(|before| &before.manifest);
        let is_new = before != Some(&served.manifest);
        if body.as_bytes() != self.feed.body {
            self.feed = Feed::new(body, date);
        }
        self.refusal = None;
        self.newest = Some(served.manifest.clone());
        let served = self.served.insert(Arc::new(served));
        if is_new {
            report_published(self.channel, served, &self.settings.trust);
        }
        Ok(())
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
            let serving = self.served.as_ref().map(|served| served.manifest.version.as_str());
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
            served.stored.is_some()
                && served.stored.as_ref() != files.get(&served.manifest.artifact.file_name)
        })
    }

    fn withdraw(&mut self, reason: &'static str, level: Level, now: SystemTime) {
        // The texts of the feed made a valid one at the start.
        let Ok(empty) = render(&self.settings, &[]) else { return };
        let Some(served) = self.served.take() else { return };
        self.feed = Feed::new(empty, now);
        emit(&ReleaseWithdrawn {
            channel: self.channel,
            file: self.channel.manifest_file(),
            version: served.manifest.version.as_str(),
            build: served.manifest.build.as_str(),
            reason,
            level,
        });
    }
}

fn report_published(channel: Channel, served: &Served, trust: &Trust) {
    let manifest = &served.manifest;
    let file = channel.manifest_file();
    emit(&ReleasePublished {
        channel,
        file,
        version: manifest.version.as_str(),
        build: manifest.build.as_str(),
        artifact: manifest.artifact.file_name.as_str(),
        size: manifest.artifact.size,
        critical: manifest.critical,
        bytes_checked: served.stored.is_some(),
    });
    if matches!(trust, Trust::Anything) {
        let reason = match manifest.artifact.ed25519 {
            None => "the release is not signed",
            Some(_) => "update.public_key is not configured: the signature was not verified",
        };
        emit(&ReleaseUnsigned { channel, file, version: manifest.version.as_str(), reason });
    }
}

/// Writes a feed and reads it as a client would, before anybody is served it.
fn render(settings: &Settings, releases: &[Release<'_>]) -> Result<String, Problem> {
    let info = FeedInfo {
        title: &settings.feed.title,
        link: &settings.feed.link,
        description: &settings.feed.description,
        language: LANGUAGE,
    };
    let feed = feed::render(info, releases);
    feed::check(&feed)?;
    Ok(feed)
}
