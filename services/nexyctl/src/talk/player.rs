use std::{io, process::Stdio, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
};

use super::wav::Recording;
use crate::reply::{AudioFormat, AudioFrame};

/// A program of this computer that plays a reply while it arrives.
///
/// Dropping it ends the sound at once.
pub(crate) struct Player {
    /// None once everything has been handed over.
    frames: Option<mpsc::Sender<AudioFrame>>,
    work: JoinSet<anyhow::Result<()>>,
    program: &'static str,
    queued: Duration,
}

/// A program that can play, and how it is given the sound.
struct Program {
    name: &'static str,
    feed: Feed,
    arguments: fn(&AudioFormat) -> Vec<String>,
}

#[derive(Clone, Copy)]
enum Feed {
    /// Raw PCM through its standard input, as it arrives.
    Pipe,
    /// A whole WAV file, named last on its command line.
    File,
}

/// What plays raw 16-bit PCM, in the order in which it is tried. `afplay`, which
/// every Mac has, reads files only and begins when the reply is complete.
const PROGRAMS: [Program; 6] = [
    Program { name: "paplay", feed: Feed::Pipe, arguments: paplay },
    Program { name: "pw-play", feed: Feed::Pipe, arguments: pw_play },
    Program { name: "aplay", feed: Feed::Pipe, arguments: aplay },
    Program { name: "ffplay", feed: Feed::Pipe, arguments: ffplay },
    Program { name: "play", feed: Feed::Pipe, arguments: sox },
    Program { name: "afplay", feed: Feed::File, arguments: |_| Vec::new() },
];

/// Frames that may wait for the player: some minutes of sound. When it is full,
/// the stream waits too.
const WAITING_FRAMES: usize = 8_192;
/// How much longer than the sound itself a player may take to end.
const PLAYER_GRACE: Duration = Duration::from_secs(5);

// === impl Player ===

impl Player {
    /// Starts the first program that is installed; `None` when none is.
    ///
    /// # Errors
    /// When one is installed and cannot be started.
    pub(crate) fn start(format: &AudioFormat) -> anyhow::Result<Option<Self>> {
        for program in &PROGRAMS {
            if let Some(player) = Self::try_program(program, format)? {
                return Ok(Some(player));
            }
        }
        Ok(None)
    }

    /// The names of the programs that are looked for.
    pub(crate) fn known() -> String {
        PROGRAMS.map(|program| program.name).join(", ")
    }

    fn try_program(program: &Program, format: &AudioFormat) -> anyhow::Result<Option<Self>> {
        let mut command = Command::new(program.name);
        command.args((program.arguments)(format)).stdout(Stdio::null()).stderr(Stdio::null());
        command.kill_on_drop(true);
        let (frames, queue) = mpsc::channel(WAITING_FRAMES);
        let mut work = JoinSet::new();
        match program.feed {
            Feed::Pipe => match command.stdin(Stdio::piped()).spawn() {
                Ok(child) => drop(work.spawn(pipe(child, queue))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error).context(program.name),
            },
            Feed::File => {
                // Started when the file is complete; asked now whether it exists.
                let probe = Command::new(program.name)
                    .arg("--help")
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .kill_on_drop(true)
                    .spawn();
                match probe {
                    Ok(_) => drop(work.spawn(file(command, queue))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error).context(program.name),
                }
            }
        }
        let player =
            Self { frames: Some(frames), work, program: program.name, queued: Duration::ZERO };
        Ok(Some(player))
    }

    /// Hands a frame over, waiting while too much waits already. The frame is
    /// taken out of its place only when there is room, so nothing is lost when
    /// the future is dropped. A player that has died takes frames and is silent.
    pub(crate) async fn hand_over(&mut self, waiting: &mut Option<AudioFrame>) {
        let permit = match &self.frames {
            Some(frames) => frames.reserve().await.ok(),
            None => None,
        };
        if let (Some(frame), Some(permit)) = (waiting.take(), permit) {
            self.queued += frame.duration();
            permit.send(frame);
        }
    }

    /// Waits until everything has been heard.
    ///
    /// # Errors
    /// When the player failed; the sound was not heard, or not to its end.
    pub(crate) async fn finish(&mut self) -> anyhow::Result<()> {
        self.frames = None;
        let heard = tokio::time::timeout(self.queued + PLAYER_GRACE, self.work.join_next());
        match heard.await {
            Ok(Some(Ok(result))) => result.with_context(|| format!("{} failed", self.program)),
            Ok(Some(Err(_)) | None) => Ok(()),
            Err(_) => anyhow::bail!("{} did not end in time", self.program),
        }
    }
}

/// Writes frames into a program as fast as it takes them.
async fn pipe(mut child: Child, mut queue: mpsc::Receiver<AudioFrame>) -> anyhow::Result<()> {
    let mut stdin = child.stdin.take().context("open its standard input")?;
    while let Some(frame) = queue.recv().await {
        if stdin.write_all(&frame.data).await.is_err() {
            // It has left; its exit status says more than the broken pipe.
            break;
        }
    }
    drop(stdin);
    drop(queue);
    ended_well(child).await
}

/// Collects frames in a file and plays that.
async fn file(mut command: Command, mut queue: mpsc::Receiver<AudioFrame>) -> anyhow::Result<()> {
    let place = tempfile::Builder::new().prefix("nexyctl-").suffix(".wav").tempfile()?;
    let Some(first) = queue.recv().await else { return Ok(()) };
    let mut recording = Recording::create(place.path(), &first.format)?;
    recording.add(&first)?;
    while let Some(frame) = queue.recv().await {
        recording.add(&frame)?;
    }
    recording.finish()?;
    ended_well(command.arg(place.path()).stdin(Stdio::null()).spawn()?).await
}

async fn ended_well(mut child: Child) -> anyhow::Result<()> {
    let status = child.wait().await?;
    anyhow::ensure!(status.success(), "{status} (is there a sound device?)");
    Ok(())
}

// === command lines ===

fn paplay(format: &AudioFormat) -> Vec<String> {
    vec![
        "--raw".to_owned(),
        "--format=s16le".to_owned(),
        format!("--rate={}", format.sample_rate),
        format!("--channels={}", format.channels),
    ]
}

fn pw_play(format: &AudioFormat) -> Vec<String> {
    vec![
        "--raw".to_owned(),
        "--format=s16".to_owned(),
        format!("--rate={}", format.sample_rate),
        format!("--channels={}", format.channels),
        "-".to_owned(),
    ]
}

fn aplay(format: &AudioFormat) -> Vec<String> {
    let line = format!("-q -t raw -f S16_LE -r {} -c {}", format.sample_rate, format.channels);
    words(&line)
}

/// Without a channel option: its name differs between versions, and raw PCM is
/// mono unless said otherwise.
fn ffplay(format: &AudioFormat) -> Vec<String> {
    let line = "-nodisp -autoexit -loglevel quiet -f s16le -sample_rate";
    words(&format!("{line} {} -i -", format.sample_rate))
}

fn sox(format: &AudioFormat) -> Vec<String> {
    let line = "-q -t raw -e signed-integer -b 16 -L";
    words(&format!("{line} -r {} -c {} -", format.sample_rate, format.channels))
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
