//! One bootstrap for every binary: arguments, ports, signals, drain, flush, exit code.
//!
//! A service implements [`Service`] and its `main` calls [`run`]; everything
//! that every service needs and none should write twice happens here, in this
//! order: arguments → settings → telemetry → *ports bound* → build → serve →
//! shutdown in numbered phases (see [`mod@run`]).
//!
//! Invariants: a port that cannot be bound, a setting that is wrong or a module
//! that cannot be built ends the process before the first request, with a
//! reason and an exit code; only this crate handles signals and chooses exit
//! codes; a server never binds by itself.
//!
//! Not here: what a service does, and any knowledge of its messages.

pub mod admin;
pub mod grpc;
pub mod healthcheck;
pub mod ops;
pub mod run;
pub mod signals;
mod telemetry;
pub mod tls;

mod arguments;
mod decisions;
mod reload;
mod resources;
mod shutdown;

pub use resources::{Endpoint, Resources};
pub use run::{Service, run};
pub use shutdown::Shutdown;

/// Makes ring the process's one TLS implementation.
///
/// Idempotent: the first caller wins, and every caller wants the same.
pub fn install_tls_provider() {
    // An error only says that a provider is installed already.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
