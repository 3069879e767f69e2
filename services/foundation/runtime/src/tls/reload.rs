use std::{
    fmt, fs,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use nexy_telemetry::metrics;
use rustls::pki_types::UnixTime;

use super::Files;
use crate::decisions::CertificateReloaded;

/// What makes a configuration of the files.
type Load<T> = Box<dyn Fn(&Files) -> anyhow::Result<Loaded<T>> + Send + Sync>;

/// A configuration, and when its certificate expires.
#[derive(Debug)]
pub(super) struct Loaded<T> {
    pub(super) config: T,
    pub(super) not_after: Option<UnixTime>,
}

/// When each file was last written, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 3];

/// A configuration that follows its files.
pub(super) struct Reloading<T> {
    files: Files,
    load: Load<T>,
    every: Duration,
    current: ArcSwap<T>,
    looked: Mutex<Looked>,
}

struct Looked {
    at: Instant,
    /// What was found then, good or not.
    stamp: Stamp,
    /// Why it is not in use; said once.
    refused: Option<String>,
}

// === impl Reloading ===

impl<T: Send + Sync + 'static> Reloading<T> {
    pub(super) fn new(files: Files, load: Load<T>, every: Duration) -> anyhow::Result<Self> {
        // Before the files: what is written meanwhile is found the next time.
        let looked = Looked { at: Instant::now(), stamp: stamp(&files), refused: None };
        metrics::declare(&[&metrics::CERTIFICATE_NOT_AFTER]);
        let current = ArcSwap::from_pointee(load(&files)?.in_use(&files));
        Ok(Self { files, load, every, current, looked: Mutex::new(looked) })
    }

    /// What holds now. Looks at the files if that was long enough ago.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<T> {
        if self.is_due() {
            let this = Arc::clone(self);
            // A reload that broke off leaves what there was.
            let _looked = tokio::task::spawn_blocking(move || this.look()).await;
        }
        self.current.load_full()
    }

    /// Says so to one asker each time.
    fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = looked.at.elapsed() >= self.every;
        if is_due {
            looked.at = Instant::now();
        }
        is_due
    }

    fn look(&self) {
        let stamp = stamp(&self.files);
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        // Files that were found wanting may have been half of a change that
        // keeps the stamps, so they are read again.
        if looked.stamp == stamp && looked.refused.is_none() {
            return;
        }
        looked.stamp = stamp;
        let certificate = self.files.certificate.display().to_string();
        match (self.load)(&self.files) {
            Ok(loaded) => {
                self.current.store(Arc::new(loaded.in_use(&self.files)));
                looked.refused = None;
                let reloaded = CertificateReloaded { accepted: true, certificate, reason: None };
                nexy_telemetry::emit(&reloaded);
            }
            Err(error) => {
                let reason = format!("{error:#}");
                if looked.refused.as_ref() != Some(&reason) {
                    nexy_telemetry::emit(&CertificateReloaded {
                        accepted: false,
                        certificate,
                        reason: Some(reason.clone()),
                    });
                }
                looked.refused = Some(reason);
            }
        }
    }
}

// === impl Loaded ===

impl<T> Loaded<T> {
    /// Says until when, and hands over the configuration.
    fn in_use(self, files: &Files) -> T {
        let certificate = if files.ca.is_some() { "internal" } else { "public" };
        let not_after = self.not_after.map_or(0, |at| i64::try_from(at.as_secs()).unwrap_or(0));
        metrics::CERTIFICATE_NOT_AFTER.set([certificate], not_after);
        self.config
    }
}

impl<T> fmt::Debug for Reloading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamp(files: &Files) -> Stamp {
    [files.ca.as_ref(), Some(&files.certificate), Some(&files.key)].map(|path| {
        let metadata = fs::metadata(path?).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}
