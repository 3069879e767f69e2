//! `nexyctl config`: the configuration as the services would see it.

use std::{path::PathBuf, process::ExitCode};

use nexy_config::{Environment, Problems, Row, Settings, Sources, effective};
use serde_json::{Value, json};

use crate::{
    failure::WRONG_CONFIG,
    screen::{Look, Screen, ScreenArgs, Tone, table},
};

/// Look at the configuration
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print every key, its value and where it came from
    ///
    /// Reads what a service started here would read: the compiled-in defaults,
    /// the overlay file, config.env and the environment. Secrets are not shown.
    /// Exit code: 0, or 64 when something is wrong; then every problem is
    /// printed.
    Show(Show),
}

#[derive(clap::Args)]
struct Show {
    /// Show the values of this environment, whatever `NEXY_ENV` says.
    #[arg(long, value_name = "NAME", value_parser = environment)]
    env: Option<Environment>,
    /// The overlay file. Default: the one that `NEXY_CONFIG` names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object, for scripts.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

pub(crate) fn environment(name: &str) -> Result<Environment, String> {
    Environment::from_name(name).ok_or_else(|| "dev, stage or prod is meant".to_owned())
}

/// # Errors
/// When the output is closed.
#[expect(clippy::unused_async, reason = "every command is run the same way")]
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Command::Show(show) = args.command;
    let mut sources = Sources::from_process(show.config, Vec::new());
    if let Some(environment) = show.env {
        sources = sources.with_environment(environment);
    }
    let mut screen = Screen::stdout(&show.screen);
    let look = screen.look();
    let (lines, exit) = match Settings::load(&sources) {
        Ok((_, provenance)) => {
            let rows = effective(&provenance);
            let lines = if show.json { vec![rows_json(&rows)] } else { rows_text(&rows, look) };
            (lines, ExitCode::SUCCESS)
        }
        Err(problems) => {
            let lines = if show.json {
                vec![problems_json(&problems)]
            } else {
                problems_text(&problems, look)
            };
            (lines, ExitCode::from(WRONG_CONFIG))
        }
    };
    for line in lines {
        screen.line(&line)?;
    }
    Ok(exit)
}

fn rows_text(rows: &[Row], look: Look) -> Vec<String> {
    match look {
        Look::Plain => rows
            .iter()
            .map(|row| format!("{}: {}, from {}.", row.key, row.value, row.origin()))
            .collect(),
        Look::Piped | Look::Terminal(_) => {
            let cells: Vec<_> = rows
                .iter()
                .map(|row| vec![row.key.to_owned(), row.value.clone(), row.origin()])
                .collect();
            table(&cells)
        }
    }
}

fn rows_json(rows: &[Row]) -> String {
    let keys: serde_json::Map<String, Value> = rows
        .iter()
        .map(|row| (row.key.to_owned(), json!({"value": row.value, "from": row.origin()})))
        .collect();
    Value::Object(keys).to_string()
}

fn problems_text(problems: &Problems, look: Look) -> Vec<String> {
    let count = problems.iter().count();
    let headline = format!("The configuration has {count} problem(s):");
    let lines = problems.iter().map(ToString::to_string);
    std::iter::once(look.paint(Tone::Bad, &headline)).chain(lines).collect()
}

fn problems_json(problems: &Problems) -> String {
    let list: Vec<_> = problems
        .iter()
        .map(|problem| {
            json!({
                "key": problem.key,
                "origin": problem.origin,
                "given": problem.given,
                "expected": problem.expected,
            })
        })
        .collect();
    json!({ "problems": list }).to_string()
}

#[cfg(test)]
mod tests;
