//! The command line of operators and testers.
//!
//! `talk` is for people; `smoke`, `health` and `cert` look at a server from outside,
//! `observe` at what it reports; `flags` and `release` change what it does and offers;
//! `config` shows what it would read; `ingress` runs the door; `alerts` makes rules.
//!
//! Invariants: what people read goes through a `Screen`; text of a server cannot steer
//! a terminal; a certificate that is merely shown is never trusted for talking.
//! Not here: any logic of the services, which are met over their contracts only.

mod action;
mod alerts;
mod cert;
mod cli;
mod config;
mod connection;
mod failure;
#[cfg(test)]
mod fake;
mod flags;
mod health;
mod ingress;
mod observe;
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
