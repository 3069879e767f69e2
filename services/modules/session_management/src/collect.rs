use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nexy_types::{ErrorType, HardwareId, SessionId};

use crate::merge::merge;

/// How much is collected, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectSettings {
    /// How long an entry is kept after its last accepted chunk.
    pub ttl: Duration,
    /// How many entries there are at most.
    pub max_entries: usize,
    /// The text of one entry, in characters: those of a prompt.
    pub max_text_chars: usize,
    /// Texts and screenshots of all entries together, in bytes.
    pub max_total_bytes: usize,
}

/// Whose speech is collected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CollectKey {
    /// The device.
    pub device: HardwareId,
    /// Its session.
    pub session: SessionId,
}

/// What one COLLECT message brings.
#[derive(Clone)]
pub struct Chunk<'a, S> {
    /// Its number. One that is not above the entry's last is ignored.
    pub seq: i32,
    /// Recognised speech; may be empty.
    pub text: &'a str,
    /// Replaces the entry's screenshot.
    pub screenshot: Option<S>,
}

/// What a COMMIT asks, with everything that was collected for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Merged<S> {
    /// The collected speech with the COMMIT's own merged into it.
    pub prompt: String,
    /// The screenshot that was collected last.
    pub screenshot: Option<S>,
}

/// Why a chunk is refused. What was collected before is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The entry's text would get longer than a prompt may be.
    #[error("the collected text must be at most {max_chars} characters")]
    Text {
        /// The limit.
        max_chars: usize,
    },
    /// The server collects for as many sessions, or as many bytes, as it may.
    #[error("too much is being collected at the moment")]
    Server,
}

/// Collected speech and screenshots, until their COMMIT. Clones share it.
///
/// A screenshot is anything that shows its bytes; one that is cheap to clone
/// makes [`Collector::merge`] cheap.
pub struct Collector<S> {
    buffers: Arc<Mutex<Buffers<S>>>,
}

struct Buffers<S> {
    settings: CollectSettings,
    entries: HashMap<CollectKey, Entry<S>>,
    /// The sum of [`Entry::bytes`].
    bytes: usize,
}

struct Entry<S> {
    seq: i32,
    text: String,
    screenshot: Option<S>,
    changed: Instant,
}

// === impl Chunk ===

impl<S> fmt::Debug for Chunk<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({}, {} bytes)", self.seq, self.text.len())
    }
}

// === impl Merged ===

impl<S> fmt::Debug for Merged<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Merged({} bytes)", self.prompt.len())
    }
}

// === impl Full ===

impl Full {
    /// What the client is told.
    #[must_use]
    pub const fn error_type(self) -> ErrorType {
        match self {
            Self::Text { .. } => ErrorType::ValidationFailed,
            Self::Server => ErrorType::Unavailable,
        }
    }
}

// === impl Collector ===

impl<S> Clone for Collector<S> {
    fn clone(&self) -> Self {
        Self { buffers: Arc::clone(&self.buffers) }
    }
}

impl<S> fmt::Debug for Collector<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector(..)")
    }
}

impl<S: AsRef<[u8]> + Clone> Collector<S> {
    /// Nothing is collected yet.
    #[must_use]
    pub fn new(settings: CollectSettings) -> Self {
        let buffers = Buffers { settings, entries: HashMap::new(), bytes: 0 };
        Self { buffers: Arc::new(Mutex::new(buffers)) }
    }

    /// Takes a chunk in. One with an old or repeated number is accepted and
    /// ignored.
    ///
    /// # Errors
    /// When a limit would be passed. Nothing has changed then.
    pub fn collect(&self, key: &CollectKey, chunk: Chunk<'_, S>, now: Instant) -> Result<(), Full> {
        self.lock().collect(key, chunk, now)
    }

    /// What a COMMIT with this prompt asks. The entry stays until
    /// [`Collector::commit`], so that a COMMIT that is refused loses nothing.
    #[must_use]
    pub fn merge(&self, key: &CollectKey, prompt: &str, now: Instant) -> Merged<S> {
        self.lock().merge(key, prompt, now)
    }

    /// Removes the entry of a COMMIT that was accepted. To be called without
    /// waiting for anything since [`Collector::merge`]: what is collected in
    /// between is removed too.
    pub fn commit(&self, key: &CollectKey) {
        self.lock().remove(key);
    }

    /// Removes what has expired. Called now and then; a new entry does it too,
    /// and so does a chunk for which there is no room otherwise.
    pub fn expire(&self, now: Instant) {
        self.lock().expire(now);
    }

    /// How many entries there are, with expired ones that nothing has removed
    /// yet.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.lock().entries.len()
    }

    /// How many bytes of text and screenshots these have.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Every change of the state is made whole before anything could panic, so
    /// a poisoned lock guards a sound one.
    fn lock(&self) -> MutexGuard<'_, Buffers<S>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Buffers ===

impl<S: AsRef<[u8]> + Clone> Buffers<S> {
    fn collect(&mut self, key: &CollectKey, chunk: Chunk<'_, S>, now: Instant) -> Result<(), Full> {
        let CollectSettings { max_entries, max_text_chars, max_total_bytes, .. } = self.settings;
        let known = self.live(key, now);
        if known.is_some_and(|entry| chunk.seq <= entry.seq) {
            return Ok(());
        }
        let is_new = known.is_none();
        let before = known.map_or(0, Entry::bytes);
        let text = known.map_or("", |entry| &entry.text);
        let entry = Entry {
            seq: chunk.seq,
            text: merge(text, chunk.text),
            screenshot: chunk.screenshot.or_else(|| known?.screenshot.clone()),
            changed: now,
        };
        // Bytes bound characters from above, and counting them is free.
        if entry.text.len() > max_text_chars && entry.text.chars().count() > max_text_chars {
            return Err(Full::Text { max_chars: max_text_chars });
        }
        let grown = |bytes: usize| bytes - before + entry.bytes();
        // What has expired must not be why a chunk is refused. A known entry is
        // live, so it stays, and with it what it had before.
        if is_new || grown(self.bytes) > max_total_bytes {
            self.expire(now);
        }
        if is_new && self.entries.len() >= max_entries {
            return Err(Full::Server);
        }
        let bytes = grown(self.bytes);
        if bytes > max_total_bytes {
            return Err(Full::Server);
        }
        self.bytes = bytes;
        self.entries.insert(key.clone(), entry);
        Ok(())
    }

    fn merge(&self, key: &CollectKey, prompt: &str, now: Instant) -> Merged<S> {
        match self.live(key, now) {
            Some(Entry { text, screenshot, .. }) => {
                Merged { prompt: merge(text, prompt), screenshot: screenshot.clone() }
            }
            None => Merged { prompt: prompt.to_owned(), screenshot: None },
        }
    }

    fn remove(&mut self, key: &CollectKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes();
        }
    }

    fn expire(&mut self, now: Instant) {
        let ttl = self.settings.ttl;
        self.entries.retain(|_, entry| entry.is_live(ttl, now));
        self.bytes = self.entries.values().map(Entry::bytes).sum();
    }

    fn live(&self, key: &CollectKey, now: Instant) -> Option<&Entry<S>> {
        self.entries.get(key).filter(|entry| entry.is_live(self.settings.ttl, now))
    }
}

// === impl Entry ===

impl<S: AsRef<[u8]>> Entry<S> {
    fn bytes(&self) -> usize {
        self.text.len() + self.screenshot.as_ref().map_or(0, |image| image.as_ref().len())
    }

    fn is_live(&self, ttl: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.changed) < ttl
    }
}

#[cfg(test)]
mod tests;
