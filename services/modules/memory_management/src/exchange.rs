use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// A question and its answer. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the user asked.
    pub prompt: String,
    /// What the assistant said.
    pub reply: String,
}

/// An exchange and when it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// When it was remembered.
    pub at: UnixMillis,
    /// What was said.
    pub exchange: Exchange,
}

/// What is known of a device when a turn begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recollection {
    /// The conversation so far, oldest first.
    pub exchanges: Vec<Exchange>,
}

// === impl UnixMillis ===

impl UnixMillis {
    /// The system's time.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }

    /// So much earlier.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

// === impl Exchange ===

impl Exchange {
    /// Its size as memory counts it: bytes of both texts in UTF-8.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.prompt.len() + self.reply.len()
    }

    /// What can be kept of it in so many bytes: of a longer one the beginnings
    /// of both texts, half of the room each, or more where the other needs
    /// less. NUL is left out, which PostgreSQL cannot store.
    #[must_use]
    pub(crate) fn storable(mut self, max_bytes: usize) -> Self {
        self.prompt.retain(|c| c != '\0');
        self.reply.retain(|c| c != '\0');
        if self.bytes() > max_bytes {
            let half = max_bytes / 2;
            let for_prompt = half.max(max_bytes.saturating_sub(self.reply.len()));
            self.prompt.truncate(self.prompt.floor_char_boundary(for_prompt));
            let for_reply = max_bytes - self.prompt.len();
            self.reply.truncate(self.reply.floor_char_boundary(for_reply));
        }
        self
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({} bytes)", self.bytes())
    }
}
