//! espeak-ng: speaks without a network, one process per utterance, started ahead
//! where that is wished for.
//!
//! The text goes in on stdin, never on the command line, where every user of the
//! machine could read it. A WAV file comes out on stdout while it is being made.
//! The process is read to its end at once, into a bounded buffer, so that a
//! listener who takes their time does not occupy a place others wait for.

mod process;
mod voices;
mod warm;
mod wav;

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use nexy_types::BoxFuture;
use tokio::{
    process::{Child, Command},
    sync::Semaphore,
    time::Instant,
};

use crate::{
    Error, Speech, SpeechSynthesizer, Stage, Utterance,
    reply::{Opened, Patience, spoken},
};
use process::Wav;
use voices::Pace;
use warm::Warm;

/// What an [`EspeakSynthesizer`] is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program, by name or path.
    pub program: PathBuf,
    /// The voice, in espeak's naming; `auto` goes by the language of the text.
    pub voice: String,
    /// Speed at the normal speech rate.
    pub words_per_minute: u32,
    /// Processes at the same time; more utterances wait for a place.
    pub max_processes: usize,
    /// From the request to the first byte, waiting for a place included.
    pub first_byte_timeout: Duration,
    /// Between two chunks of audio.
    pub stall_timeout: Duration,
}

/// Speaks through espeak-ng.
#[derive(Debug, Clone)]
pub struct EspeakSynthesizer {
    settings: Arc<Settings>,
    places: Arc<Semaphore>,
    warm: Warm,
}

/// What a process is told when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Manner {
    voice: String,
    words_per_minute: u32,
}

// === impl EspeakSynthesizer ===

impl EspeakSynthesizer {
    /// The name in logs and settings.
    pub const NAME: &'static str = "espeak";

    /// Makes the voice. Whether the program is there is [`Self::probe`]'s
    /// question.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let places = Arc::new(Semaphore::new(settings.max_processes.max(1)));
        let settings = Arc::new(settings);
        Self { warm: Warm::new(Arc::clone(&settings), 0), settings, places }
    }

    /// Starts this many processes ahead at most, which wait for a text and are
    /// for the voices and speeds used last; they come on top of those that
    /// speak. A good number is that of the segments which are spoken at once. A
    /// new voice keeps none, and neither do clones that were made before.
    #[must_use]
    pub fn keeping_warm(self, processes: usize) -> Self {
        Self { warm: Warm::new(Arc::clone(&self.settings), processes), ..self }
    }

    /// Runs the program once, without speaking.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] when there is no such program, others when it
    /// does not run or does not answer within `first_byte_timeout`.
    pub async fn probe(&self) -> Result<(), Error> {
        let mut command = Command::new(&self.settings.program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.kill_on_drop(true).status();
        let status = tokio::time::timeout(self.settings.first_byte_timeout, status)
            .await
            .map_err(|_| Error::Timeout { stage: Stage::FirstByte })?
            .map_err(|error| self.settings.not_run(&error))?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::Unavailable { reason: "the speech program fails" })
        }
    }

    /// Speaks with the best voice that the program knows.
    async fn open(self, utterance: Utterance, deadline: Instant) -> Result<Opened, Error> {
        let text = voices::plain(&utterance.text);
        if text.trim().is_empty() {
            return Err(Error::Silent);
        }
        let place = Arc::clone(&self.places).acquire_owned();
        let place = tokio::time::timeout_at(deadline, place)
            .await
            .map_err(|_| Error::Timeout { stage: Stage::Queue })?
            .map_err(|_| Error::Unavailable { reason: "the speech processes are closed" })?;
        let Pace { words_per_minute, rate_left } =
            voices::pace(self.settings.words_per_minute, utterance.rate);
        for voice in voices::candidates(&self.settings.voice, &utterance) {
            let manner = Manner { voice, words_per_minute };
            if let Some((child, wav)) = self.begin(&manner, &text).await? {
                let warm = self.warm;
                let (sample_rate, pcm) =
                    process::stream(child, wav, place, move || warm.replace(manner));
                return Ok(Opened { sample_rate, rate_left, pcm });
            }
        }
        Err(Error::Unavailable { reason: "the speech program knows none of the voices" })
    }

    /// Gives the text to a process. `None` when the program does not know the
    /// voice.
    async fn begin(&self, manner: &Manner, text: &str) -> Result<Option<(Child, Wav)>, Error> {
        if let Some(mut child) = self.warm.take(manner)
            && let Some(wav) = process::header(&mut child, text).await?
        {
            return Ok(Some((child, wav)));
        }
        // None was started ahead, or it died while it waited.
        let child = self.settings.command(manner).spawn();
        let mut child = child.map_err(|error| self.settings.not_run(&error))?;
        Ok(process::header(&mut child, text).await?.map(|wav| (child, wav)))
    }
}

impl SpeechSynthesizer for EspeakSynthesizer {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn synthesize(&self, utterance: Utterance) -> BoxFuture<'static, Result<Speech, Error>> {
        let patience = Patience {
            first_byte: self.settings.first_byte_timeout,
            stall: self.settings.stall_timeout,
        };
        let deadline = Instant::now() + patience.first_byte;
        let opening = self.clone().open(utterance.clone(), deadline);
        spoken(Self::NAME, &utterance, patience, opening)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(Self::probe(self))
    }
}

// === impl Settings ===

impl Settings {
    fn command(&self, manner: &Manner) -> Command {
        let mut command = Command::new(&self.program);
        // `-b 1`: the input is UTF-8 whatever the locale.
        command.args(["--stdin", "--stdout", "-b", "1", "-v", &manner.voice, "-s"]);
        command.arg(manner.words_per_minute.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        command
    }

    fn not_run(&self, error: &std::io::Error) -> Error {
        if error.kind() == std::io::ErrorKind::NotFound {
            Error::NotInstalled { program: self.program.display().to_string() }
        } else {
            Error::Unavailable { reason: "the speech program cannot be run" }
        }
    }
}

#[cfg(test)]
mod tests;
