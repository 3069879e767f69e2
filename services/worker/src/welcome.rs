//! Greetings: short texts that are spoken again and again, so they are cached.
//!
//! A greeting leaves while it is spoken. Whoever asks for one that is being
//! spoken listens to the same tape, and it is spoken for as long as anybody
//! listens.

mod tape;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use moka::{Expiry, future::Cache};
use nexy_audio_generation::{Speech, Utterance, frames};
use nexy_text_filtering::spoken;
use nexy_types::{ErrorType, Language, SampleRate, SpeechRate};

pub(crate) use self::tape::Listening;
use self::tape::{Job, Tape};
use crate::{providers::Voices, turn::Failure};

/// Bytes of one mono sample.
const SAMPLE_BYTES: usize = 2;

/// Letters that an ordinary voice says in a second, for an estimate.
const LETTERS_PER_SECOND: f64 = 15.0;

/// What is to be said. User content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Greeting {
    /// Empty: the default greeting of the language.
    pub(crate) text: String,
    pub(crate) voice: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) rate: SpeechRate,
}

/// A greeting, spoken whole.
pub(crate) struct Recording {
    /// The voice that spoke.
    pub(crate) method: &'static str,
    /// It spoke because a better one could not.
    is_stand_in: bool,
    pub(crate) sample_rate: SampleRate,
    pub(crate) frames: Vec<Bytes>,
}

/// The numbers and texts of greetings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What recordings may take together.
    pub(crate) cache_bytes: u64,
    /// How long one is kept.
    pub(crate) keep_for: Duration,
    /// How long one is kept that a stand-in spoke.
    pub(crate) keep_stand_in_for: Duration,
    pub(crate) greeting_en: String,
    pub(crate) greeting_ru: String,
}

/// Speaks greetings and remembers how they sound.
pub(crate) struct Welcomes {
    voices: Arc<Voices>,
    cache: Cache<Greeting, Arc<Recording>>,
    /// Those that are being spoken, as long as anybody listens.
    speaking: Mutex<HashMap<Greeting, Weak<Tape>>>,
    settings: Settings,
}

/// How long a recording is kept.
struct Freshness {
    usual: Duration,
    stand_in: Duration,
}

// === impl Recording ===

impl Recording {
    fn bytes(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }

    /// Seconds of audio.
    fn duration_sec(&self) -> f64 {
        (self.bytes() / SAMPLE_BYTES) as f64 / f64::from(self.sample_rate.hz())
    }
}

// === impl Freshness ===

impl Expiry<Greeting, Arc<Recording>> for Freshness {
    fn expire_after_create(
        &self,
        _greeting: &Greeting,
        recording: &Arc<Recording>,
        _created_at: Instant,
    ) -> Option<Duration> {
        Some(if recording.is_stand_in { self.stand_in } else { self.usual })
    }
}

// === impl Welcomes ===

impl Welcomes {
    pub(crate) fn new(voices: Arc<Voices>, settings: Settings) -> Self {
        let freshness =
            Freshness { usual: settings.keep_for, stand_in: settings.keep_stand_in_for };
        let cache = Cache::builder()
            .max_capacity(settings.cache_bytes)
            .weigher(|greeting: &Greeting, recording: &Arc<Recording>| {
                let bytes = recording.bytes() + greeting.text.len();
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .expire_after(freshness)
            .build();
        Self { voices, cache, speaking: Mutex::default(), settings }
    }

    /// The greeting, from the cache when it was spoken before, else as it is
    /// spoken.
    pub(crate) async fn listen(&self, greeting: Greeting) -> Listening {
        match self.cached(&greeting).await {
            Some(recording) => Listening::to_recording(&recording),
            None => Listening::to(self.tape(greeting)),
        }
    }

    /// The greeting to its end.
    pub(crate) async fn speak(&self, greeting: Greeting) -> Result<Arc<Recording>, Failure> {
        if let Some(recording) = self.cached(&greeting).await {
            return Ok(recording);
        }
        Listening::to(self.tape(greeting)).whole().await.map(Arc::new)
    }

    /// The greeting, if it was spoken before.
    pub(crate) async fn cached(&self, greeting: &Greeting) -> Option<Arc<Recording>> {
        self.cache.get(greeting).await
    }

    /// What was spoken at the usual speed, at another one.
    pub(crate) async fn paced(
        &self,
        recording: Arc<Recording>,
        rate_left: SpeechRate,
    ) -> Arc<Recording> {
        if rate_left == SpeechRate::NORMAL {
            return recording;
        }
        let Recording { method, is_stand_in, sample_rate, frames: ref spoken } = *recording;
        let pcm = Box::pin(stream::iter(spoken.clone().into_iter().map(Ok)));
        let speech = Speech { sample_rate, rate_left, pcm };
        match frames(speech, self.voices.format()).try_collect().await {
            Ok(frames) => Arc::new(Recording { method, is_stand_in, sample_rate, frames }),
            // Too fast or too slow is better than nothing.
            Err(_) => recording,
        }
    }

    /// The tape that is running for a greeting, or a new one.
    fn tape(&self, greeting: Greeting) -> Arc<Tape> {
        let mut speaking = self.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        let running = speaking.get(&greeting).and_then(Weak::upgrade);
        if let Some(tape) = running.filter(|tape| !tape.has_failed()) {
            return tape;
        }
        speaking.retain(|_, tape| tape.strong_count() > 0);
        let tape = Arc::new(Tape::start(self.job(greeting.clone())));
        speaking.insert(greeting, Arc::downgrade(&tape));
        tape
    }

    fn job(&self, greeting: Greeting) -> Job {
        let text = self.text(&greeting);
        let language = Language::to_say(&text, greeting.language.as_ref());
        let utterance = Utterance {
            text: spoken(&text, &language),
            language,
            voice: greeting.voice.clone(),
            rate: greeting.rate,
        };
        let letters = utterance.text.chars().count() as f64;
        let estimate = letters / LETTERS_PER_SECOND / f64::from(greeting.rate.factor());
        let (voices, cache) = (Arc::clone(&self.voices), self.cache.clone());
        Job { voices, cache, greeting, utterance, estimate }
    }

    fn text(&self, greeting: &Greeting) -> String {
        if !greeting.text.trim().is_empty() {
            return greeting.text.clone();
        }
        let russian = greeting.language.as_ref().is_some_and(Language::is_russian);
        let Settings { greeting_en, greeting_ru, .. } = &self.settings;
        if russian { greeting_ru.clone() } else { greeting_en.clone() }
    }
}

fn mute() -> Failure {
    Failure { error_type: ErrorType::Unavailable, message: "no voice could be heard".to_owned() }
}

#[cfg(test)]
mod tests;
