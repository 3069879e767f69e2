use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nexy_telemetry::{device_hash, emit, metrics};
use nexy_types::{ErrorType, HardwareId, Module, ModuleState, ModuleStatus};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Append, Error, Exchange, Recollection, Remembered, Store, UnixMillis, UsageReport,
    conversation::{Bounds, recollect},
    decisions::{MemoryDropped, MemoryUnavailable},
    pending::Pending,
};

const NAME: &str = "memory_management";
const QUEUE: [&str; 1] = ["memory_writes"];

/// Bounds of memory.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of exchanges kept per device.
    pub max_short_term_size: usize,
    /// How old an exchange may be and still belong to the conversation.
    pub short_term_idle: Duration,
    /// How long a turn waits for its memory.
    pub read_timeout: Duration,
    /// How long one write may take.
    pub write_timeout: Duration,
    /// Writes that may wait; more are dropped.
    pub write_queue: usize,
    /// How long a shutdown waits for the queue to be written.
    pub drain_timeout: Duration,
}

/// The time of day. Not a monotonic clock: what is stored outlives the process.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// The write queue is full, or memory has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("queue memory write: the queue is full")]
pub struct Full;

/// The part with the loop: it writes.
#[derive(Debug)]
pub struct Memory {
    shared: Arc<Shared>,
    queue: Receiver<Write>,
    sender: Sender<Write>,
}

/// The part that turns use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    queue: Sender<Write>,
}

struct Shared {
    settings: Settings,
    store: Arc<dyn Store>,
    clock: Clock,
    pending: Pending,
    /// Apart, because a store can be readable and full.
    reads: Health,
    writes: Health,
}

/// The reason of the last failure, unless a success came after it.
#[derive(Debug, Default)]
struct Health(Mutex<Option<&'static str>>);

#[derive(Debug)]
enum Write {
    Exchange { device: HardwareId, entry: Remembered },
    Usage { report: UsageReport, at: UnixMillis },
}

// === impl Memory ===

impl Memory {
    /// Memory over a store, on the system's clock.
    #[must_use]
    pub fn new(settings: Settings, store: Arc<dyn Store>) -> Self {
        Self::with_clock(settings, store, Arc::new(UnixMillis::now))
    }

    /// Memory on another clock.
    #[must_use]
    pub fn with_clock(settings: Settings, store: Arc<dyn Store>, clock: Clock) -> Self {
        let (sender, queue) = mpsc::channel(settings.write_queue.max(1));
        let shared = Shared {
            settings,
            store,
            clock,
            pending: Pending::default(),
            reads: Health::default(),
            writes: Health::default(),
        };
        Self { shared: Arc::new(shared), queue, sender }
    }

    /// For turns, and for the status.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared), queue: self.sender.clone() }
    }

    /// Writes until the token is cancelled, then what is left in the queue: it
    /// ends at most `write_timeout` (the write under way) and `drain_timeout`
    /// after the cancel. Also drops expired exchanges: as it begins, and
    /// whenever as much time has passed as they live.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { shared, mut queue, sender } = self;
        drop(sender);
        let mut expiry = interval(shared.settings.short_term_idle.max(Duration::from_secs(1)));
        expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // The queue is written below, within its own bound.
                () = shutdown.cancelled() => break,
                // Turns wait for nothing here, but their memory should land soon.
                write = queue.recv() => match write {
                    Some(write) => shared.write(write, shared.settings.write_timeout).await,
                    // Nobody is left who could remember anything.
                    None => return,
                },
                // Least urgent.
                _ = expiry.tick() => shared.expire().await,
            }
        }
        queue.close();
        shared.drain(&mut queue).await;
    }
}

// === impl Handle ===

impl Handle {
    /// The conversation of a device, for at most `read_timeout`. When the store
    /// does not answer: what this process has not written yet.
    pub async fn recall(&self, device: &HardwareId) -> Recollection {
        let shared = &self.shared;
        let began = Instant::now();
        let bounds = shared.bounds((shared.clock)());
        // Before the load: an entry that lands meanwhile is then in both, and
        // never in neither.
        let pending = shared.pending.of(device);
        let load = shared.store.load(device, bounds.newer_than);
        let loaded = within(shared.settings.read_timeout, load).await;
        let took = began.elapsed();
        metrics::STAGE_DURATION.observe(["memory", "none"], took);
        shared.reads.note(&loaded);
        let stored = loaded.unwrap_or_else(|error| {
            let device = device_hash(device);
            emit(&MemoryUnavailable { device, reason: error.reason(), took });
            Vec::new()
        });
        recollect(stored, pending, bounds)
    }

