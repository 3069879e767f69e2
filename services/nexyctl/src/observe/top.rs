//! `nexyctl top`: what running services do, as it happens.
//!
//! Every number is the difference of two `/metrics` pages, or their present
//! value; a service that is away is part of the view, not its end.

mod round;
mod view;

use std::{process::ExitCode, time::Duration};

use self::round::{Asked, Round};
use crate::{
    connection::seconds,
    observe::scrape::Target,
    screen::{Screen, ScreenArgs},
};

/// Watch what the services do
///
/// Reads the metrics of a gateway, of its workers and of the update server again
/// and again. Exit code: 0; with --once 1 when no service answers.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The gateway's HTTP port.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    gateway: Target,
    /// A worker's HTTP port; may be repeated.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8082")]
    worker: Vec<Target>,
    /// The update server's HTTP port.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    update: Target,
    /// Time between two looks, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    interval: f64,
    /// Show one view, of one interval, and leave.
    #[arg(long)]
    once: bool,
    /// With --once: one JSON object, for scripts.
    #[arg(long, requires = "once", help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// A service that is there answers at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// # Errors
/// When the output is closed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let asked = Asked { gateway: args.gateway, workers: args.worker, update: args.update };
    let interval = Duration::from_secs_f64(args.interval);
    let mut screen = Screen::stdout(&args.screen);
    let mut before = Round::ask(&asked, PATIENCE).await;
    loop {
        // The time that passes is what is measured.
        tokio::time::sleep(interval).await;
        let now = Round::ask(&asked, PATIENCE).await;
        let view = view::View::of(&asked, &before, &now);
        if args.json {
            screen.line(&view.json().to_string())?;
        } else if args.once {
            view.text(screen.look()).iter().try_for_each(|line| screen.line(line))?;
        } else {
            let lines = view.text(screen.look());
            screen.view(&lines)?;
        }
        if args.once {
            let is_any_there = now.services().any(|(_, _, service)| service.is_ok());
            return Ok(if is_any_there { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        before = now;
    }
}

#[cfg(test)]
mod tests;
