use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use nexy_telemetry::emit;
use tokio::{
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    Library,
    catalog::Catalog,
    gauges,
    look::{ManifestSeen, Seen, look},
    shelf::Shelf,
    verify::{Finding, Subject},
};
use crate::{decisions::LibraryUnreadable, settings::Settings};
use nexy_releases::Channel;

/// Looks at the folders, again and again, and keeps the library as they are.
#[derive(Debug)]
pub(crate) struct Keeper {
    settings: Arc<Settings>,
    library: Arc<Library>,
    shelves: Vec<Shelf>,
    fault: Option<String>,
    /// Artifacts being read, at most one for each channel.
    checks: JoinSet<(Channel, Subject, Finding)>,
    stop: CancellationToken,
}

// === impl Keeper ===

impl Keeper {
    /// A keeper of empty shelves, one for each channel that is switched on.
    ///
    /// # Errors
    /// When the texts of the feed make no valid one.
    pub(crate) fn new(
        settings: Arc<Settings>,
        library: Arc<Library>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let now = SystemTime::now();
        let shelves = settings
            .channels()
            .map(|channel| Shelf::new(channel, Arc::clone(&settings), now))
            .collect::<Result<_, _>>()
            .context("render an empty feed from update.feed_*")?;
        Ok(Self { settings, library, shelves, fault: None, checks: JoinSet::new(), stop })
    }

    /// Looks until it is told to stop.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        let mut ticks = interval(self.settings.rescan_interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // Leaving comes first; a running check sees the same token.
                () = stop.cancelled() => return,
                // What was read is judged at once.
                Some(done) = self.checks.join_next() => self.take(done),
                // Time to look again.
                _ = ticks.tick() => {}
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // A folder on a dead network mount must not hold the process.
                () = self.look() => {}
            }
        }
    }

    /// Looks until nothing has to be read any more; how many files were read.
    #[cfg(test)]
    pub(crate) async fn settle(&mut self) -> usize {
        let mut read = 0;
        self.look().await;
        while let Some(done) = self.checks.join_next().await {
            read += 1;
            self.take(done);
            self.look().await;
        }
        read
    }

    /// Looks once: judges, swaps the catalog, and starts to read what is new.
    async fn look(&mut self) {
        let settings = Arc::clone(&self.settings);
        let seen = tokio::task::spawn_blocking(move || look(&settings)).await;
        match seen {
            Ok(Ok(seen)) => self.judge(seen, SystemTime::now()),
            Ok(Err(reason)) => self.report(reason),
            Err(_) => self.report("looking at the folders failed".to_owned()),
        }
    }

    fn judge(&mut self, seen: Seen, now: SystemTime) {
        let Seen { manifests, files, checked } = seen;
        let manifests = match manifests {
            Some(manifests) => manifests,
            // A fresh installation has no folder yet; one that was there is a
            // mount that went away, and takes no release with it.
            None if self.shelves.iter().all(Shelf::is_empty) => {
                self.settings.channels().map(|channel| (channel, ManifestSeen::Missing)).collect()
            }
            None => return self.report("update.manifests_dir: the folder is gone".to_owned()),
        };
        for (channel, manifest) in manifests {
            let Some(shelf) = self.shelf(channel) else { continue };
            if let Some(check) = shelf.see(manifest, &files, now) {
                let stop = self.stop.clone();
                self.checks.spawn_blocking(move || check.run(&stop));
            }
        }
        self.fault = None;
        self.library.replace(Catalog {
            settled: self.shelves.iter().all(Shelf::is_settled),
            fault: None,
            offers: self.shelves.iter().map(Shelf::offer).collect(),
            files: Arc::new(files),
        });
        gauges::show(&self.library.catalog().offers, checked.as_ref());
    }

    fn take(&mut self, done: Result<(Channel, Subject, Finding), JoinError>) {
        match done {
            Ok((channel, subject, finding)) => {
                if let Some(shelf) = self.shelf(channel) {
                    shelf.found(subject, finding);
                }
            }
            // Nobody knows whose it was; a check that still runs is run again.
            Err(_) => self.shelves.iter_mut().for_each(Shelf::lost),
        }
    }

    /// Notes that nothing could be seen; what is served stays.
    fn report(&mut self, reason: String) {
        if self.fault.as_ref() == Some(&reason) {
            return;
        }
        emit(&LibraryUnreadable { reason: &reason });
        let before = self.library.catalog();
        self.library.replace(Catalog { fault: Some(reason.clone()), ..Catalog::clone(&before) });
        self.fault = Some(reason);
    }

    fn shelf(&mut self, channel: Channel) -> Option<&mut Shelf> {
        self.shelves.iter_mut().find(|shelf| shelf.channel() == channel)
    }
}
