use std::{
    future::pending,
    io::{self, BufRead as _, IsTerminal as _},
};

use nexy_runtime::signals::Interrupts;
use tokio::sync::mpsc;

/// What the person does: Ctrl-C, and lines where questions are typed.
pub(crate) struct Inputs {
    keys: Keys,
    lines: Lines,
}

enum Keys {
    Process(Interrupts),
    #[cfg(test)]
    Test(mpsc::Receiver<()>),
}

enum Lines {
    /// One question from the command line: nothing is read.
    None,
    /// A person types: a line during a reply is the next question.
    Typed(mpsc::Receiver<String>),
    /// A file or a pipe: a line waits until the reply is over.
    Piped(mpsc::Receiver<String>),
}

/// What came at the prompt.
pub(crate) enum Prompted {
    Question(String),
    /// Ctrl-D, or the end of the file.
    End,
    Interrupt,
}

// === impl Inputs ===

impl Inputs {
    /// Ctrl-C only.
    ///
    /// # Errors
    /// When the signal cannot be taken over.
    pub(crate) fn keys() -> io::Result<Self> {
        Ok(Self { keys: Keys::Process(Interrupts::install()?), lines: Lines::None })
    }

    /// Ctrl-C and the lines of the standard input.
    ///
    /// # Errors
    /// When the signal cannot be taken over or the reader cannot be started.
    pub(crate) fn keys_and_lines() -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(1);
        // A thread of its own and not the runtime's: the runtime would wait for
        // its last read when it ends.
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        })?;
        let lines =
            if io::stdin().is_terminal() { Lines::Typed(lines) } else { Lines::Piped(lines) };
        Ok(Self { keys: Keys::Process(Interrupts::install()?), lines })
    }

    /// Whether a person types the questions.
    pub(crate) const fn is_typed(&self) -> bool {
        matches!(self.lines, Lines::Typed(_))
    }

    /// The next Ctrl-C. Cancel-safe.
    pub(crate) async fn interrupt(&mut self) {
        self.keys.recv().await;
    }

    /// The next question at the prompt; blank lines are passed over by the
    /// caller, who writes the prompt again.
    pub(crate) async fn prompted(&mut self) -> Prompted {
        let lines = match &mut self.lines {
            Lines::None => return Prompted::End,
            Lines::Typed(lines) | Lines::Piped(lines) => lines,
        };
        tokio::select! {
            biased;
            // Leaving comes before asking.
            () = self.keys.recv() => Prompted::Interrupt,
            line = lines.recv() => line.map_or(Prompted::End, Prompted::Question),
        }
    }

    /// What makes a reply stop: Ctrl-C (`None`), or a question typed over it.
    /// Cancel-safe.
    pub(crate) async fn stop(&mut self) -> Option<String> {
        tokio::select! {
            biased;
            // Stopping comes before asking.
            () = self.keys.recv() => None,
            question = self.lines.typed_over() => Some(question),
        }
    }

    #[cfg(test)]
    pub(crate) fn scripted() -> (Self, mpsc::Sender<()>, mpsc::Sender<String>) {
        let (press, keys) = mpsc::channel(4);
        let (write, lines) = mpsc::channel(4);
        (Self { keys: Keys::Test(keys), lines: Lines::Typed(lines) }, press, write)
    }
}

// === impl Keys ===

impl Keys {
    async fn recv(&mut self) {
        match self {
            Self::Process(interrupts) => interrupts.recv().await,
            #[cfg(test)]
            Self::Test(keys) => match keys.recv().await {
                Some(()) => {}
                None => pending().await,
            },
        }
    }
}

// === impl Lines ===

impl Lines {
    async fn typed_over(&mut self) -> String {
        let Self::Typed(lines) = self else { return pending().await };
        loop {
            match lines.recv().await {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => return line,
                // Ctrl-D during a reply: the prompt will see it.
                None => return pending().await,
            }
        }
    }
}
