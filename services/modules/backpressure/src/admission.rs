use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// How many streams may be open at once.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    active: AtomicUsize,
    limit: usize,
}

/// The right to hold one stream open. Given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<Gate>);

/// The server is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many concurrent streams: the limit of {limit} is reached")]
pub struct Refused {
    /// `backpressure.max_concurrent_streams`.
    pub limit: usize,
}

// === impl Admission ===

impl Admission {
    /// Admits up to `limit` streams at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Gate { active: AtomicUsize::new(0), limit }))
    }

    /// Takes a permit, or refuses at once.
    ///
    /// # Errors
    /// When as many streams as allowed are open.
    pub fn try_admit(&self) -> Result<Permit, Refused> {
        let limit = self.0.limit;
        self.0
            .active
            .try_update(Ordering::AcqRel, Ordering::Acquire, |active| {
                (active < limit).then_some(active + 1)
            })
            .map(|_| Permit(Arc::clone(&self.0)))
            .map_err(|_| Refused { limit })
    }

    /// How many streams are open.
    #[must_use]
    pub fn active(&self) -> usize {
        self.0.active.load(Ordering::Acquire)
    }

    /// How many may be.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
