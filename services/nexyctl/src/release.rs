//! `nexyctl release`: makes keys and signatures where a release is made, and
//! changes what an update server serves by changing its folder.
//!
//! Every change goes the same way: the new plan of a channel is worked out, the
//! gate looks at all of it, and a transaction puts it in place, one atomic step
//! at the end of harmless ones. Stable is reached by promotion only. What was
//! done, by whom and why is in the audit log beside the manifests.
//!
//! Not here: the rules for releases (`nexy-releases`), serving them.

use std::process::ExitCode;

use crate::screen::{Screen, ScreenArgs};

mod approve;
mod audit;
mod bytes;
mod change;
mod check;
mod explain;
mod gate;
mod history;
mod keys;
mod place;
mod progress;
mod publish;
mod remote;
mod report;
mod sign;
mod stage;
mod transaction;

/// Make, publish and look after releases of the app
///
/// Exit code: 0 done or in order, 1 refused or out of order, 2 wrong options.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Keygen(keys::Keygen),
    Sign(sign::Args),
    Verify(sign::VerifyArgs),
    Gate(publish::GateArgs),
    Publish(publish::Args),
    Promote(publish::PromoteArgs),
    Approve(approve::Args),
    Rollout(stage::RolloutArgs),
    Halt(stage::HaltArgs),
    Resume(stage::ResumeArgs),
    Rollback(stage::RollbackArgs),
    History(history::Args),
    Explain(explain::Args),
    Check(check::Args),
}

/// Options about output.
#[derive(clap::Args)]
struct OutputArgs {
    /// One JSON object, for scripts.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

// === impl OutputArgs ===

impl OutputArgs {
    fn screen(&self) -> Screen {
        Screen::stdout(&self.screen)
    }
}

/// # Errors
/// When something could not be found out or done.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Keygen(args) => keys::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Verify(args) => sign::verify(&args),
        Command::Gate(args) => Box::pin(publish::gate(args)).await,
        Command::Publish(args) => Box::pin(publish::run(args)).await,
        Command::Promote(args) => Box::pin(publish::promote(args)).await,
        Command::Approve(args) => approve::run(&args),
        Command::Rollout(args) => stage::rollout(&args),
        Command::Halt(args) => stage::halt(&args),
        Command::Resume(args) => stage::resume(&args),
        Command::Rollback(args) => stage::rollback(&args),
        Command::History(args) => history::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Check(args) => Box::pin(check::run(args)).await,
    }
}

#[cfg(test)]
mod tests;
