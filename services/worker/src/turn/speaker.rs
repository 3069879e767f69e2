use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use nexy_assistant_response::Action;
use nexy_audio_generation::Utterance;
use nexy_telemetry::metrics;
use nexy_text_filtering::{name_of_signs, spoken};
use nexy_types::Language;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{Event, bridge::Bridge, outcome::Timeline, transcript::Transcript};
use crate::{
    decisions::{BridgeSpoken, Degrade},
    providers::Voices,
    question::Listener,
    welcome::Recording,
};

/// The numbers of the speaking half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpeakerSettings {
    /// How many segments are synthesised beyond the one that is being sent.
    pub(crate) look_ahead: usize,
    /// How many frames of one segment may wait to be sent.
    pub(crate) frame_buffer: usize,
}

/// What the writer hands over, in order.
pub(super) enum Item {
    Segment(String),
    Action(Action),
}

/// Sends texts at once and audio in order.
pub(super) struct Speaker<'a> {
    pub(super) voices: Arc<Voices>,
    pub(super) listener: &'a Listener,
    /// Of the question.
    pub(super) language: Language,
    pub(super) settings: SpeakerSettings,
    pub(super) fail_over: bool,
    pub(super) timeline: &'a Timeline,
    /// Takes down what is sent.
    pub(super) transcript: &'a Transcript,
}

/// How the reply was spoken.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// The last voice that was heard, or empty.
    pub(super) voice: &'static str,
    /// Some text was not spoken, or not to its end.
    pub(super) degraded: bool,
}

/// A segment that is being synthesised, perhaps ahead of its time.
struct Ahead {
    frames: mpsc::Receiver<Bytes>,
    /// How long its voice took to the first byte, once that came.
    wait: Arc<OnceLock<Duration>>,
    /// Aborts the synthesis when the turn is dropped.
    task: AbortOnDropHandle<Synthesis>,
}

/// How the synthesis of one segment ended.
#[derive(Debug, Clone, Copy)]
enum Synthesis {
    /// Spoken to its end by this voice, after this wait for its first byte.
    Whole { voice: &'static str },
    /// Begun and broken off.
    Broken { voice: &'static str },
    /// No voice could be heard.
    Mute,
    /// Nothing in it can be spoken, e.g. an emoji.
    Nothing,
}

/// The sending side of one turn's speech.
struct Delivery<'a> {
    speaker: &'a Speaker<'a>,
    out: mpsc::Sender<Event>,
    waiting: VecDeque<String>,
    ahead: VecDeque<Ahead>,
    /// The voice to ask first: a voice that failed is not asked again in this
    /// turn while there is another, and the reply does not change its voice back
    /// and forth.
    place: Arc<AtomicUsize>,
    spoken: Spoken,
    heard: bool,
    /// Whether some segment can be said.
    has_words: bool,
    /// The first segment that can not.
    signs: Option<String>,
}

// === impl Speaker ===

impl Speaker<'_> {
    /// Speaks until the writer is done and everything is sent, or until the
    /// listener is gone.
    pub(super) async fn speak(
        self,
        bridge: Bridge,
        mut items: mpsc::Receiver<Item>,
        out: mpsc::Sender<Event>,
    ) -> Spoken {
        let bridge = bridge.spoken();
        tokio::pin!(bridge);
        let mut bridged = false;
        let mut delivery = Delivery::new(&self, out);
        let mut writing = true;
        while writing || delivery.is_busy() || delivery.name_signs() {
            delivery.synthesise_ahead();
            let sent = tokio::select! {
                biased;
                // Text first: it is shown while its voice is still being asked.
                item = items.recv(), if writing => match item {
                    Some(item) => delivery.take(item).await,
                    None => {
                        writing = false;
                        Ok(())
                    }
                },
                // Then the audio whose turn it is.
                frame = delivery.next_frame(), if delivery.is_busy() => {
                    delivery.pass_on(frame).await
                }
                // Nothing can be heard yet, for too long.
                recording = &mut bridge, if !bridged && !delivery.heard => {
                    bridged = true;
                    delivery.say_bridge(&recording).await
                }
            };
            if sent.is_err() {
                break;
            }
        }
        delivery.spoken
    }
}

// === impl Delivery ===

/// The listener is gone.
struct Gone;

impl<'a> Delivery<'a> {
    fn new(speaker: &'a Speaker<'a>, out: mpsc::Sender<Event>) -> Self {
        Self {
            speaker,
            out,
            waiting: VecDeque::new(),
            ahead: VecDeque::new(),
            place: Arc::default(),
            spoken: Spoken::default(),
            heard: false,
            has_words: false,
            signs: None,
        }
    }

    fn is_busy(&self) -> bool {
        !self.ahead.is_empty()
    }

    async fn take(&mut self, item: Item) -> Result<(), Gone> {
        match item {
            Item::Segment(text) => {
                self.waiting.push_back(text.clone());
                self.send(Event::Text(text.clone())).await?;
                self.speaker.transcript.add(&text);
                Ok(())
            }
            Item::Action(action) => self.send(Event::Action(action)).await,
        }
    }

