use std::{path::PathBuf, time::Duration};

use nexy_proto::streaming::{InterruptRequest, streaming_service_client::StreamingServiceClient};
use tokio::{sync::mpsc, task::JoinSet};
use tonic::transport::Channel;

use super::{
    inputs::Inputs,
    question::Asker,
    report::Report,
    sound::Sound,
    turn::{Line, Turn, Verdict},
    view, wav,
};
use crate::{
    failure::Failure,
    reply::{self, Event, Timed},
    screen::Screen,
};

/// Questions and replies of one session, one call each.
pub(crate) struct Conversation {
    pub(crate) client: StreamingServiceClient<Channel>,
    pub(crate) asker: Asker,
    pub(crate) output: Output,
    pub(crate) sound: SoundWishes,
    pub(crate) waits: Waits,
    /// Sent with the first question only.
    pub(crate) screenshot: Option<String>,
    /// Replies asked for so far.
    pub(crate) asked: u32,
}

/// How replies are shown.
pub(crate) enum Output {
    /// As they come.
    Shown(Screen),
    /// As one JSON object each, when they are over.
    Json(Screen),
}

/// What is done with the sound.
pub(crate) struct SoundWishes {
    pub(crate) save: Option<PathBuf>,
    /// Several replies may come: their files are numbered.
    pub(crate) numbered: bool,
    pub(crate) play: bool,
}

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// For a short answer.
    pub(crate) answer: Duration,
    /// Between two things that come in a reply.
    pub(crate) silence: Duration,
}

/// How a question ended and what comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) verdict: Verdict,
    pub(crate) next: Next,
}

/// What the person wants next.
#[derive(PartialEq, Eq)]
pub(crate) enum Next {
    Prompt,
    /// A question that was typed over the reply.
    Ask(String),
    Leave,
}

/// Why a reply stopped before its end.
enum Stop {
    Key,
    Question(String),
}

/// Events that may wait between the network and the screen.
const WAITING_EVENTS: usize = 64;

// === impl Conversation ===

impl Conversation {
    /// Asks one question and stays with its reply to the end.
    ///
    /// # Errors
    /// When the output is closed. A reply that fails is shown, not an error.
    pub(crate) async fn ask(
        &mut self,
        question: &str,
        inputs: &mut Inputs,
    ) -> anyhow::Result<Asked> {
        self.asked += 1;
        let request = self.asker.request(question, self.screenshot.take());
        let (sender, events) = mpsc::channel(WAITING_EVENTS);
        let mut call = JoinSet::new();
        call.spawn(reply::read(self.client.clone(), request, self.waits.silence, sender));
        let number = self.sound.numbered.then_some(self.asked);
        let save = self.sound.save.as_deref().map(|path| wav::numbered(path, number));
        let mut running =
            Running { turn: Turn::default(), sound: Sound::new(save, self.sound.play), events };

        self.output.progress(&running.turn)?;
        let mut stop = self.listen(&mut running, inputs).await?;
        if stop.is_none() {
            stop = self.hear_out(&mut running, inputs).await?;
        }
        let next = match stop {
            None => Next::Prompt,
            Some(stop) => self.interrupt(&mut running, stop, inputs).await?,
        };
        self.conclude(&mut running)?;
        Ok(Asked { verdict: running.turn.verdict(), next })
    }

    /// Shows what comes until the stream ends, or until the person stops it.
    async fn listen(
        &mut self,
        running: &mut Running,
        inputs: &mut Inputs,
    ) -> anyhow::Result<Option<Stop>> {
        loop {
            tokio::select! {
                biased;
                // A person who wants to stop is heard before anything that comes.
                stop = inputs.stop() => return Ok(Some(Stop::of(stop))),
                // Sound that the player has no room for holds the stream back.
                () = running.sound.deliver(), if running.sound.is_waiting() => {}
                // The reply goes on.
                timed = running.events.recv(), if !running.sound.is_waiting() => {
                    let Some(timed) = timed else { return Ok(None) };
                    self.show(running, timed)?;
                }
            }
        }
    }

    /// Stays until the player has come to the end of the reply.
    async fn hear_out(
        &mut self,
        running: &mut Running,
        inputs: &mut Inputs,
    ) -> anyhow::Result<Option<Stop>> {
        let note = tokio::select! {
            biased;
            // A person who wants silence is heard before the rest of the sound.
            stop = inputs.stop() => return Ok(Some(Stop::of(stop))),
            // The sound has ended.
            note = running.sound.play_out() => note,
        };
        if let Some(note) = note {
            let line = running.turn.note(note);
            self.output.show(&line)?;
        }
        Ok(None)
    }

