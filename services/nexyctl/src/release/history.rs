use std::process::ExitCode;

use anyhow::Context as _;
use nexy_releases::Channel;
use serde_json::json;

use super::{
    OutputArgs,
    audit::{Entry, Log, State},
    place::PlaceArgs,
    stage::channel,
};
use crate::screen::{Look, Tone, clean, table};

/// Show who changed what, when and why
///
/// Exit code: 0, or 1 when lines of the audit log are missing or were changed.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only this channel.
    #[arg(long, value_parser = channel)]
    channel: Option<Channel>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// # Errors
/// When the log cannot be read.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let path = place.audit_path();
    let log = Log::read(&path).with_context(|| format!("read {}", path.display()))?;
    let interrupted: Vec<Entry> = log.interrupted().cloned().collect();
    let is_shown = |entry: &&Entry| {
        let is_asked = args.channel.is_none_or(|channel| entry.channel == channel.as_str());
        is_asked && (entry.state == State::Done || interrupted.contains(entry))
    };
    let shown: Vec<_> = log.entries.iter().filter(is_shown).collect();
    let mut screen = args.output.screen();
    let exit = if log.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if args.output.json {
        let all = json!({ "entries": shown, "broken_lines": log.broken });
        screen.line(&all.to_string())?;
        return Ok(exit);
    }
    let look = screen.look();
    let cells = |entry: &&Entry| {
        let state = if entry.state == State::Done { "" } else { " (interrupted)" };
        let what = format!("{} {}{state}", entry.action, entry.build);
        [entry.at.clone(), entry.channel.clone(), what, entry.by.clone(), entry.reason.clone()]
            .map(|cell| clean(&cell))
            .to_vec()
    };
    let rows: Vec<_> = shown.iter().map(cells).collect();
    let lines = match look {
        Look::Plain => rows.iter().map(|row| format!("{}.", row.join(", "))).collect(),
        Look::Piped | Look::Terminal(_) => table(&rows),
    };
    for line in lines {
        screen.line(&line)?;
    }
    for line in &log.broken {
        let text = format!("Line {line} of the audit log cannot be trusted.");
        screen.line(&look.paint(Tone::Bad, &text))?;
    }
    Ok(exit)
}