    /// Keeps the look-ahead full.
    fn synthesise_ahead(&mut self) {
        while self.ahead.len() <= self.speaker.settings.look_ahead {
            let Some(text) = self.waiting.pop_front() else { return };
            let language = Language::to_say(&text, self.speaker.listener.language.as_ref());
            let said = spoken(&text, &language);
            if said.is_empty() {
                self.signs.get_or_insert(text);
            } else {
                self.has_words = true;
            }
            self.ahead.push_back(self.start(said, language));
        }
    }

    /// Of a reply of signs only the first one is named: to somebody who does not
    /// see it, silence is no answer. Whether there was something to name.
    fn name_signs(&mut self) -> bool {
        let signs = self.signs.take().filter(|_| !self.has_words);
        let Some(signs) = signs else { return false };
        let language = self.speaker.language.clone();
        let name = name_of_signs(&signs, &language).to_owned();
        self.ahead.push_back(self.start(name, language));
        true
    }

    fn start(&self, text: String, language: Language) -> Ahead {
        let listener = self.speaker.listener;
        let utterance =
            Utterance { text, language, voice: listener.voice.clone(), rate: listener.rate };
        let wait = Arc::default();
        let (frames_to, frames) = mpsc::channel(self.speaker.settings.frame_buffer);
        let synthesis = synthesise(Job {
            voices: Arc::clone(&self.speaker.voices),
            fail_over: self.speaker.fail_over,
            utterance,
            place: Arc::clone(&self.place),
            wait: Arc::clone(&wait),
            frames_to,
        });
        #[expect(clippy::disallowed_methods, reason = "owned by the turn and aborted with it")]
        let task = tokio::spawn(synthesis.in_current_span());
        Ahead { frames, wait, task: AbortOnDropHandle::new(task) }
    }

    /// The next frame of the segment whose turn it is; `None` at its end.
    async fn next_frame(&mut self) -> Option<Bytes> {
        match self.ahead.front_mut() {
            Some(ahead) => ahead.frames.recv().await,
            None => None,
        }
    }

    async fn pass_on(&mut self, frame: Option<Bytes>) -> Result<(), Gone> {
        match frame {
            Some(frame) => {
                self.note_first_audio();
                metrics::AUDIO_BYTES.add([], frame.len() as u64);
                self.send(Event::Audio(frame)).await
            }
            None => {
                self.end_segment().await;
                Ok(())
            }
        }
    }

    async fn end_segment(&mut self) {
        let Some(ahead) = self.ahead.pop_front() else { return };
        // A synthesis that panicked has said as much as one that broke off.
        let ended = ahead.task.await.unwrap_or(Synthesis::Mute);
        match ended {
            Synthesis::Whole { voice } => self.spoken.voice = voice,
            Synthesis::Broken { voice } => {
                self.spoken.voice = voice;
                self.degrade("a segment broke off");
            }
            Synthesis::Mute => self.degrade("no voice could be heard"),
            Synthesis::Nothing => {}
        }
    }

    async fn say_bridge(&self, recording: &Recording) -> Result<(), Gone> {
        nexy_telemetry::emit(&BridgeSpoken {});
        for frame in &recording.frames {
            self.send(Event::Bridge(frame.clone())).await?;
        }
        Ok(())
    }

    fn degrade(&mut self, reason: &'static str) {
        if !std::mem::replace(&mut self.spoken.degraded, true) {
            nexy_telemetry::emit(&Degrade { stage: "tts", reason: reason.to_owned() });
        }
    }

    fn note_first_audio(&mut self) {
        if !std::mem::replace(&mut self.heard, true) {
            let wait = self.ahead.front().and_then(|ahead| ahead.wait.get()).copied();
            self.speaker.timeline.first_audio(wait.unwrap_or_default());
        }
    }

    async fn send(&self, event: Event) -> Result<(), Gone> {
        self.out.send(event).await.map_err(|_| Gone)
    }
}

/// One segment on its way through a voice.
struct Job {
    voices: Arc<Voices>,
    fail_over: bool,
    utterance: Utterance,
    place: Arc<AtomicUsize>,
    wait: Arc<OnceLock<Duration>>,
    frames_to: mpsc::Sender<Bytes>,
}

async fn synthesise(job: Job) -> Synthesis {
    if job.utterance.text.is_empty() {
        return Synthesis::Nothing;
    }
    let from = job.place.load(Ordering::Acquire);
    let Some(begun) = job.voices.begin(from, job.fail_over, &job.utterance).await else {
        // Nobody could say this; the next segment is a new chance for all.
        job.place.store(0, Ordering::Release);
        return Synthesis::Mute;
    };
    let (voice, place, wait) = (begun.name, begun.place, begun.wait);
    metrics::STAGE_DURATION.observe(["tts_first_byte", voice], wait);
    job.place.fetch_max(place, Ordering::AcqRel);
    job.wait.get_or_init(|| wait);
    let began = Instant::now();
    match job.voices.speak(begun, &job.frames_to).await {
        Ok(()) => {
            metrics::STAGE_DURATION.observe(["tts_total", voice], wait + began.elapsed());
            Synthesis::Whole { voice }
        }
        Err(_) => {
            job.place.fetch_max(place + 1, Ordering::AcqRel);
            Synthesis::Broken { voice }
        }
    }
}
