use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use nexy_types::HardwareId;

use crate::Remembered;

/// What waits to be written, so that it can be recalled before. As large as the
/// write queue and the one write under way.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<HashMap<HardwareId, Vec<Remembered>>>);

// === impl Pending ===

impl Pending {
    pub(crate) fn add(&self, device: HardwareId, entry: Remembered) {
        self.lock().entry(device).or_default().push(entry);
    }

    /// Oldest first.
    pub(crate) fn of(&self, device: &HardwareId) -> Vec<Remembered> {
        self.lock().get(device).cloned().unwrap_or_default()
    }

    /// Written, or given up.
    pub(crate) fn remove(&self, device: &HardwareId, entry: &Remembered) {
        let mut pending = self.lock();
        let Some(entries) = pending.get_mut(device) else { return };
        if let Some(position) = entries.iter().position(|known| known == entry) {
            entries.remove(position);
        }
        if entries.is_empty() {
            pending.remove(device);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HardwareId, Vec<Remembered>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
