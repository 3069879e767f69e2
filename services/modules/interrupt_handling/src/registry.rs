use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use nexy_types::{HardwareId, SessionId, TurnNumber};
use tokio_util::sync::CancellationToken;

/// All running turns by device.
#[derive(Debug, Clone, Default)]
pub struct Interrupts(Arc<Mutex<HashMap<HardwareId, Vec<Entry>>>>);

/// A turn that can be interrupted, for as long as this guard lives.
#[derive(Debug)]
pub struct RunningTurn {
    registry: Interrupts,
    device: HardwareId,
    entry: Entry,
}

#[derive(Debug, Clone)]
struct Entry {
    turn: TurnNumber,
    session: SessionId,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    stop: CancellationToken,
    gone: CancellationToken,
    completed: AtomicBool,
    silent: AtomicBool,
}

// === impl Interrupts ===

impl Interrupts {
    /// Registers a turn that starts now.
    #[must_use]
    pub fn register(
        &self,
        device: HardwareId,
        session: SessionId,
        turn: TurnNumber,
    ) -> RunningTurn {
        let entry = Entry { turn, session, state: Arc::default() };
        self.edit(|turns| turns.entry(device.clone()).or_default().push(entry.clone()));
        RunningTurn { registry: self.clone(), device, entry }
    }

    /// Stops every turn of the device that runs now, and waits until each is
    /// gone or `within` has passed. Returns the sessions whose turns were cut;
    /// a turn that completed by itself in the same moment is not among them, and
    /// neither is one that was silent before.
    pub async fn interrupt(&self, device: &HardwareId, within: Duration) -> Vec<SessionId> {
        let running = self.edit(|turns| turns.get(device).cloned().unwrap_or_default());
        let mut cut = Vec::new();
        for entry in &running {
            if !entry.state.silent.load(Ordering::Acquire) {
                cut.push(entry);
            }
            entry.state.stop.cancel();
        }
        // A turn that takes longer has been cancelled all the same.
        let all_gone = join_all(running.iter().map(|entry| entry.state.gone.cancelled()));
        let _in_time = tokio::time::timeout(within, all_gone).await;
        cut.into_iter()
            .filter(|entry| !entry.state.completed.load(Ordering::Acquire))
            .map(|entry| entry.session.clone())
            .collect()
    }

    /// How many turns run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.edit(|turns| turns.values().map(Vec::len).sum())
    }

    fn edit<T>(&self, change: impl FnOnce(&mut HashMap<HardwareId, Vec<Entry>>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl RunningTurn ===

impl RunningTurn {
    /// Cancelled when the turn has to stop.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.entry.state.stop
    }

    /// Whether somebody interrupted the turn.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.entry.state.stop.is_cancelled()
    }

    /// Notes that nothing of the turn can be heard any more, though its client
    /// has not read its end: who interrupts from now on waits for that end, and
    /// has not stopped the turn.
    pub fn fall_silent(&self) {
        self.entry.state.silent.store(true, Ordering::Release);
    }

    /// Ends a turn that came to its own end.
    pub fn complete(self) {
        self.entry.state.completed.store(true, Ordering::Release);
    }
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        let turn = self.entry.turn;
        self.registry.edit(|turns| {
            if let Some(entries) = turns.get_mut(&self.device) {
                entries.retain(|entry| entry.turn != turn);
                if entries.is_empty() {
                    turns.remove(&self.device);
                }
            }
        });
        self.entry.state.gone.cancel();
    }
}

#[cfg(test)]
mod tests;
