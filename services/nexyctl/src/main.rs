//! The command line of operators and testers.
//!
//! A person talks to a server with `talk`; `smoke`, `health` and `cert` look at
//! one from outside; `config` shows what a service would read; `ingress` runs
//! the public door; `otlp-sink` takes traces and `traces` shows them. Each is a
//! module that takes its arguments and gives back an exit code.
//!
//! Invariants: everything that people read goes through a `Screen`, which knows
//! about terminals, pipes and screen readers; text of a server cannot steer a
//! terminal; a certificate that is merely shown is never trusted for talking.
//!
//! Not here: any logic of the services. This program meets them over the public
//! contracts only.

mod action;
mod cert;
mod cli;
mod config;
mod connection;
mod failure;
#[cfg(test)]
mod fake;
mod health;
mod ingress;
mod otlp_sink;
mod release;
mod reply;
mod screen;
mod smoke;
mod talk;
mod traces;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    nexy_runtime::install_tls_provider();
    cli::Cli::parse().run().await
}
