use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    alerts, cert, config, failure, flags, health, ingress,
    observe::{guardrails, logs, top},
    otlp_sink, release, smoke, talk, traces,
};

/// The command line of Nexy Server: for operators, and for trying it out.
#[derive(Parser)]
#[command(name = "nexyctl", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Talk(Box<talk::Args>),
    Smoke(smoke::Args),
    Health(health::Args),
    Cert(cert::Args),
    Config(config::Args),
    Ingress(ingress::Args),
    Release(Box<release::Args>),
    Logs(Box<logs::Args>),
    Top(top::Args),
    Guardrails(Box<guardrails::Args>),
    Flags(Box<flags::Args>),
    OtlpSink(otlp_sink::Args),
    Traces(traces::Args),
    Alerts(alerts::Args),
}

// === impl Cli ===

impl Cli {
    /// Runs the command to its end, and says on the standard error why it could
    /// not do its work.
    pub(crate) async fn run(self) -> ExitCode {
        self.dispatch().await.unwrap_or_else(|error| {
            let (exit, message) = failure::exit_of(&error);
            // Nobody is left to tell when this cannot be written.
            let _ = message.map(|message| writeln!(std::io::stderr(), "{message}"));
            exit
        })
    }

    async fn dispatch(self) -> anyhow::Result<ExitCode> {
        // Boxed: the commands' futures are large and only one of them runs.
        match self.command {
            Command::Talk(args) => Box::pin(talk::run(*args)).await,
            Command::Smoke(args) => Box::pin(smoke::run(args)).await,
            Command::Health(args) => Box::pin(health::run(args)).await,
            Command::Cert(args) => Box::pin(cert::run(args)).await,
            Command::Config(args) => config::run(args).await,
            Command::Ingress(args) => Box::pin(ingress::run(args)).await,
            Command::Release(args) => Box::pin(release::run(*args)).await,
            Command::Logs(args) => logs::run(*args).await,
            Command::Top(args) => Box::pin(top::run(args)).await,
            Command::Guardrails(args) => Box::pin(guardrails::run(*args)).await,
            Command::Flags(args) => Box::pin(flags::run(*args)).await,
            Command::OtlpSink(args) => Box::pin(otlp_sink::run(args)).await,
            Command::Traces(args) => Box::pin(traces::run(args)).await,
            Command::Alerts(args) => alerts::run(args).await,
        }
    }
}

#[cfg(test)]
mod tests;
