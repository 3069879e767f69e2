use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nexy_types::HardwareId;

/// How long an answer is waited for, and from how many devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmSettings {
    /// How long after its question an action can be agreed to.
    pub within: Duration,
    /// How many devices there are at most. One more takes the place of the one
    /// that was asked first, which is then asked again.
    pub max_waiting: usize,
}

/// The action that each device was asked to agree to in its last turn. Clones
/// share it.
///
/// Whatever a device says next takes its action out, and the device's next
/// complete turn replaces what is left of it: an old yes agrees to nothing.
pub struct Confirmations<A> {
    waiting: Arc<Mutex<Waiting<A>>>,
}

struct Waiting<A> {
    settings: ConfirmSettings,
    asked: HashMap<HardwareId, Asked<A>>,
}

struct Asked<A> {
    action: A,
    at: Instant,
}

// === impl Confirmations ===

impl<A> Clone for Confirmations<A> {
    fn clone(&self) -> Self {
        Self { waiting: Arc::clone(&self.waiting) }
    }
}

impl<A> fmt::Debug for Confirmations<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmations(..)")
    }
}

impl<A> Confirmations<A> {
    /// Nobody was asked yet.
    #[must_use]
    pub fn new(settings: ConfirmSettings) -> Self {
        let waiting = Waiting { settings, asked: HashMap::new() };
        Self { waiting: Arc::new(Mutex::new(waiting)) }
    }

    /// A turn of the device is complete. It asked for consent to this action,
    /// or to none: either way nothing of an earlier turn waits any more.
    pub fn settle(&self, device: &HardwareId, asked: Option<A>, now: Instant) {
        self.lock().settle(device, asked, now);
    }

    /// The device says something: what its words may agree to. It waits no
    /// longer, whatever they are.
    #[must_use]
    pub fn take(&self, device: &HardwareId, now: Instant) -> Option<A> {
        self.lock().take(device, now)
    }

    /// The device wants nothing of it.
    pub fn forget(&self, device: &HardwareId) {
        self.lock().asked.remove(device);
    }

    /// How many devices were asked, with expired ones that nothing has removed
    /// yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().asked.len()
    }

    /// Every change of the state is made whole before anything could panic, so
    /// a poisoned lock guards a sound one.
    fn lock(&self) -> MutexGuard<'_, Waiting<A>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting ===

impl<A> Waiting<A> {
    fn settle(&mut self, device: &HardwareId, asked: Option<A>, now: Instant) {
        self.asked.remove(device);
        let Some(action) = asked else { return };
        self.make_room(now);
        self.asked.insert(device.clone(), Asked { action, at: now });
    }

    fn take(&mut self, device: &HardwareId, now: Instant) -> Option<A> {
        let asked = self.asked.remove(device)?;
        asked.is_live(self.settings.within, now).then_some(asked.action)
    }

    fn make_room(&mut self, now: Instant) {
        let ConfirmSettings { within, max_waiting } = self.settings;
        if self.asked.len() < max_waiting {
            return;
        }
        self.asked.retain(|_, asked| asked.is_live(within, now));
        while self.asked.len() >= max_waiting.max(1) {
            let first = self.asked.iter().min_by_key(|(_, asked)| asked.at);
            let Some(device) = first.map(|(device, _)| device.clone()) else { return };
            self.asked.remove(&device);
        }
    }
}

// === impl Asked ===

impl<A> Asked<A> {
    fn is_live(&self, within: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < within
    }
}

#[cfg(test)]
mod tests;
