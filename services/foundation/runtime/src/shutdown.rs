use tokio_util::sync::CancellationToken;

/// The two tokens of a shutdown. `force` is never cancelled before `drain`.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    force: CancellationToken,
}

// === impl Shutdown ===

impl Shutdown {
    /// Cancelled when the service takes no new work and finishes what runs.
    #[must_use]
    pub fn drain(&self) -> &CancellationToken {
        &self.drain
    }

    /// Cancelled when what still runs is cut.
    #[must_use]
    pub fn force(&self) -> &CancellationToken {
        &self.force
    }

    /// Whether the service is leaving.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Starts the drain.
    pub fn begin(&self) {
        self.drain.cancel();
    }

    /// Cuts what still runs.
    pub fn cut(&self) {
        self.drain.cancel();
        self.force.cancel();
    }
}
