//! The composition root: every module of the gateway, built from settings in
//! one place and held as a typed field.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use nexy_backpressure::{Admission, Permit};
use nexy_config::{ActionsTransport, Flags, Live, Settings};
use nexy_interrupt_handling::Interrupts;
use nexy_proto::worker::Action;
use nexy_runtime::{Shutdown, grpc::Peer, tls::Name};
use nexy_session_management::{
    Chunk, CollectKey, CollectSettings, Collector, ConfirmSettings, Confirmations, Merged, Registry,
};
use nexy_types::{ErrorType, HardwareId, ModuleState, ModuleStatus, TurnNumber};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    call::Guards,
    clock,
    decisions::Admitted,
    latest::{self, Latest},
    options::{Actions, Options},
    refusal::Refusal,
    screenshot::Screenshot,
    validate::Incoming,
    workers::{self, Workers},
};

/// The modules of the gateway.
#[derive(Debug)]
pub(crate) struct ModuleCoordinator {
    pub(crate) settings: Arc<Settings>,
    pub(crate) live: Arc<Live>,
    pub(crate) shutdown: Shutdown,
    pub(crate) admission: Admission,
    pub(crate) sessions: Registry,
    pub(crate) interrupts: Interrupts,
    pub(crate) collector: Collector<Screenshot>,
    pub(crate) confirmations: Confirmations<Action>,
    pub(crate) workers: Workers,
    pub(crate) latest: Latest,
    /// Bounds CPU-heavy work, see [`Self::decode_screenshot`].
    cpu: Semaphore,
    turns: AtomicU64,
}

/// The permit of one stream, with its lines in the decision log.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    permit: Option<Permit>,
    admission: Admission,
    method: &'static str,
}

// === impl ModuleCoordinator ===

impl ModuleCoordinator {
    /// Builds every module. Nothing runs yet.
    ///
    /// # Errors
    /// When an address in the settings cannot be one.
    pub(crate) fn new(
        settings: Arc<Settings>,
        live: Arc<Live>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let limits = &settings.backpressure;
        Ok(Self {
            admission: Admission::new(limits.max_concurrent_streams),
            sessions: Registry::new(nexy_session_management::LeaseSettings {
                one_session_per_device: settings.workflow.prevent_concurrent_hardware_id_sessions,
            }),
            interrupts: Interrupts::default(),
            collector: Collector::new(CollectSettings {
                ttl: limits.collect_ttl,
                max_entries: limits.collect_max_entries,
                max_text_chars: settings.limits.max_prompt_chars,
                max_total_bytes: limits.collect_max_bytes,
            }),
            confirmations: Confirmations::new(ConfirmSettings {
                within: settings.actions.confirm_within,
                max_waiting: settings.actions.confirm_max_devices,
            }),
            workers: Workers::new(workers::Settings::new(&settings)?)?,
            latest: Latest::new(latest::Settings {
                addr: settings.update.grpc_addr.clone(),
                peer: Peer::new(&settings, Name::Update)?,
                ttl: settings.update.latest_cache_ttl,
                timeout: settings.update.latest_timeout,
            })?,
            cpu: Semaphore::new(settings.grpc.max_workers),
            turns: AtomicU64::new(0),
            settings,
            live,
            shutdown,
        })
    }

    /// Takes a permit for a call that opens now.
    ///
    /// # Errors
    /// `stream_limit_exceeded`, or `unavailable` while the process leaves.
    pub(crate) fn admit(&self, method: &'static str) -> Result<StreamPermit, Refusal> {
        if self.shutdown.is_draining() {
            return Err(Refusal::unavailable("the server is shutting down"));
        }
        let admission = self.admission.clone();
        match admission.try_admit() {
            Ok(permit) => {
                report("stream_acquired", method, &admission);
                Ok(StreamPermit { permit: Some(permit), admission, method })
            }
            Err(full) => {
                report("stream_rejected", method, &admission);
                Err(Refusal::new(ErrorType::StreamLimitExceeded, full.to_string()))
            }
        }
    }

    /// Takes the guards of a turn that starts now.
    ///
    /// # Errors
    /// `session_busy` while a turn of the session (or device, by config) runs.
    pub(crate) fn begin_turn(&self, incoming: &Incoming) -> Result<Guards, Refusal> {
        let Incoming { device, session, .. } = incoming;
        let number = TurnNumber(self.turns.fetch_add(1, Ordering::Relaxed) + 1);
        let lease = self
            .sessions
            .acquire(session, device, number)
            .map_err(|busy| Refusal::new(ErrorType::SessionBusy, busy.to_string()))?;
        let running = self.interrupts.register(device.clone(), session.clone(), number);
        Ok(Guards { number, running, lease })
    }

