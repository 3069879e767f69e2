use std::{
    io,
    time::{Duration, Instant},
};

use crate::screen::{Look, Screen};

/// Cells of a bar.
const WIDTH: u64 = 24;
/// How long nothing is said to a screen reader; a bar it could not follow.
const SILENCE: Duration = Duration::from_secs(10);

/// How far the reading of a file has come: a bar on terminals, now and then a
/// sentence for screen readers, nothing in files and pipes.
pub(super) struct Progress<'a> {
    screen: &'a mut Screen,
    what: String,
    total: u64,
    done: u64,
    shown: u64,
    /// When something was last said to a screen reader.
    said: Instant,
    silence: Duration,
}

// === impl Progress ===

impl<'a> Progress<'a> {
    pub(super) fn new(screen: &'a mut Screen, what: String, total: u64) -> Self {
        let said = Instant::now();
        Self { screen, what, total, done: 0, shown: u64::MAX, said, silence: SILENCE }
    }

    /// So many bytes more have been read.
    ///
    /// # Errors
    /// When the output is closed.
    pub(super) fn advance(&mut self, bytes: usize) -> io::Result<()> {
        self.done += bytes as u64;
        let percent = self.done.saturating_mul(100).checked_div(self.total).unwrap_or(100).min(100);
        if percent == self.shown {
            return Ok(());
        }
        self.shown = percent;
        match self.screen.look() {
            Look::Terminal(_) => self.screen.progress(&line(&self.what, percent)),
            Look::Plain if self.said.elapsed() >= self.silence => {
                self.said = Instant::now();
                self.screen.line(&format!("{}: {percent} %.", self.what))
            }
            Look::Plain | Look::Piped => Ok(()),
        }
    }

    /// Takes the line away.
    ///
    /// # Errors
    /// When the output is closed.
    pub(super) fn end(self) -> io::Result<()> {
        self.screen.end_progress()
    }
}

fn line(what: &str, percent: u64) -> String {
    let full = usize::try_from(percent * WIDTH / 100).unwrap_or(0);
    let empty = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(full);
    format!("{what} [{}{}] {percent:3} %", "=".repeat(full), " ".repeat(empty))
}

#[cfg(test)]
mod tests;
