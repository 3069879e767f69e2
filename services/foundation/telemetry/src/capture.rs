use std::sync::{Arc, LazyLock, Mutex};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{
    Dispatch,
    subscriber::{DefaultGuard, NoSubscriber},
};

use crate::setup;

/// Hears nothing. While there is but one subscriber, tracing asks only the thread
/// that meets a place in the code first whether anybody listens there, and
/// remembers a no for all threads.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// The decision log of one thread, for tests of the crates that decide.
#[derive(Debug)]
pub struct Capture {
    lines: Arc<Mutex<Vec<String>>>,
    _installed: DefaultGuard,
}

/// Collects what the current thread reports, at every level, until the value
/// is dropped. For tests: services call [`crate::init`].
#[must_use]
pub fn capture() -> Capture {
    capture_at("trace")
}

pub(crate) fn capture_at(level: &str) -> Capture {
    capture_with(level, setup::provider_without_export())
}

pub(crate) fn capture_with(level: &str, provider: SdkTracerProvider) -> Capture {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let filter = crate::level::filter(level).unwrap_or_default();
    let subscriber = setup::subscriber(filter, &provider, move |line| {
        if let Ok(mut lines) = sink.lock() {
            lines.push(line);
        }
    });
    LazyLock::force(&SECOND);
    let installed = tracing::subscriber::set_default(subscriber);
    // A place in the code that another thread met first is remembered as one
    // that nobody listens to.
    tracing::callsite::rebuild_interest_cache();
    Capture { lines, _installed: installed }
}

// === impl Capture ===

impl Capture {
    /// The lines so far, without their line ends.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().map(|lines| lines.clone()).unwrap_or_default()
    }
}