    /// Keeps a part of a question until its COMMIT.
    ///
    /// # Errors
    /// When it, or all that is kept, is too large.
    pub(crate) fn collect(
        &self,
        incoming: &Incoming,
        seq: i32,
        text: &str,
        screenshot: Option<Screenshot>,
    ) -> Result<(), Refusal> {
        let chunk = Chunk { seq, text, screenshot };
        self.collector
            .collect(&key(incoming), chunk, clock::now())
            .map_err(|full| Refusal::new(full.error_type(), full.to_string()))
    }

    /// The question as a whole: what was collected, and the prompt.
    pub(crate) fn merge_collected(&self, incoming: &Incoming, prompt: &str) -> Merged<Screenshot> {
        self.collector.merge(&key(incoming), prompt, clock::now())
    }

    /// Forgets what was collected, once it is being answered.
    pub(crate) fn forget_collected(&self, incoming: &Incoming) {
        self.collector.commit(&key(incoming));
    }

    /// Drops what was collected and never asked, again and again: what was said
    /// stays in memory for twice its time to live at most, traffic or not.
    pub(crate) async fn expire_collected(&self, until: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                // The process leaves.
                () = until.cancelled() => return,
                // What was there the last time is old, unless it has changed.
                () = tokio::time::sleep(self.settings.backpressure.collect_ttl) => {}
            }
            self.collector.expire(clock::now());
        }
    }

    /// What the words that a device says now may agree to. A question that is
    /// refused takes it away too: it may have been a no.
    pub(crate) fn take_waiting(&self, device: &HardwareId) -> Option<Action> {
        self.confirmations.take(device, clock::now())
    }

    /// A turn of the device is complete, and perhaps asks it to agree.
    pub(crate) fn settle_waiting(&self, device: &HardwareId, waiting: Option<Action>) {
        self.confirmations.settle(device, waiting, clock::now());
    }

    /// Decodes a screenshot off the runtime's threads: a large one takes
    /// milliseconds of CPU, and other people's audio is waiting.
    ///
    /// # Errors
    /// `validation_failed` when it is not an image within the limit.
    pub(crate) async fn decode_screenshot(&self, base64: String) -> Result<Screenshot, Refusal> {
        let max_bytes = self.settings.limits.max_screenshot_bytes;
        // Never closed, so this waits for a place and nothing else.
        let _place = self.cpu.acquire().await;
        tokio::task::spawn_blocking(move || Screenshot::decode(&base64, max_bytes))
            .await
            .unwrap_or_else(|_| {
                Err(Refusal::new(ErrorType::Internal, "the screenshot could not be decoded"))
            })
    }

    /// How actions travel to this client; `None` when they do not.
    pub(crate) fn transport(
        &self,
        options: &Options,
        flags: &Flags,
        device: &HardwareId,
    ) -> Option<ActionsTransport> {
        if !flags.forward_actions(device) || !flags.workflow_integrations() {
            return None;
        }
        match options.actions {
            None => Some(self.settings.actions.transport),
            Some(Actions::Over(transport)) => Some(transport),
            Some(Actions::None) => None,
        }
    }

    /// What each module of the gateway itself reports.
    pub(crate) fn statuses(&self) -> Vec<ModuleStatus> {
        let workers = if self.workers.any_ready() {
            ModuleStatus::ready("workers")
        } else {
            ModuleStatus::with_reason("workers", ModuleState::Down, "no worker is ready")
        };
        let updates = if self.latest.release().is_some() {
            ModuleStatus::ready("updates")
        } else {
            let reason = "the update server is out of reach or serves no release";
            ModuleStatus::with_reason("updates", ModuleState::Degraded, reason)
        };
        vec![
            ModuleStatus::ready("backpressure"),
            ModuleStatus::ready("session_management"),
            ModuleStatus::ready("interrupt_handling"),
            workers,
            updates,
        ]
    }

    /// Why new work is not welcome, if it is not.
    pub(crate) fn not_ready(&self) -> Option<&'static str> {
        if self.shutdown.is_leaving() {
            return Some("the server is shutting down");
        }
        (!self.workers.any_ready()).then_some("no worker is ready")
    }

    /// Why the process cannot serve, if it cannot: a worker may be gone for a
    /// moment without that.
    pub(crate) fn not_healthy(&self) -> Option<&'static str> {
        if self.shutdown.is_draining() {
            return Some("the server is shutting down");
        }
        let grace = self.settings.worker.unready_grace;
        self.workers
            .unready_for()
            .is_some_and(|unready| unready > grace)
            .then_some("no worker has been ready for too long")
    }
}

fn key(incoming: &Incoming) -> CollectKey {
    CollectKey { device: incoming.device.clone(), session: incoming.session.clone() }
}

// === impl StreamPermit ===

impl Drop for StreamPermit {
    fn drop(&mut self) {
        // First given back, then told, so that the line counts what is left.
        self.permit = None;
        report("stream_released", self.method, &self.admission);
    }
}

fn report(decision: &'static str, method: &'static str, admission: &Admission) {
    let (active, max) = (admission.active(), admission.limit());
    nexy_telemetry::emit(&Admitted { decision, method, active_streams: active, max_streams: max });
}
