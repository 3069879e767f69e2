use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a fake really waited while it answered one request, wait by wait:
/// what its script says, and what timer and machine added. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<Mutex<Vec<Duration>>>);

impl Waits {
    /// The first so many of them in all; less when fewer are over.
    #[must_use]
    pub fn first(&self, count: usize) -> Duration {
        self.lock().iter().take(count).sum()
    }

    /// Waits, and notes how long that took.
    pub(crate) async fn sleep(&self, time: Duration) {
        // Even a sleep of nothing takes a tick of the timer.
        if time.is_zero() {
            return;
        }
        let began = Instant::now();
        tokio::time::sleep(time).await;
        self.lock().push(began.elapsed());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
