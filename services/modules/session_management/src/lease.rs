use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexy_types::{ErrorType, HardwareId, SessionId, TurnNumber};

/// What a lease depends on beside its session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Whether a device may run only one of its sessions at a time.
    /// `workflow.prevent_concurrent_hardware_id_sessions`.
    pub one_session_per_device: bool,
}

/// Why a turn may not start now. The running turn is not disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// A turn of this session is running.
    #[error("a turn of this session is already running")]
    Session,
    /// A turn of another session of this device is running.
    #[error("another session of this device is already running")]
    Device,
}

/// Which sessions run a turn now.
#[derive(Debug, Default)]
pub struct Sessions {
    settings: LeaseSettings,
    running: HashMap<SessionId, Running>,
    /// How many sessions each device runs; no zeros.
    devices: HashMap<HardwareId, usize>,
}

#[derive(Debug)]
struct Running {
    device: HardwareId,
    turn: TurnNumber,
}

/// The one [`Sessions`] of a process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    sessions: Arc<Mutex<Sessions>>,
}

/// The right to run a turn of a session. Ends when it is dropped.
#[derive(Debug)]
#[must_use = "the lease ends when it is dropped"]
pub struct Lease {
    registry: Registry,
    session: SessionId,
    turn: TurnNumber,
}

// === impl Busy ===

impl Busy {
    /// What the client is told.
    #[must_use]
    pub const fn error_type(self) -> ErrorType {
        match self {
            Self::Session | Self::Device => ErrorType::SessionBusy,
        }
    }
}

// === impl Sessions ===

impl Sessions {
    /// No session is running.
    #[must_use]
    pub fn new(settings: LeaseSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Starts a turn.
    ///
    /// # Errors
    /// When a turn of the session, or of another session of a device that may
    /// only run one, is running. Nothing has changed then.
    pub fn start(
        &mut self,
        session: &SessionId,
        device: &HardwareId,
        turn: TurnNumber,
    ) -> Result<(), Busy> {
        if self.running.contains_key(session) {
            return Err(Busy::Session);
        }
        if self.settings.one_session_per_device && self.devices.contains_key(device) {
            return Err(Busy::Device);
        }
        self.running.insert(session.clone(), Running { device: device.clone(), turn });
        *self.devices.entry(device.clone()).or_default() += 1;
        Ok(())
    }

    /// Ends a turn. Does nothing when another turn of the session is running.
    pub fn end(&mut self, session: &SessionId, turn: TurnNumber) {
        if self.running.get(session).is_none_or(|running| running.turn != turn) {
            return;
        }
        let Some(Running { device, .. }) = self.running.remove(session) else { return };
        if let Some(count) = self.devices.get_mut(&device) {
            *count -= 1;
            if *count == 0 {
                self.devices.remove(&device);
            }
        }
    }

    /// How many turns are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }
}

// === impl Registry ===

impl Registry {
    /// No session is running.
    #[must_use]
    pub fn new(settings: LeaseSettings) -> Self {
        Self { sessions: Arc::new(Mutex::new(Sessions::new(settings))) }
    }

    /// Takes the lease of a session for one turn. The turn's number is unique
    /// in the process.
    ///
    /// # Errors
    /// See [`Sessions::start`].
    pub fn acquire(
        &self,
        session: &SessionId,
        device: &HardwareId,
        turn: TurnNumber,
    ) -> Result<Lease, Busy> {
        self.lock().start(session, device, turn)?;
        Ok(Lease { registry: self.clone(), session: session.clone(), turn })
    }

    /// How many turns are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.lock().running()
    }

    /// Every change of the state is made whole before anything could panic, so
    /// a poisoned lock guards a sound one.
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lease ===

impl Lease {
    /// The session it is for.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// The turn it is for.
    #[must_use]
    pub fn turn(&self) -> TurnNumber {
        self.turn
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.registry.lock().end(&self.session, self.turn);
    }
}

#[cfg(test)]
mod tests;
