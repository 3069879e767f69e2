//! `nexyctl logs`: what operators ask of a decision log, answered in tables, and
//! its lines for people.
//!
//! A log is read once and in bounded memory, whatever its size. What is no line
//! of the decision log is counted and said.

mod answer;
mod events;
mod groups;
mod pretty;
mod slowest;
mod tables;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::{answer::Answer, tables::Question};
use crate::{
    failure::Usage,
    observe::{
        decision_log::{Entry, Input, LogReader, Record, Tally, stream},
        sheet::Sheet,
        span::span,
    },
    screen::{Look, Screen, ScreenArgs, clean},
};

/// Ask a decision log, or read it in a friendlier form
///
/// Without a question all of them are answered. Lines may have the name of a
/// container in front, as docker compose prints it. Exit code: 0 shown, 1 nothing
/// of a decision log could be read.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    question: Option<Asked>,
    #[command(flatten)]
    from: From,
}

#[derive(clap::Subcommand)]
enum Asked {
    /// How many calls of each RPC there were, and how long they took.
    Rpcs(From),
    /// Errors by type and RPC.
    Errors(From),
    /// The slowest turns, with what finds them again.
    Slow(From),
    /// What admission refused, and why.
    Refusals(From),
    /// What was interrupted, and when.
    Interrupts(From),
    /// Which models and voices answered, and which were given up.
    Providers(From),
    /// What was left out of replies.
    Degraded(From),
    /// Actions that were forwarded, held, confirmed and dropped.
    Actions(From),
    /// Workers that came, went and were left alone; turns that moved.
    Workers(From),
    /// Connections that were closed before their first call.
    Connections(From),
    /// What the update server began and ceased to serve.
    Releases(From),
    /// Starts, stops, changes and failures of the services themselves.
    Services(From),
    /// The lines themselves, for people; follows a pipe
    Pretty(pretty::Args),
}