    /// Keeps an exchange. Never waits: with a full queue it is dropped, which
    /// the decision log says.
    pub fn remember(&self, device: HardwareId, exchange: Exchange) {
        let exchange = exchange.storable(self.shared.settings.max_short_term_size);
        let entry = Remembered { at: (self.shared.clock)(), exchange };
        // Before it is queued: the writer removes it.
        self.shared.pending.add(device.clone(), entry.clone());
        let write = Write::Exchange { device: device.clone(), entry: entry.clone() };
        if self.queue(write).is_err() {
            self.shared.pending.remove(&device, &entry);
        }
    }

    /// Keeps a usage report. Never waits.
    ///
    /// # Errors
    /// When the queue is full; the report is dropped.
    pub fn record_usage(&self, mut report: UsageReport) -> Result<(), Full> {
        // PostgreSQL cannot store it.
        report.source.retain(|c| c != '\0');
        report.model.retain(|c| c != '\0');
        self.queue(Write::Usage { report, at: (self.shared.clock)() })
    }

    fn queue(&self, write: Write) -> Result<(), Full> {
        let what = write.what();
        // Before it is queued, or the writer could count it down first.
        metrics::QUEUE_DEPTH.add(QUEUE, 1);
        self.queue.try_send(write).map_err(|refused| {
            metrics::QUEUE_DEPTH.add(QUEUE, -1);
            let reason = match refused {
                mpsc::error::TrySendError::Full(_) => "queue_full",
                mpsc::error::TrySendError::Closed(_) => "stopped",
            };
            emit(&MemoryDropped { what, reason, count: 1 });
            Full
        })
    }
}

impl Module for Handle {
    fn name(&self) -> &'static str {
        NAME
    }

    fn status(&self) -> ModuleStatus {
        let Shared { reads, writes, .. } = &*self.shared;
        let reason = match (reads.failure(), writes.failure()) {
            (None, None) => return ModuleStatus::ready(NAME),
            (Some(reason), _) => format!("cannot read: {reason}"),
            (None, Some(reason)) => format!("cannot write: {reason}"),
        };
        ModuleStatus::with_reason(NAME, ModuleState::Degraded, reason)
    }
}

// === impl Shared ===

impl Shared {
    fn bounds(&self, now: UnixMillis) -> Bounds {
        Bounds {
            newer_than: now.before(self.settings.short_term_idle),
            max_bytes: self.settings.max_short_term_size,
        }
    }

    /// One attempt: a store that is briefly locked waits by itself, and one
    /// that is gone would only make the queue overflow.
    async fn write(&self, write: Write, limit: Duration) {
        metrics::QUEUE_DEPTH.add(QUEUE, -1);
        let what = write.what();
        let written = match write {
            Write::Exchange { device, entry } => {
                let Bounds { newer_than, max_bytes } = self.bounds(entry.at);
                let append = Append { device, entry, newer_than, max_bytes };
                let written = within(limit, self.store.append(&append)).await;
                self.pending.remove(&append.device, &append.entry);
                written
            }
            Write::Usage { report, at } => within(limit, self.store.record(&report, at)).await,
        };
        self.note_write(what, &written);
    }

    async fn expire(&self) {
        let newer_than = self.bounds((self.clock)()).newer_than;
        let done = within(self.settings.write_timeout, self.store.forget(newer_than)).await;
        self.note_write("expiry", &done);
    }

    fn note_write(&self, what: &'static str, written: &Result<(), Error>) {
        self.writes.note(written);
        if let Err(error) = written {
            emit(&MemoryDropped { what, reason: error.reason(), count: 1 });
        }
    }

    /// Writes what the closed queue holds until the time is up; the rest is
    /// dropped and reported.
    async fn drain(&self, queue: &mut Receiver<Write>) {
        let until = Instant::now() + self.settings.drain_timeout;
        let mut left = 0;
        while let Ok(write) = queue.try_recv() {
            let limit =
                self.settings.write_timeout.min(until.saturating_duration_since(Instant::now()));
            if limit.is_zero() {
                metrics::QUEUE_DEPTH.add(QUEUE, -1);
                left += 1;
            } else {
                self.write(write, limit).await;
            }
        }
        if left > 0 {
            emit(&MemoryDropped { what: "queue", reason: "shutdown", count: left });
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(limit, work).await.unwrap_or(Err(Error::Store("timeout")))
}

// === impl Health ===

impl Health {
    fn note<T>(&self, result: &Result<T, Error>) {
        let failure = result.as_ref().err().map(|error| error.reason());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn failure(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Write ===

impl Write {
    const fn what(&self) -> &'static str {
        match self {
            Self::Exchange { .. } => "exchange",
            Self::Usage { .. } => "usage",
        }
    }
}

// === impl Full ===

impl Full {
    /// How it looks to a client.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        ErrorType::Unavailable
    }
}

#[cfg(test)]
mod tests;
