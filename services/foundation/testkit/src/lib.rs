//! Real processes and fake providers for tests: never part of a deployed binary.
//!
//! [`stack`] runs the product's own binaries on loopback. The fake providers
//! speak their provider's real wire format and are told, per test, to be slow,
//! odd, broken or wrong. [`fuzz`] drives the properties that fuzzing drives.

pub mod azure_server;
pub mod chat_server;
pub mod fuzz;
pub mod gemini_server;
pub mod model_server;
pub mod speech_server;
pub mod stack;

/// Makes ring the process's one TLS implementation, as the binaries do.
pub fn install_tls_provider() {
    // An error only says that a provider is installed already.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
