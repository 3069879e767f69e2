//! Processes that are started ahead.
//!
//! espeak-ng loads its data and its voice before it reads stdin, and that takes
//! nearly all of the time to its first byte. A process that waits for its text
//! has this behind it. Each one still says a single utterance.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::process::Child;

use super::{Manner, Settings};

/// Processes that wait for their text, the latest used manner last. Clones share
/// them; the last clone kills them. Should we be killed first, the end of their
/// stdin ends them.
#[derive(Debug, Clone)]
pub(super) struct Warm {
    settings: Arc<Settings>,
    most: usize,
    idle: Arc<Mutex<VecDeque<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    manner: Manner,
    process: Child,
}

// === impl Warm ===

impl Warm {
    pub(super) fn new(settings: Arc<Settings>, most: usize) -> Self {
        Self { settings, most, idle: Arc::default() }
    }

    /// The process started last for this manner. It may have died since.
    pub(super) fn take(&self, manner: &Manner) -> Option<Child> {
        let mut idle = self.idle();
        let place = idle.iter().rposition(|idle| idle.manner == *manner)?;
        idle.remove(place).map(|idle| idle.process)
    }

    /// Starts the successor of a process that was given its text. So there are
    /// as many for a manner as were used at once, and those for manners that are
    /// out of use are the first to make room.
    pub(super) fn replace(&self, manner: Manner) {
        if self.most == 0 {
            return;
        }
        // Without it the next utterance starts its own, and tells what is wrong.
        let Ok(process) = self.settings.command(&manner).spawn() else { return };
        let mut idle = self.idle();
        idle.push_back(Idle { manner, process });
        let surplus = idle.len().saturating_sub(self.most);
        // Dropping kills them.
        idle.drain(..surplus);
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
