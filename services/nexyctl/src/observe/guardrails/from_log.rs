//! Figures of decision logs, of any size.

use std::time::Duration;

use anyhow::ensure;
use jiff::Timestamp;

use super::{
    figures::{Count, Day, Evidence, Figures, Workers, as_f64},
    limits::Limits,
};
use crate::observe::{
    decision_log::{Entry, Input, LogReader, Record, STREAM_AUDIO, Tally},
    span::written,
};

/// What has to be known before anything is counted.
#[derive(Debug, Clone, Copy)]
struct Extent {
    first: Timestamp,
    last: Timestamp,
    workers: Workers,
    /// Lines that a service itself could not write.
    dropped: u64,
}

/// Counts, each of its own span of time.
struct Counts {
    /// Milliseconds since 1970: what is judged begins here.
    from: i64,
    judged: Count,
    /// What is compared with the hours before it.
    present_from: i64,
    present: Count,
    /// The hours before the present, the latest first.
    hours: Vec<Count>,
    open: i64,
}

/// Lines that are cut at the ends of an excerpt are no reason to doubt the rest.
const CUT_LINES: u64 = 2;
/// A day, the span of the median.
const HOURS: usize = 24;
const HOUR_MS: i64 = 3_600_000;
const HOUR: Duration = Duration::from_secs(3600);
/// An hour counts with a tenth of the turns that a judgement needs.
const OF_AN_HOUR: u64 = 10;

/// Reads logs: all of them, or what is in the window before the last line.
///
/// # Errors
/// When they cannot be read, hold no decision log, or too little of one.
pub(super) fn read(
    logs: &mut [Input],
    window: Option<Duration>,
    limits: &Limits,
) -> anyhow::Result<Evidence> {
    let names = logs.iter().map(|log| log.name.clone()).collect::<Vec<_>>().join(", ");
    let (tally, extent) = survey(logs)?;
    ensure!(tally.lines > 0, "{names} is empty");
    let Some(extent) = extent else { anyhow::bail!("{names} has no lines of a decision log") };
    let notes = readable(&names, tally, extent.dropped, limits)?;
    let mut counts = Counts::new(extent, window);
    each(logs, |record| counts.take(record))?;
    Ok(counts.evidence(&names, extent, window, notes, limits))
}

/// The first time through: what there is.
fn survey(logs: &mut [Input]) -> anyhow::Result<(Tally, Option<Extent>)> {
    let mut extent: Option<Extent> = None;
    let tally = each(logs, |record| {
        let at = record.at;
        let extent = extent.get_or_insert(Extent {
            first: at,
            last: at,
            workers: Workers::Unseen,
            dropped: 0,
        });
        extent.first = extent.first.min(at);
        extent.last = extent.last.max(at);
        if record.scope == "worker" || record.text("service") == Some("nexy-worker") {
            extent.workers = Workers::Seen;
        }
        if record.decision == "log_lines_dropped" {
            extent.dropped += record.number("lines").unwrap_or(1);
        }
    })?;
    Ok((tally, extent))
}

fn each(logs: &mut [Input], mut take: impl FnMut(&Record<'_>)) -> anyhow::Result<Tally> {
    let mut sum = Tally::default();
    for log in logs {
        let mut reader = LogReader::new(log.reader()?);
        while let Some(entry) = reader.next()? {
            if let Entry::Record { record, .. } = entry {
                take(&record);
            }
        }
        sum = sum.and(reader.tally());
    }
    Ok(sum)
}

/// Whether enough of the log is there to conclude anything; what is missing.
fn readable(
    names: &str,
    tally: Tally,
    dropped: u64,
    limits: &Limits,
) -> anyhow::Result<Vec<String>> {
    let (missing, lines) = (tally.unreadable + dropped, tally.lines + dropped);
    let mut notes = Vec::new();
    if let Some((line, why)) = tally.first_unreadable {
        notes.push(format!(
            "{} of {} lines are not of the decision log, the first is line {line}: {why}",
            tally.unreadable, tally.lines
        ));
    }
    if dropped > 0 {
        notes.push(format!("the services could not write {dropped} lines of their log"));
    }
    let too_many = missing > CUT_LINES && as_f64(missing) > as_f64(lines) * limits.unreadable_ratio;
    ensure!(!too_many, "too little of {names} is readable: {}", notes.join("; "));
    Ok(notes)
}

// === impl Counts ===

impl Counts {
    fn new(extent: Extent, window: Option<Duration>) -> Self {
        let last = extent.last.as_millisecond();
        let before = |span: Duration| {
            last.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
        };
        Self {
            from: window.map_or(i64::MIN, before),
            judged: Count::default(),
            present_from: before(window.unwrap_or(HOUR)),
            present: Count::default(),
            hours: vec![Count::default(); HOURS],
            open: 0,
        }
    }

    fn take(&mut self, record: &Record<'_>) {
        let at = record.at.as_millisecond();
        if at >= self.from {
            self.judged.take(record);
            self.open += begun(record);
        }
        if at >= self.present_from {
            self.present.take(record);
            return;
        }
        let hour = (self.present_from - 1 - at) / HOUR_MS;
        if let Some(hour) = usize::try_from(hour).ok().and_then(|hour| self.hours.get_mut(hour)) {
            hour.take(record);
        }
    }

    fn evidence(
        self,
        names: &str,
        extent: Extent,
        window: Option<Duration>,
        mut notes: Vec<String>,
        limits: &Limits,
    ) -> Evidence {
        let what = match window {
            Some(window) => format!("the last {} of {names}", written(window)),
            None => names.to_owned(),
        };
        if self.open > 0 {
            notes.push(format!("turns without an end line: {}", self.open));
        }
        let enough = (limits.min_turns / OF_AN_HOUR).max(1);
        let hours = self.hours.iter().map(|hour| hour.figures(extent.workers));
        let hours: Vec<Figures> = hours.filter(|hour| hour.turns >= enough).collect();
        let present = self.present.figures(extent.workers);
        let day = if hours.len() < limits.median_min_hours {
            Err(format!(
                "of the hours before, {} have {enough} turns, and {} are needed",
                hours.len(),
                limits.median_min_hours
            ))
        } else if present.turns < limits.min_some() {
            Err(format!("there are only {} turns in the present", present.turns))
        } else {
            Ok(Day { present, hours })
        };
        Evidence {
            figures: self.judged.figures(extent.workers),
            source: format!("{what}, {:.0} to {:.0}", extent.first, extent.last),
            notes,
            day,
        }
    }
}

/// One more turn that runs, or one less.
fn begun(record: &Record<'_>) -> i64 {
    let is_turn = record.rpc() == Some(STREAM_AUDIO);
    match (record.decision, record.end()) {
        ("start", _) if is_turn => 1,
        (_, Some(_)) if is_turn => -1,
        _ => 0,
    }
}
