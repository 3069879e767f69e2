//! The streaming gateway: the public gRPC contract in front of the workers.
//!
//! Everything that costs nothing is decided here: admission, input checks,
//! single flight, deadlines, interrupts. A turn is one stream to one worker;
//! its frames pass through without being copied or encoded again.
//!
//! Not here: what a reply says (the workers'), TLS (nginx in front).

mod app;
mod call;
mod clock;
mod convert;
mod coordinator;
mod decisions;
mod http;
mod latest;
mod options;
mod refusal;
mod rpc;
mod screenshot;
mod server;
#[cfg(test)]
mod simulation;
mod validate;
mod welcome;
mod workers;

use std::process::ExitCode;

fn main() -> ExitCode {
    nexy_runtime::run::<app::App>()
}
