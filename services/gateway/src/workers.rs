//! The workers behind this gateway: which are ready, and which is asked next.

mod ejection;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use nexy_proto::worker::{ModuleStatus, StatusRequest, worker_client::WorkerClient};
use nexy_runtime::{grpc::Peer, tls::Name};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, transport::Channel};

use self::ejection::{EjectionSettings, Record};
use crate::{
    clock,
    decisions::{WorkerChanged, WorkerEjected},
};

/// How workers are reached and watched.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) addrs: Vec<String>,
    pub(crate) peer: Peer,
    pub(crate) status_interval: Duration,
    /// How long it may take to answer.
    pub(crate) status_timeout: Duration,
    pub(crate) max_message_bytes: usize,
    pub(crate) ejection: EjectionSettings,
}

/// Every configured worker.
#[derive(Debug)]
pub(crate) struct Workers {
    workers: Vec<Arc<Worker>>,
    settings: Settings,
    /// Since when none is ready.
    unready_since: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Worker {
    addr: Arc<str>,
    client: WorkerClient<Channel>,
    outstanding: AtomicUsize,
    seen: Mutex<Seen>,
    /// Whether it was down when it was last seen.
    is_down: watch::Sender<bool>,
    record: Mutex<Record>,
    ejection: EjectionSettings,
}

/// What a worker last said of itself.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Seen {
    pub(crate) addr: String,
    /// init, ready, degraded or down.
    pub(crate) state: &'static str,
    pub(crate) modules: Vec<SeenModule>,
}

/// One module of a worker.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct SeenModule {
    name: String,
    state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

/// A worker chosen for one call; counted as busy until dropped.
#[derive(Debug)]
pub(crate) struct Chosen(Arc<Worker>);

// === impl Settings ===

impl Settings {
    /// As the settings of the gateway have it.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub(crate) fn new(settings: &nexy_config::Settings) -> anyhow::Result<Self> {
        let worker = &settings.worker;
        Ok(Self {
            addrs: worker.addrs.clone(),
            peer: Peer::new(settings, Name::Worker)?,
            status_interval: worker.status_interval,
            status_timeout: worker.status_timeout,
            max_message_bytes: settings.grpc.max_message_bytes,
            ejection: EjectionSettings {
                after_failures: worker.eject_after_failures,
                first: worker.eject,
                longest: worker.eject_max,
            },
        })
    }
}

// === impl Workers ===

impl Workers {
    /// Prepares the channels; connecting happens in the background.
    ///
    /// # Errors
    /// When an address cannot be one.
    pub(crate) fn new(settings: Settings) -> anyhow::Result<Self> {
        Self::over(settings, Peer::channel)
    }

