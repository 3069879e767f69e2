use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use nexy_audio_generation::Utterance;
use nexy_types::SampleRate;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{Greeting, Recording, SAMPLE_BYTES, mute};
use crate::{
    providers::{Begun, Voices},
    turn::Failure,
};

/// What a tape is made of.
pub(super) struct Job {
    pub(super) voices: Arc<Voices>,
    /// Where the recording goes once it is whole.
    pub(super) cache: Cache<Greeting, Arc<Recording>>,
    pub(super) greeting: Greeting,
    pub(super) utterance: Utterance,
    /// Seconds that it will take, more or less.
    pub(super) estimate: f64,
}

/// A greeting that is being spoken. Dropping the tape ends the speaking.
pub(super) struct Tape {
    progress: watch::Receiver<Progress>,
    estimate: f64,
    sample_rate: SampleRate,
    _speaking: AbortOnDropHandle<()>,
}

/// One listener's place in a greeting.
pub(crate) struct Listening {
    progress: watch::Receiver<Progress>,
    /// Frames heard so far.
    place: usize,
    estimate: f64,
    sample_rate: SampleRate,
    /// Keeps the voice speaking; `None` for what is spoken already.
    _tape: Option<Arc<Tape>>,
}

/// How far a greeting is spoken.
#[derive(Default)]
struct Progress {
    voice: Option<Voice>,
    frames: Vec<Bytes>,
    end: Option<End>,
}

#[derive(Clone, Copy)]
struct Voice {
    name: &'static str,
    is_stand_in: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
}

// === impl Job ===

impl Job {
    async fn speak(self, progress: watch::Sender<Progress>) {
        let end = match self.voices.begin(0, true, &self.utterance).await {
            Some(begun) => self.record(begun, &progress).await,
            None => End::Broken,
        };
        progress.send_modify(|progress| progress.end = Some(end));
    }

    async fn record(self, begun: Begun, progress: &watch::Sender<Progress>) -> End {
        let voice = Voice { name: begun.name, is_stand_in: begun.place > 0 };
        progress.send_modify(|progress| progress.voice = Some(voice));
        let (frames_to, mut frames) = mpsc::channel(1);
        let voices = &self.voices;
        let speaking = async move { voices.speak(begun, &frames_to).await };
        let taking = async {
            while let Some(frame) = frames.recv().await {
                progress.send_modify(|progress| progress.frames.push(frame));
            }
        };
        let (spoken, ()) = tokio::join!(speaking, taking);
        // Half a greeting is not worth remembering.
        if spoken.is_err() {
            return End::Broken;
        }
        let recording = Recording {
            method: voice.name,
            is_stand_in: voice.is_stand_in,
            sample_rate: self.voices.format().sample_rate,
            frames: progress.borrow().frames.clone(),
        };
        // Before the end is told: whoever comes then finds it.
        self.cache.insert(self.greeting, Arc::new(recording)).await;
        End::Whole
    }
}

// === impl Tape ===

impl Tape {
    pub(super) fn start(job: Job) -> Self {
        let (sender, progress) = watch::channel(Progress::default());
        let (estimate, sample_rate) = (job.estimate, job.voices.format().sample_rate);
        #[expect(clippy::disallowed_methods, reason = "owned by its listeners, aborted with them")]
        let speaking = tokio::spawn(job.speak(sender).in_current_span());
        Self { progress, estimate, sample_rate, _speaking: AbortOnDropHandle::new(speaking) }
    }

    pub(super) fn has_failed(&self) -> bool {
        // A task that is gone without an end has panicked.
        self.progress.borrow().end == Some(End::Broken)
            || (self.progress.has_changed().is_err() && self.progress.borrow().end.is_none())
    }
}

// === impl Listening ===

impl Listening {
    pub(super) fn to(tape: Arc<Tape>) -> Self {
        Self {
            progress: tape.progress.clone(),
            place: 0,
            estimate: tape.estimate,
            sample_rate: tape.sample_rate,
            _tape: Some(tape),
        }
    }

    pub(super) fn to_recording(recording: &Recording) -> Self {
        let Recording { method, is_stand_in, sample_rate, ref frames } = *recording;
        let progress = Progress {
            voice: Some(Voice { name: method, is_stand_in }),
            frames: frames.clone(),
            end: Some(End::Whole),
        };
        Self {
            progress: watch::channel(progress).1,
            place: 0,
            estimate: recording.duration_sec(),
            sample_rate,
            _tape: None,
        }
    }

    pub(crate) const fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// Waits until a voice speaks: its name.
    ///
    /// # Errors
    /// When none does.
    pub(crate) async fn begun(&mut self) -> Result<&'static str, Failure> {
        let begun = self.progress.wait_for(|now| now.voice.is_some() || now.end.is_some()).await;
        begun.ok().and_then(|now| now.voice).map(|voice| voice.name).ok_or_else(mute)
    }

    /// Seconds of audio, or about so many while it is not spoken to its end.
    pub(crate) fn duration_sec(&self) -> f64 {
        let now = self.progress.borrow();
        if now.end != Some(End::Whole) {
            return self.estimate;
        }
        let bytes: usize = now.frames.iter().map(Bytes::len).sum();
        (bytes / SAMPLE_BYTES) as f64 / f64::from(self.sample_rate.hz())
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// When the voice broke off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let place = self.place;
        let moved = |now: &Progress| now.frames.len() > place || now.end.is_some();
        let now = self.progress.wait_for(moved).await.map_err(|_| mute())?;
        if let Some(frame) = now.frames.get(place) {
            self.place += 1;
            return Ok(Some(frame.clone()));
        }
        if now.end == Some(End::Whole) { Ok(None) } else { Err(mute()) }
    }

    pub(super) async fn whole(mut self) -> Result<Recording, Failure> {
        let method = self.begun().await?;
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await? {
            frames.push(frame);
        }
        let is_stand_in = self.progress.borrow().voice.is_some_and(|voice| voice.is_stand_in);
        Ok(Recording { method, is_stand_in, sample_rate: self.sample_rate, frames })
    }
}
