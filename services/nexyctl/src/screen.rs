use std::io::{self, IsTerminal as _, Write};

/// Where a command writes what people read.
///
/// Text that comes from a server goes through [`clean`] first, so that it
/// cannot move the cursor or change colours.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    look: Look,
    /// The progress line below the text; it has to go before more is written.
    progress: Option<String>,
}

/// How a screen may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// For screen readers: whole short sentences, nothing drawn, nothing
    /// rewritten.
    Plain,
    /// A file or a pipe: drawn, but without colours and never rewritten.
    Piped,
    /// A terminal.
    Terminal(Colour),
}

/// Whether a terminal shows colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    On,
    Off,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Faint,
    Strong,
    Good,
    Bad,
}

/// Options about output, shared by the commands.
#[derive(clap::Args)]
pub(crate) struct ScreenArgs {
    /// For screen readers: no colours, no drawing, no rewritten lines.
    #[arg(long, help_heading = "Output")]
    pub(crate) plain: bool,
    /// No colours.
    #[arg(long, help_heading = "Output")]
    pub(crate) no_color: bool,
}

/// `ECMA-48` EL: erases the line the cursor stands on.
const ERASE_LINE: &str = "\r\u{1b}[2K";
/// `ECMA-48` CUP and ED: to the first line, and everything erased.
const ERASE_SCREEN: &str = "\u{1b}[H\u{1b}[2J";

// === impl Screen ===

impl Screen {
    /// The standard output, as the options and the device allow.
    pub(crate) fn stdout(args: &ScreenArgs) -> Self {
        let look = if args.plain {
            Look::Plain
        } else if !io::stdout().is_terminal() {
            Look::Piped
        } else {
            Look::Terminal(if args.no_color { Colour::Off } else { Colour::On })
        };
        Self::new(io::stdout(), look)
    }

    pub(crate) fn new(out: impl Write + Send + 'static, look: Look) -> Self {
        Self { out: Box::new(out), look, progress: None }
    }

    pub(crate) const fn look(&self) -> Look {
        self.look
    }

    /// Writes one line (or several, separated by `\n`) above nothing: a
    /// progress line is taken away first.
    ///
    /// # Errors
    /// When the output is closed.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.end_progress()?;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// Writes lines that take the place of all that a terminal shows; elsewhere
    /// they follow what was there, after an empty one.
    ///
    /// # Errors
    /// When the output is closed.
    pub(crate) fn view(&mut self, lines: &[String]) -> io::Result<()> {
        self.end_progress()?;
        let text = lines.join("\n");
        match self.look {
            Look::Terminal(_) => writeln!(self.out, "{ERASE_SCREEN}{text}")?,
            Look::Plain | Look::Piped => writeln!(self.out, "{text}\n")?,
        }
        self.out.flush()
    }

    /// Writes without an end of line: a prompt.
    ///
    /// # Errors
    /// When the output is closed.
    pub(crate) fn prompt(&mut self, text: &str) -> io::Result<()> {
        self.end_progress()?;
        write!(self.out, "{text}")?;
        self.out.flush()
    }

    /// Shows or replaces the progress line, on terminals only.
    ///
    /// # Errors
    /// When the output is closed.
    pub(crate) fn progress(&mut self, text: &str) -> io::Result<()> {
        if !matches!(self.look, Look::Terminal(_)) {
            return Ok(());
        }
        let start = match &self.progress {
            Some(shown) if shown == text => return Ok(()),
            Some(_) => ERASE_LINE,
            None => "",
        };
        write!(self.out, "{start}{}", self.look.paint(Tone::Faint, text))?;
        self.progress = Some(text.to_owned());
        self.out.flush()
    }

    /// Takes the progress line away.
    ///
    /// # Errors
    /// When the output is closed.
    pub(crate) fn end_progress(&mut self) -> io::Result<()> {
        if self.progress.take().is_some() {
            write!(self.out, "{ERASE_LINE}")?;
        }
        Ok(())
    }
}

// === impl Look ===

impl Look {
    /// The text in a colour, where colours are shown.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        // ECMA-48 SGR parameters.
        let code = match (self, tone) {
            (Self::Plain | Self::Piped | Self::Terminal(Colour::Off), _) => return text.to_owned(),
            (Self::Terminal(Colour::On), Tone::Faint) => 2,
            (Self::Terminal(Colour::On), Tone::Strong) => 1,
            (Self::Terminal(Colour::On), Tone::Good) => 32,
            (Self::Terminal(Colour::On), Tone::Bad) => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A server's text without control characters, except for ends of lines.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| *c == '\n' || !c.is_control())
        .collect()
}

/// Rows of equally many cells as text: columns are padded, the last is not.
///
/// Widths are counted in characters: a cell with wide characters shifts what
/// stands behind it.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
