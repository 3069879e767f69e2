//! The command line of operators and testers.
//!
//! `talk` is for people; `smoke`, `health` and `cert` look at a server from
//! outside; `config` shows what it would read; `release` changes what clients are
//! offered; `ingress` runs the door; `alerts` makes the rules of Prometheus.
//!
//! Invariants: everything that people read goes through a `Screen`, which knows
//! about screen readers; text of a server cannot steer a terminal; a certificate
//! that is merely shown is never trusted. Not here: any logic of the services.

mod action;
mod alerts;
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
