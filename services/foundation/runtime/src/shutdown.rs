use tokio_util::sync::CancellationToken;

/// The tokens of a shutdown, cancelled in this order: `leaving`, `drain`, `force`.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    leaving: CancellationToken,
    drain: CancellationToken,
    force: CancellationToken,
}

// === impl Shutdown ===

impl Shutdown {
    /// Cancelled when the service asks for no new work, and still takes what comes.
    #[must_use]
    pub fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

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

    /// Whether the service wants no new work.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// Whether the service takes no new work.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Turns readiness off, so that others stop sending work.
    pub fn announce(&self) {
        self.leaving.cancel();
    }

    /// Starts the drain.
    pub fn begin(&self) {
        self.leaving.cancel();
        self.drain.cancel();
    }

    /// Cuts what still runs.
    pub fn cut(&self) {
        self.begin();
        self.force.cancel();
    }
}