    /// The same over channels that are made like this.
    ///
    /// # Errors
    /// When an address cannot be one.
    pub(crate) fn over(
        settings: Settings,
        channel: impl Fn(&Peer, &str) -> anyhow::Result<Channel>,
    ) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let connect = |addr: &String| {
            let channel = channel(&settings.peer, addr).context("use worker.addrs")?;
            let client = WorkerClient::new(channel)
                .max_encoding_message_size(settings.max_message_bytes)
                .max_decoding_message_size(settings.max_message_bytes);
            anyhow::Ok(Arc::new(Worker::new(addr, client, settings.ejection)))
        };
        let workers = settings.addrs.iter().map(connect).collect::<Result<_, _>>()?;
        let unready_since = Mutex::new(Some(Instant::now()));
        Ok(Self { workers, settings, unready_since })
    }

    /// A ready worker with few calls, or none at once.
    pub(crate) fn choose(&self) -> Option<Chosen> {
        self.choose_but(&[])
    }

    /// The same, but for those that were tried. Of two at random the one with
    /// fewer calls: gateways that know nothing of each other do not all take
    /// the same one. Who is ejected is asked only when nobody else is ready.
    pub(crate) fn choose_but(&self, tried: &[Arc<str>]) -> Option<Chosen> {
        let now = clock::now();
        let is_new = |worker: &&Arc<Worker>| worker.is_ready() && !tried.contains(&worker.addr);
        let (ejected, well): (Vec<_>, Vec<_>) =
            self.workers.iter().filter(is_new).partition(|worker| worker.is_ejected(now));
        let ready = if well.is_empty() { ejected } else { well };
        two_of(ready.len(), &mut fastrand::usize)
            .into_iter()
            .filter_map(|place| ready.get(place))
            .min_by_key(|worker| worker.outstanding.load(Ordering::Relaxed))
            .map(|worker| Chosen::new(Arc::clone(worker)))
    }

    /// Whether any worker is ready.
    pub(crate) fn any_ready(&self) -> bool {
        self.workers.iter().any(|worker| worker.is_ready())
    }

    /// For how long none has been ready; `None` while one is.
    pub(crate) fn unready_for(&self) -> Option<Duration> {
        self.lock_unready().map(|since| since.elapsed())
    }

    /// Every worker as it was last seen.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.workers.iter().map(|worker| worker.lock().clone()).collect()
    }

    /// Asks every worker how it is, again and again. A worker that does not
    /// answer is down until it does; asking is also what reconnects.
    pub(crate) async fn watch(&self, changed: impl Fn(bool), until: CancellationToken) {
        let all = join_all(self.workers.iter().map(|worker| self.watch_one(worker, &changed)));
        // The process leaves.
        let _left = until.run_until_cancelled(all).await;
    }

    /// Each at its own pace: one that takes its time must not keep the gateway
    /// from seeing that another has come or gone.
    async fn watch_one(&self, worker: &Worker, changed: impl Fn(bool)) {
        let mut ticks = tokio::time::interval(self.settings.status_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            worker.ask(self.settings.status_timeout).await;
            let ready = self.any_ready();
            let mut unready = self.lock_unready();
            if ready {
                *unready = None;
            } else {
                unready.get_or_insert_with(Instant::now);
            }
            drop(unready);
            changed(ready);
        }
    }

    fn lock_unready(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.unready_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Worker ===

impl Worker {
    fn new(addr: &str, client: WorkerClient<Channel>, ejection: EjectionSettings) -> Self {
        let seen = Seen { addr: addr.to_owned(), state: "init", modules: Vec::new() };
        Self {
            addr: addr.into(),
            client,
            outstanding: AtomicUsize::new(0),
            seen: Mutex::new(seen),
            is_down: watch::Sender::new(false),
            record: Mutex::default(),
            ejection,
        }
    }

    fn is_ready(&self) -> bool {
        matches!(self.lock().state, "ready" | "degraded")
    }

    async fn ask(&self, within: Duration) {
        let mut client = self.client.clone();
        let (modules, trouble) = match timeout(within, client.status(StatusRequest {})).await {
            Ok(Ok(answer)) => (answer.into_inner().modules, None),
            Ok(Err(status)) => (Vec::new(), Some(format!("{:?}", status.code()))),
            Err(_) => (Vec::new(), Some("no answer in time".to_owned())),
        };
        let state = if trouble.is_some() { "down" } else { overall(&modules) };
        let modules = modules.into_iter().map(SeenModule::from).collect();
        self.note(state, modules, trouble);
    }

    fn note(&self, state: &'static str, modules: Vec<SeenModule>, trouble: Option<String>) {
        let addr = self.addr.to_string();
        let before = std::mem::replace(&mut *self.lock(), Seen { addr, state, modules });
        self.is_down.send_if_modified(|before| {
            let now = state == "down";
            std::mem::replace(before, now) != now
        });
        if before.state != state {
            let addr = self.addr.to_string();
            nexy_telemetry::emit(&WorkerChanged { addr, state, reason: trouble });
        }
    }

    fn is_ejected(&self, now: std::time::Instant) -> bool {
        self.lock_record().is_ejected(now)
    }

    fn lock_record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Chosen ===

impl Chosen {
    fn new(worker: Arc<Worker>) -> Self {
        worker.outstanding.fetch_add(1, Ordering::Relaxed);
        Self(worker)
    }

    /// Where it is.
    pub(crate) fn addr(&self) -> &Arc<str> {
        &self.0.addr
    }

    /// Tells that the worker brought a turn to its end, whatever that was.
    pub(crate) fn served(&self) {
        self.0.lock_record().served();
    }

    /// Tells that the worker broke a turn.
    pub(crate) fn failed(&self) {
        let ejected = self.0.lock_record().failed(clock::now(), self.0.ejection);
        if let Some(pause) = ejected {
            nexy_telemetry::emit(&WorkerEjected { addr: self.0.addr.to_string(), pause });
        }
    }

    /// Tells that the worker cannot be reached. It gets no turns until it says
    /// that it is well.
    pub(crate) fn lost(&self) {
        self.0.note("down", Vec::new(), Some("its connection broke".to_owned()));
    }

    /// Tells that a call of the worker ended with this code instead of its answer.
    pub(crate) fn blame(&self, code: Code) {
        match code {
            // The client's time was up, or the request was no good.
            Code::DeadlineExceeded | Code::InvalidArgument => {}
            Code::Unavailable => self.lost(),
            _ => self.failed(),
        }
    }

    /// Resolves when the worker is down.
    pub(crate) async fn down(&self) {
        let mut is_down = self.0.is_down.subscribe();
        if is_down.wait_for(|is_down| *is_down).await.is_err() {
            // Nobody is left to tell; this value holds the worker, so that does
            // not happen.
            std::future::pending::<()>().await;
        }
    }

    /// A client of the worker; cheap.
    pub(crate) fn client(&self) -> WorkerClient<Channel> {
        self.0.client.clone()
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.0.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl SeenModule ===

impl From<ModuleStatus> for SeenModule {
    fn from(ModuleStatus { name, state, reason }: ModuleStatus) -> Self {
        Self { name, state, reason }
    }
}

/// Whether another worker may do better with a request that ended with this code.
pub(crate) const fn may_pass_elsewhere(code: Code) -> bool {
    !matches!(code, Code::DeadlineExceeded | Code::InvalidArgument)
}

/// Two different places out of so many, or fewer where there are fewer.
fn two_of(count: usize, below: &mut impl FnMut(std::ops::RangeTo<usize>) -> usize) -> Vec<usize> {
    match count {
        0 => Vec::new(),
        1 => vec![0],
        _ => {
            let first = below(..count);
            vec![first, (first + 1 + below(..count - 1)) % count]
        }
    }
}

/// A worker is as well as its modules, but not down because one of them is: it
/// still serves what it can. Without any word about modules it is starting.
fn overall(modules: &[ModuleStatus]) -> &'static str {
    match modules {
        [] => "init",
        modules if modules.iter().all(|module| module.state == "ready") => "ready",
        _ => "degraded",
    }
}

#[cfg(test)]
mod tests;
