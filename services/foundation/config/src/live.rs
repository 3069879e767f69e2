use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::{
    flags::{FlagRefused, FlagValue, Flags},
    problem::Problems,
    settings::Settings,
    sources::Sources,
};

/// The flags of a running process: read by every turn, changed by a reload or
/// one by one.
///
/// A reload is all or nothing: sources that do not validate as a whole change no
/// flag. A flag that is set by itself keeps its value over reloads, until it is
/// reset or the process ends. Settings other than flags keep the values of the
/// start.
pub struct Live {
    current: ArcSwap<Flags>,
    chosen: Mutex<Chosen>,
    /// Held while they are read, so that one reload waits for the other.
    sources: Mutex<Sources>,
}

/// What [`Live::current`] is made of.
struct Chosen {
    /// What the sources say.
    configured: Flags,
    /// What wins over them, by key.
    set: BTreeMap<&'static str, FlagValue>,
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

/// One flag as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FlagRow {
    /// Its key.
    pub name: &'static str,
    /// What holds.
    pub value: FlagValue,
    /// What the sources say.
    pub configured: FlagValue,
    /// Whether it was set by itself, so that the sources do not count.
    pub is_set: bool,
}

/// What setting or resetting one flag came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjusted {
    /// The flag before.
    pub before: FlagRow,
    /// The flag now.
    pub after: FlagRow,
}

// === impl Live ===

impl Live {
    /// Starts with flags that were loaded from these sources.
    #[must_use]
    pub fn new(sources: Sources, flags: Flags) -> Self {
        Self {
            current: ArcSwap::from_pointee(flags),
            chosen: Mutex::new(Chosen { configured: flags, set: BTreeMap::new() }),
            sources: Mutex::new(sources),
        }
    }

    /// The flags now.
    #[must_use]
    pub fn snapshot(&self) -> Flags {
        **self.current.load()
    }

    /// Every flag, in the order of [`Flags::entries`].
    #[must_use]
    pub fn rows(&self) -> Vec<FlagRow> {
        let chosen = lock(&self.chosen);
        let names = chosen.configured.entries().map(|(name, _)| name);
        names.iter().filter_map(|name| chosen.row(name).ok()).collect()
    }

    /// The overlay file to watch, whether it is there or not.
    #[must_use]
    pub fn overlay(&self) -> Option<PathBuf> {
        lock(&self.sources).overlay()
    }

    /// Reads the sources again. Reads files, so it blocks for a moment.
    ///
    /// # Errors
    /// When anything in them is wrong, flag or not; the flags stay as they are.
    pub fn reload(&self) -> Result<Vec<FlagChange>, Problems> {
        let sources = lock(&self.sources);
        let (settings, _) = Settings::load(&sources)?;
        let mut chosen = lock(&self.chosen);
        chosen.configured = settings.flags();
        let old = self.snapshot();
        let new = self.apply(&chosen);
        let pairs = old.entries().into_iter().zip(new.entries());
        let changes = pairs.filter(|((_, from), (_, to))| from != to);
        Ok(changes.map(|((name, from), (_, to))| FlagChange { name, from, to }).collect())
    }

    /// Sets one flag, by its key or by the last part of it. Reads no file: a
    /// kill switch works whatever has become of the sources.
    ///
    /// # Errors
    /// When there is no such flag, or it cannot have the value.
    pub fn set(&self, name: &str, value: FlagValue) -> Result<Adjusted, FlagRefused> {
        self.adjust(name, |chosen, key| {
            chosen.configured.with(key, value)?;
            chosen.set.insert(key, value);
            Ok(())
        })
    }

    /// Gives one flag the value of the sources back.
    ///
    /// # Errors
    /// When there is no such flag.
    pub fn reset(&self, name: &str) -> Result<Adjusted, FlagRefused> {
        self.adjust(name, |chosen, key| {
            chosen.set.remove(key);
            Ok(())
        })
    }

    /// One flag, by its key or by the last part of it.
    ///
    /// # Errors
    /// When there is no such flag.
    pub fn row(&self, name: &str) -> Result<FlagRow, FlagRefused> {
        let chosen = lock(&self.chosen);
        chosen.key(name).and_then(|key| chosen.row(key))
    }

    fn adjust(
        &self,
        name: &str,
        change: impl FnOnce(&mut Chosen, &'static str) -> Result<(), FlagRefused>,
    ) -> Result<Adjusted, FlagRefused> {
        let mut chosen = lock(&self.chosen);
        let key = chosen.key(name)?;
        let before = chosen.row(key)?;
        change(&mut chosen, key)?;
        self.apply(&chosen);
        Ok(Adjusted { before, after: chosen.row(key)? })
    }

    fn apply(&self, chosen: &Chosen) -> Flags {
        let flags = chosen.flags();
        self.current.store(Arc::new(flags));
        flags
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("flags", &self.snapshot()).finish_non_exhaustive()
    }
}

/// A panic while a lock was held has left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Chosen ===

impl Chosen {
    fn flags(&self) -> Flags {
        self.set.iter().fold(self.configured, |flags, (key, value)| {
            // What was let in is a flag with a value that it can have.
            flags.with(key, *value).unwrap_or(flags)
        })
    }

    /// The key of a flag that is named so.
    fn key(&self, name: &str) -> Result<&'static str, FlagRefused> {
        let is_meant =
            |key: &str| key == name || key.split_once('.').is_some_and(|(_, last)| last == name);
        let mut keys = self.configured.entries().into_iter().map(|(key, _)| key);
        keys.find(|key| is_meant(key)).ok_or(FlagRefused::Unknown)
    }

    fn row(&self, key: &'static str) -> Result<FlagRow, FlagRefused> {
        let of = |flags: Flags| {
            let mut entries = flags.entries().into_iter();
            entries.find(|(name, _)| *name == key).map(|(_, value)| value)
        };
        let value = of(self.flags()).ok_or(FlagRefused::Unknown)?;
        let configured = of(self.configured).ok_or(FlagRefused::Unknown)?;
        Ok(FlagRow { name: key, value, configured, is_set: self.set.contains_key(key) })
    }
}
