use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;

use crate::{
    flags::{FlagValue, Flags},
    keys::{KEYS, Key},
    problem::{Origin, Problem, Problems},
    settings::Settings,
    sources::Sources,
};

/// The flags of a running process: read by every turn, changed by a reload or
/// by the admin endpoint.
///
/// A change is all or nothing: sources that do not validate as a whole change no
/// flag. Settings other than flags keep the values of the start.
pub struct Live {
    current: ArcSwap<Flags>,
    /// Also what makes one change wait for the other.
    sources: Mutex<Sources>,
}

/// A flag that has another value than before; its line in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagChange {
    /// Its key, e.g. `features.forward_assistant_actions`.
    pub name: &'static str,
    /// The old value.
    pub from: FlagValue,
    /// The new value.
    pub to: FlagValue,
}

// === impl Live ===

impl Live {
    /// Starts with flags that were loaded from these sources.
    #[must_use]
    pub fn new(sources: Sources, flags: Flags) -> Self {
        Self { current: ArcSwap::from_pointee(flags), sources: Mutex::new(sources) }
    }

    /// The flags now.
    #[must_use]
    pub fn snapshot(&self) -> Flags {
        **self.current.load()
    }

    /// The overlay file to watch, whether it is there or not.
    #[must_use]
    pub fn overlay(&self) -> Option<PathBuf> {
        self.lock().overlay()
    }

    /// Reads the sources again. Reads files, so it blocks for a moment.
    ///
    /// # Errors
    /// When anything in them is wrong, flag or not; the flags stay as they are.
    pub fn reload(&self) -> Result<Vec<FlagChange>, Problems> {
        let sources = self.lock();
        self.apply(&sources)
    }

    /// Sets one flag, named by its key, to `true`, `false` or `25%`. The value
    /// outlives reloads and ends with the process. Reads files, so it blocks for
    /// a moment.
    ///
    /// # Errors
    /// When there is no such flag, the value is not allowed, or the sources do
    /// not validate; the flags stay as they are.
    pub fn set(&self, name: &str, value: &str) -> Result<Vec<FlagChange>, Problems> {
        if !Key::find(name).is_some_and(|key| key.kind.is_flag()) {
            let flags = KEYS.iter().filter(|key| key.kind.is_flag()).map(|key| key.path);
            let expected = format!("a flag, one of {}", flags.collect::<Vec<_>>().join(", "));
            return Err(Problem::new(name, Origin::Set.describe(name), expected).into());
        }
        let mut sources = self.lock();
        let candidate = sources.clone().with_set(name, value);
        let changes = self.apply(&candidate)?;
        *sources = candidate;
        Ok(changes)
    }

    fn apply(&self, sources: &Sources) -> Result<Vec<FlagChange>, Problems> {
        let (settings, _) = Settings::load(sources)?;
        let new = settings.flags();
        let old = self.current.swap(Arc::new(new));
        let pairs = old.entries().into_iter().zip(new.entries());
        let changes = pairs.filter(|((_, from), (_, to))| from != to);
        Ok(changes.map(|((name, from), (_, to))| FlagChange { name, from, to }).collect())
    }

    /// A panic while the lock was held has left nothing half done.
    fn lock(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("flags", &self.snapshot()).finish_non_exhaustive()
    }
}
