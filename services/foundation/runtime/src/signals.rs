//! Signals as values to wait for; nothing else in the workspace handles them.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What the outside asks of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: finish and leave.
    Terminate,
    /// SIGINT, Ctrl-C: finish and leave.
    Interrupt,
    /// SIGHUP: read the configuration again.
    Hangup,
}

/// The three signals of a service, from the moment of installation on.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
}

/// Ctrl-C only, for a tool in the foreground.
#[derive(Debug)]
pub struct Interrupts(Stream);

// === impl Signal ===

impl Signal {
    /// The name in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Hangup => "SIGHUP",
        }
    }
}

// === impl Signals ===

impl Signals {
    /// Takes the signals over from their default action. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal. Cancel-safe.
    pub async fn recv(&mut self) -> Signal {
        tokio::select! {
            biased;
            // Leaving comes before everything else.
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}

// === impl Interrupts ===

impl Interrupts {
    /// Takes Ctrl-C over from its default action. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses the handler.
    pub fn install() -> io::Result<Self> {
        signal(SignalKind::interrupt()).map(Self)
    }

    /// The next Ctrl-C. Cancel-safe.
    pub async fn recv(&mut self) {
        self.0.recv().await;
    }
}
