//! The speech and language worker: one question in, a spoken reply out.
//!
//! Sits behind the gateway and speaks only `nexy.worker.v1`. A turn is a
//! pipeline (see [`turn`]): memory → model → reply parser → segments → voices.
//! Dropping the call cancels everything that was begun for it.
//!
//! Not here: sessions, admission and the public contract (the gateway's), the
//! wire formats of providers (their modules').

mod app;
mod convert;
mod coordinator;
mod decisions;
mod providers;
mod question;
mod rpc;
mod turn;
mod welcome;

use std::process::ExitCode;

fn main() -> ExitCode {
    nexy_runtime::run::<app::App>()
}
