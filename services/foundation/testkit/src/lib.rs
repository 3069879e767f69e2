//! Real processes and fake providers for tests: never part of a deployed binary.
//!
//! [`stack`] runs the product's own binaries on loopback. The fake providers
//! speak their provider's real wire format and are told, per test, to be slow,
//! odd, broken or wrong; [`https_server`] puts TLS in front of them and [`long_line`]
//! a long way between. [`fuzz`] drives the properties that fuzzing drives.

pub mod azure_server;
pub mod chat_server;
pub mod fuzz;
pub mod gemini_server;
pub mod https_server;
pub mod long_line;
pub mod model_server;
pub mod speech_server;
pub mod stack;
mod waits;

use std::time::Duration;

pub use waits::Waits;

/// The shortest of up to three tries, which ends with the first that keeps to the
/// limit: on a busy machine one can be late for reasons of the machine.
pub async fn soonest(limit: Duration, mut attempt: impl AsyncFnMut() -> Duration) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        shortest = shortest.min(attempt().await);
        if shortest < limit {
            break;
        }
    }
    shortest
}

/// Makes ring the process's one TLS implementation, as the binaries do.
pub fn install_tls_provider() {
    // An error only says that a provider is installed already.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
