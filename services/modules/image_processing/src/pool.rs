//! Where images are worked on: a few places, each for one piece of CPU work.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::Error;

/// Bounds how much is worked on at once, and how long anybody waits for it.
#[derive(Debug)]
pub(crate) struct Pool {
    places: Arc<Semaphore>,
    timeout: Duration,
}

// === impl Pool ===

impl Pool {
    pub(crate) fn new(places: usize, timeout: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), timeout }
    }

    /// Does a piece of work once there is a place. Work that has begun cannot be
    /// stopped: who gives it up leaves at once, and the place is taken until it is
    /// over. So there is never more of it than places.
    ///
    /// # Errors
    /// [`Error::TooSlow`] at the deadline, [`Error::Failed`] when the work panics,
    /// and its own.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let working = async {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let work = move || {
                // Never closed, so it is always a place; given back by a panic, too.
                let _place = place;
                work()
            };
            spawn_blocking(work).await.unwrap_or(Err(Error::Failed))
        };
        timeout(self.timeout, working).await.unwrap_or(Err(Error::TooSlow))
    }
}

#[cfg(test)]
mod tests;