/// Which lines, and how the answer is shown.
#[derive(clap::Args)]
struct From {
    /// Decision logs; - or none is the standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only lines from then on: 2026-11-20T10:00:00Z, or a span before now, e.g.
    /// 10m.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "window")]
    since: Option<Timestamp>,
    /// Only so much before the last line, e.g. 90s, 10m, 24h.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    window: Option<Duration>,
    /// One JSON object, for scripts.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// # Errors
/// When a log cannot be read or holds no decisions, or the output is closed.
#[expect(clippy::unused_async, reason = "every command is run the same way")]
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (questions, from) = match args.question {
        None => (Question::ALL.to_vec(), args.from),
        Some(asked) => match asked.parts() {
            Ok((question, from)) => (vec![question], from),
            Err(args) => return pretty::run(&args),
        },
    };
    let mut answer = Answer::to(&questions);
    let tally = from.read(|record| answer.take(record))?;
    if tally.records == 0 {
        bail!("{}", nothing(tally));
    }
    let sheets = answer.sheets();
    let mut screen = Screen::stdout(&from.screen);
    if from.json {
        screen.line(&as_json(&sheets, tally, &answer).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in as_text(&sheets, tally, &answer, screen.look()) {
        screen.line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let wrong = || "a time such as 2026-11-20T10:00:00Z or a span such as 10m is meant".to_owned();
    let back = SignedDuration::try_from(span(text).map_err(|_| wrong())?).map_err(|_| wrong())?;
    Timestamp::now().checked_sub(back).map_err(|_| wrong())
}

/// Somebody who gave no file and types into nothing is told so.
fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, Usage> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    if std::io::stdin().is_terminal() {
        return Err(Usage("name a log file, or send one to the standard input".to_owned()));
    }
    Ok(vec![Path::new("-").to_owned()])
}

fn nothing(tally: Tally) -> String {
    match tally.first_unreadable {
        Some((line, why)) => {
            format!("none of {} lines is of a decision log; line {line}: {why}", tally.lines)
        }
        None if tally.lines == 0 => "the log is empty".to_owned(),
        None => "there are only lines of nginx's access log".to_owned(),
    }
}

fn as_json(sheets: &[Sheet], tally: Tally, answer: &Answer) -> Value {
    let mut all = serde_json::Map::new();
    all.insert("lines".to_owned(), json!(tally));
    let (first, last) =
        answer.extent().map_or((None, None), |(first, last)| (Some(first), Some(last)));
    all.insert("first".to_owned(), json!(first.map(|at| format!("{at:.3}"))));
    all.insert("last".to_owned(), json!(last.map(|at| format!("{at:.3}"))));
    all.extend(sheets.iter().map(|sheet| (sheet.key.to_owned(), sheet.json())));
    Value::Object(all)
}

fn as_text(sheets: &[Sheet], tally: Tally, answer: &Answer, look: Look) -> Vec<String> {
    let mut lines = vec![headline(tally, answer)];
    let (full, empty): (Vec<_>, Vec<_>) = sheets.iter().partition(|sheet| !sheet.rows.is_empty());
    for sheet in &full {
        lines.push(String::new());
        lines.extend(sheet.text(look));
    }
    if !empty.is_empty() {
        lines.push(String::new());
    }
    lines.extend(empty.iter().flat_map(|sheet| sheet.text(look)));
    lines
}

fn headline(tally: Tally, answer: &Answer) -> String {
    let mut text = format!("{} lines", tally.lines);
    if let Some((first, last)) = answer.extent() {
        text.push_str(&format!(", {first:.0} to {last:.0}"));
    } else {
        text.push_str(", none of the time asked for");
    }
    if tally.access > 0 {
        text.push_str(&format!(", {} of nginx's access log", tally.access));
    }
    match tally.first_unreadable {
        Some((line, why)) => {
            text.push_str(&format!(", {} unreadable (line {line}: {why})", tally.unreadable));
        }
        None => text.push_str(", all readable"),
    }
    text.push('.');
    clean(&text)
}

// === impl Asked ===

impl Asked {
    /// The question; or no question, the lines themselves.
    fn parts(self) -> Result<(Question, From), pretty::Args> {
        Ok(match self {
            Self::Rpcs(from) => (Question::Rpcs, from),
            Self::Errors(from) => (Question::Errors, from),
            Self::Slow(from) => (Question::Slow, from),
            Self::Refusals(from) => (Question::Refusals, from),
            Self::Interrupts(from) => (Question::Interrupts, from),
            Self::Providers(from) => (Question::Providers, from),
            Self::Degraded(from) => (Question::Degraded, from),
            Self::Actions(from) => (Question::Actions, from),
            Self::Workers(from) => (Question::Workers, from),
            Self::Connections(from) => (Question::Connections, from),
            Self::Releases(from) => (Question::Releases, from),
            Self::Services(from) => (Question::Services, from),
            Self::Pretty(args) => return Err(args),
        })
    }
}

// === impl From ===

impl From {
    /// Hands every record to `take` that is of the time asked for.
    fn read(&self, mut take: impl FnMut(&Record<'_>)) -> anyhow::Result<Tally> {
        let paths = files(&self.files)?;
        let Some(window) = self.window else {
            let mut sum = Tally::default();
            for path in &paths {
                let mut log = LogReader::new(stream(path)?);
                each(&mut log, |record| {
                    if self.since.is_none_or(|since| record.at >= since) {
                        take(record);
                    }
                })?;
                sum = sum.and(log.tally());
            }
            return Ok(sum);
        };
        let mut inputs = Input::open_all(&paths)?;
        let mut last = Timestamp::MIN;
        for input in &mut inputs {
            let mut log = LogReader::new(input.reader()?);
            each(&mut log, |record| last = last.max(record.at))?;
        }
        let window = SignedDuration::try_from(window)?;
        let from = last.checked_sub(window).unwrap_or(Timestamp::MIN);
        let mut sum = Tally::default();
        for input in &mut inputs {
            let mut log = LogReader::new(input.reader()?);
            each(&mut log, |record| {
                if record.at >= from {
                    take(record);
                }
            })?;
            sum = sum.and(log.tally());
        }
        Ok(sum)
    }
}

fn each<R: std::io::BufRead>(
    log: &mut LogReader<R>,
    mut take: impl FnMut(&Record<'_>),
) -> anyhow::Result<()> {
    while let Some(entry) = log.next()? {
        if let Entry::Record { record, .. } = entry {
            take(&record);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
