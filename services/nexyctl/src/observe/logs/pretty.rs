use std::{io::BufRead, path::PathBuf, process::ExitCode};

use jiff::civil::Date;
use nexy_telemetry::Level;
use serde_json::Value;

use crate::{
    observe::decision_log::{Entry, LogReader, Record, stream},
    screen::{Look, Screen, ScreenArgs, Tone, clean},
};

/// Which lines, and how.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Decision logs; - or none is the standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// Shows lines as they come.
struct Pretty<'a> {
    screen: &'a mut Screen,
    /// Of the last line.
    date: Option<Date>,
}

/// What names a turn stands behind what happened to it.
const NAMES: [&str; 3] = ["session_id", "device", "trace_id"];

/// # Errors
/// When a log cannot be read, or the output is closed.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::stdout(&args.screen);
    for path in super::files(&args.files)? {
        let mut pretty = Pretty { screen: &mut screen, date: None };
        pretty.show(stream(&path)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

// === impl Pretty ===

impl Pretty<'_> {
    fn show(&mut self, input: impl BufRead) -> anyhow::Result<()> {
        let mut log = LogReader::new(input);
        let look = self.screen.look();
        while let Some(entry) = log.next()? {
            match entry {
                Entry::Record { source, record } => self.record(source, &record)?,
                Entry::Access { source, json } => {
                    let line = format!("{}nginx {}", from(source), access(json));
                    self.screen.line(&look.paint(Tone::Faint, &line))?;
                }
                // Shown as it is: somebody may have to see it.
                Entry::Unreadable { line, .. } => {
                    let line = clean(&String::from_utf8_lossy(line));
                    self.screen.line(&look.paint(Tone::Faint, &line))?;
                }
            }
        }
        let unreadable = log.tally().unreadable;
        if unreadable > 0 {
            self.screen.line(&format!("Lines that are not of the decision log: {unreadable}."))?;
        }
        Ok(())
    }

    /// The date stands above, once for each day.
    fn record(&mut self, source: Option<&str>, record: &Record<'_>) -> std::io::Result<()> {
        let at = record.at.to_zoned(jiff::tz::TimeZone::UTC);
        if self.date.replace(at.date()) != Some(at.date()) {
            self.screen.line(&format!("{}, times in UTC", at.date()))?;
        }
        let time = at.strftime("%H:%M:%S%.3f").to_string();
        let text = line(&time, source, record, self.screen.look());
        self.screen.line(&text)
    }
}

fn line(time: &str, source: Option<&str>, record: &Record<'_>, look: Look) -> String {
    let level = format!("{:5}", record.level.as_str());
    let level = match record.level {
        Level::Error => look.paint(Tone::Bad, &level),
        Level::Warn => look.paint(Tone::Strong, &level),
        Level::Info | Level::Debug | Level::Trace => level,
    };
    let decision = match record.decision {
        "complete" => look.paint(Tone::Good, record.decision),
        "error" => look.paint(Tone::Bad, record.decision),
        decision => decision.to_owned(),
    };
    let what = record.rpc().map(|rpc| format!("{} ", clean(rpc))).unwrap_or_default();
    let took = record.dur_ms.map(|took| format!(" in {took} ms")).unwrap_or_default();
    let (scope, source) = (clean(record.scope), from(source));
    let detail = detail(record);
    format!(
        "{} {level} {source}{scope} {what}{decision}{took}{detail}",
        look.paint(Tone::Faint, time)
    )
}

/// The members of `ctx`: what happened, then to whom.
fn detail(record: &Record<'_>) -> String {
    let is_name = |name: &str| NAMES.contains(&name);
    let what = record.ctx.iter().filter(|(name, _)| !is_name(name));
    let whom = NAMES.iter().filter_map(|name| record.ctx.get_key_value(*name));
    let members: Vec<_> =
        what.chain(whom).map(|(name, it)| format!("{} {}", clean(name), value(it))).collect();
    if members.is_empty() { String::new() } else { format!(": {}", members.join(", ")) }
}

/// A value of JSON; text without its quotes.
pub(super) fn value(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    clean(&text).replace('\n', " ")
}

fn from(source: Option<&str>) -> String {
    source.map(|source| format!("{} ", clean(source))).unwrap_or_default()
}

/// One request of nginx's access log.
fn access(json: &str) -> String {
    let Ok(request) = serde_json::from_str::<Value>(json) else { return clean(json) };
    let word = |name: &str| value(request.get(name).unwrap_or(&Value::Null));
    format!(
        "{} {} {} in {} s, trace_id {}",
        word("method"),
        word("path"),
        word("status"),
        word("duration_s"),
        word("trace_id")
    )
}

#[cfg(test)]
mod tests;