    fn show(&mut self, running: &mut Running, timed: Timed) -> anyhow::Result<()> {
        for line in running.turn.take(timed.at, &timed.event) {
            self.output.show(&line)?;
        }
        if let Event::Audio(frame) = timed.event {
            for note in running.sound.take(frame) {
                let line = running.turn.note(note);
                self.output.show(&line)?;
            }
        }
        if running.turn.verdict() == Verdict::Running {
            self.output.progress(&running.turn)?;
        }
        Ok(())
    }

    /// Stops a reply on the server and waits, for a while, until its stream is
    /// over. A second Ctrl-C leaves.
    async fn interrupt(
        &mut self,
        running: &mut Running,
        stop: Stop,
        inputs: &mut Inputs,
    ) -> anyhow::Result<Next> {
        running.sound.silence();
        let over = running.turn.verdict() != Verdict::Running;
        for line in running.turn.interrupt() {
            self.output.show(&line)?;
        }
        let next = match stop {
            Stop::Key => Next::Prompt,
            Stop::Question(question) => Next::Ask(question),
        };
        if over {
            return Ok(next);
        }
        let ended = tokio::select! {
            biased;
            // The second Ctrl-C.
            () = inputs.interrupt() => return Ok(Next::Leave),
            // The server's answer, and then the end of the stream.
            ended = stop_and_drain(self.client.clone(), &self.asker, running, self.waits) => ended,
        };
        match ended {
            Ok(lines) => lines.iter().try_for_each(|line| self.output.show(line))?,
            Err(reason) => {
                let line = running.turn.note(reason);
                self.output.show(&line)?;
            }
        }
        Ok(next)
    }

    fn conclude(&mut self, running: &mut Running) -> anyhow::Result<()> {
        if let Some(note) = running.sound.close_file() {
            let line = running.turn.note(note);
            self.output.show(&line)?;
        }
        if let Output::Json(screen) = &mut self.output {
            let report = Report::new(&running.turn, &self.asker, running.sound.saved());
            screen.line(&serde_json::to_string(&report)?)?;
        }
        Ok(())
    }
}

/// A reply that runs.
struct Running {
    turn: Turn,
    sound: Sound,
    events: mpsc::Receiver<Timed>,
}

async fn stop_and_drain(
    mut client: StreamingServiceClient<Channel>,
    asker: &Asker,
    running: &mut Running,
    waits: Waits,
) -> Result<Vec<Line>, String> {
    let request = InterruptRequest { hardware_id: asker.hardware_id.as_str().to_owned() };
    match tokio::time::timeout(waits.answer, client.interrupt_session(request)).await {
        Ok(Ok(_)) => {}
        Ok(Err(status)) => {
            let failure = Failure::of_status(&status);
            return Err(format!("The server could not interrupt it: {}.", failure.title()));
        }
        Err(_) => return Err("The server did not answer the interrupt.".to_owned()),
    }
    let turn = &mut running.turn;
    let events = &mut running.events;
    let drained = tokio::time::timeout(waits.answer, async {
        let mut lines = Vec::new();
        while let Some(timed) = events.recv().await {
            lines.extend(turn.take(timed.at, &timed.event));
        }
        lines
    });
    drained.await.map_err(|_| "The server did not end the stream.".to_owned())
}

// === impl Stop ===

impl Stop {
    fn of(question: Option<String>) -> Self {
        question.map_or(Self::Key, Self::Question)
    }
}

// === impl Next ===

/// Without the question: it is the user's.
impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Prompt => "Prompt",
            Self::Ask(_) => "Ask(..)",
            Self::Leave => "Leave",
        })
    }
}

// === impl Output ===

impl Output {
    pub(crate) fn show(&mut self, line: &Line) -> anyhow::Result<()> {
        if let Self::Shown(screen) = self {
            let text = view::render(line, screen.look());
            screen.line(&text)?;
        }
        Ok(())
    }

    fn progress(&mut self, turn: &Turn) -> anyhow::Result<()> {
        if let Self::Shown(screen) = self {
            screen.progress(&view::progress(&turn.summary()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
