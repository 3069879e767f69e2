use std::io;

use crate::screen::Screen;

/// Cells of a bar.
const WIDTH: u64 = 24;

/// How far the reading of a file has come, on terminals only.
pub(super) struct Progress<'a> {
    screen: &'a mut Screen,
    what: String,
    total: u64,
    done: u64,
    shown: u64,
}

// === impl Progress ===

impl<'a> Progress<'a> {
    pub(super) fn new(screen: &'a mut Screen, what: String, total: u64) -> Self {
        Self { screen, what, total, done: 0, shown: u64::MAX }
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
        self.screen.progress(&line(&self.what, percent))
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
