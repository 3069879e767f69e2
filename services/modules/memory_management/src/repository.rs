use nexy_types::{BoxFuture, ErrorType, HardwareId, SessionId};

use crate::{Remembered, UnixMillis};

/// A store that did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Why, as one word of the store's own: `unreachable`, `busy`, `read_only`…
    /// Never a value that was to be stored.
    #[error("use memory store: {0}")]
    Store(&'static str),
}

/// One exchange to keep, and what to let go for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Whose.
    pub device: HardwareId,
    /// What.
    pub entry: Remembered,
    /// Exchanges of the device that are not newer than this are expired.
    pub newer_than: UnixMillis,
    /// Bytes of all exchanges of the device; the oldest go first. The entry
    /// itself is never larger.
    pub max_bytes: usize,
}

/// What a client says it spent on a model itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// Who spent it.
    pub device: HardwareId,
    /// In which session, if the client said.
    pub session: Option<SessionId>,
    /// Which part of the client.
    pub source: String,
    /// Which model.
    pub model: String,
    /// Tokens read by the model.
    pub input_tokens: u32,
    /// Tokens written by the model.
    pub output_tokens: u32,
}

/// Where exchanges are kept.
pub trait MemoryRepository: Send + Sync {
    /// The exchanges of a device that are newer than a time, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn load<'a>(
        &'a self,
        device: &'a HardwareId,
        newer_than: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, Error>>;

    /// Keeps an exchange and drops what is expired or too much, all or nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn append<'a>(&'a self, append: &'a Append) -> BoxFuture<'a, Result<(), Error>>;

    /// Drops the exchanges of all devices that are not newer than a time.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn forget(&self, newer_than: UnixMillis) -> BoxFuture<'_, Result<(), Error>>;
}

/// Where usage is kept.
pub trait UsageRepository: Send + Sync {
    /// Keeps a report.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn record<'a>(
        &'a self,
        report: &'a UsageReport,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<(), Error>>;
}

/// Both, as one database keeps them.
pub trait Store: MemoryRepository + UsageRepository {}

impl<T: MemoryRepository + UsageRepository> Store for T {}

// === impl Error ===

impl Error {
    /// How the failure looks to a client, where it reaches one.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        ErrorType::Unavailable
    }

    pub(crate) const fn reason(self) -> &'static str {
        let Self::Store(reason) = self;
        reason
    }
}
