//! Flags follow their sources: read again on SIGHUP, and when the overlay file
//! has changed.

use std::{future, path::PathBuf, sync::Arc, time::Duration};

use nexy_config::{Live, Sources};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::decisions::{Cause, FlagChanged, Reloaded};

/// What the overlay file holds; `None` while it cannot be read.
type Content = Option<Vec<u8>>;

/// The overlay file, as it was when the sources were read last.
#[derive(Debug)]
pub(crate) struct Overlay {
    path: Option<PathBuf>,
    read: Content,
}

/// Reloads the flags of a process, and says so.
pub(crate) struct Reloader {
    live: Arc<Live>,
    watch: Option<Watch>,
}

struct Watch {
    path: PathBuf,
    ticks: Interval,
    /// What the flags were made of, good or not.
    read: Content,
    /// What was found instead, the last time.
    found: Option<Content>,
}

// === impl Overlay ===

impl Overlay {
    /// Looks at the file. To be called before the sources are read: what is
    /// written meanwhile is then found to be new.
    pub(crate) fn now(sources: &Sources) -> Self {
        let path = sources.overlay();
        let read = path.as_ref().and_then(|path| std::fs::read(path).ok());
        Self { path, read }
    }
}

// === impl Reloader ===

impl Reloader {
    /// Watches the file that the process started with; every zero is never.
    pub(crate) fn new(live: Arc<Live>, overlay: Overlay, every: Duration) -> Self {
        let Overlay { path, read } = overlay;
        let path = path.filter(|_| !every.is_zero());
        Self { live, watch: path.map(|path| Watch::new(path, read, every)) }
    }

    /// Waits until the overlay file has changed and is whole. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        match &mut self.watch {
            Some(watch) => loop {
                watch.ticks.tick().await;
                if watch.look().await {
                    return;
                }
            },
            None => future::pending().await,
        }
    }

    /// Reads the sources again.
    pub(crate) async fn reload(&mut self, cause: Cause) {
        if let Some(watch) = &mut self.watch {
            // First, so that what is written while they are read is found new.
            watch.take().await;
        }
        // Reads files, so it runs where blocking is allowed.
        let live = Arc::clone(&self.live);
        let reloaded = tokio::task::spawn_blocking(move || live.reload()).await;
        let problems: Vec<String> = match reloaded {
            Ok(Ok(changes)) => {
                for change in changes {
                    nexy_telemetry::emit(&FlagChanged::reloaded(&change, cause));
                }
                Vec::new()
            }
            Ok(Err(problems)) => problems.iter().map(ToString::to_string).collect(),
            Err(_) => vec!["the reload broke off".to_owned()],
        };
        nexy_telemetry::emit(&Reloaded { accepted: problems.is_empty(), cause, problems });
    }
}

// === impl Watch ===

impl Watch {
    fn new(path: PathBuf, read: Content, every: Duration) -> Self {
        let mut ticks = interval_at(Instant::now() + every, every);
        // A machine that slept has missed nothing.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { path, ticks, read, found: None }
    }

    /// Whether there is something new, and the same as the last time: a file
    /// that is being written is empty for a moment, which would be the defaults.
    async fn look(&mut self) -> bool {
        let content = self.content().await;
        if content == self.read {
            self.found = None;
            return false;
        }
        let is_settled = self.found.as_ref() == Some(&content);
        self.found = Some(content);
        is_settled
    }

    async fn take(&mut self) {
        self.read = self.content().await;
        self.found = None;
    }

    async fn content(&self) -> Content {
        tokio::fs::read(&self.path).await.ok()
    }
}

#[cfg(test)]
mod tests;
