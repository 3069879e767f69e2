//! Greetings: short texts that are spoken again and again, so they are cached.

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use nexy_audio_generation::Utterance;
use nexy_text_filtering::spoken;
use nexy_types::{ErrorType, Language, SampleRate, SpeechRate};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::{providers::Voices, turn::Failure};

/// Bytes of one mono sample.
const SAMPLE_BYTES: usize = 2;

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
    pub(crate) sample_rate: SampleRate,
    pub(crate) frames: Vec<Bytes>,
}

/// The numbers and texts of greetings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) cache_entries: u64,
    pub(crate) frame_buffer: usize,
    pub(crate) greeting_en: String,
    pub(crate) greeting_ru: String,
}

/// Speaks greetings and remembers how they sound.
pub(crate) struct Welcomes {
    voices: Arc<Voices>,
    cache: Cache<Greeting, Arc<Recording>>,
    settings: Settings,
}

// === impl Recording ===

impl Recording {
    /// Seconds of audio.
    pub(crate) fn duration_sec(&self) -> f64 {
        let samples = self.frames.iter().map(Bytes::len).sum::<usize>() / SAMPLE_BYTES;
        samples as f64 / f64::from(self.sample_rate.hz())
    }
}

// === impl Welcomes ===

impl Welcomes {
    pub(crate) fn new(voices: Arc<Voices>, settings: Settings) -> Self {
        Self { voices, cache: Cache::new(settings.cache_entries), settings }
    }

    /// The greeting as audio, from the cache when it was spoken before.
    /// Simultaneous requests for one greeting are spoken once.
    pub(crate) async fn speak(&self, greeting: Greeting) -> Result<Arc<Recording>, Failure> {
        self.cache
            .try_get_with(greeting.clone(), self.record(greeting))
            .await
            .map_err(|failure| Failure::clone(&failure))
    }

    /// The greeting, if it was spoken before.
    pub(crate) async fn cached(&self, greeting: &Greeting) -> Option<Arc<Recording>> {
        self.cache.get(greeting).await
    }

    async fn record(&self, greeting: Greeting) -> Result<Arc<Recording>, Failure> {
        let text = self.text(&greeting);
        let language = Language::to_say(&text, greeting.language.as_ref());
        let utterance = Utterance {
            text: spoken(&text, &language),
            language,
            voice: greeting.voice,
            rate: greeting.rate,
        };
        let begun = self.voices.begin(0, true, &utterance).await.ok_or_else(mute)?;
        let method = begun.name;
        let (frames_to, mut frames) = mpsc::channel(self.settings.frame_buffer);
        let voices = Arc::clone(&self.voices);
        #[expect(clippy::disallowed_methods, reason = "owned by this call and aborted with it")]
        let speaking =
            AbortOnDropHandle::new(tokio::spawn(
                async move { voices.speak(begun, &frames_to).await },
            ));
        let mut recording = Vec::new();
        while let Some(frame) = frames.recv().await {
            recording.push(frame);
        }
        // Half a greeting is not worth remembering.
        match speaking.await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(mute()),
        }
        let sample_rate = self.voices.format().sample_rate;
        Ok(Arc::new(Recording { method, sample_rate, frames: recording }))
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
