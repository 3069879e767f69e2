use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future::join_all};
use nexy_audio_generation::{
    AzureSynthesizer, Error, EspeakSynthesizer, OpenAiSynthesizer, OutputFormat, SpeechSynthesizer,
    Stage, Utterance, frames,
};
use nexy_config::Settings;
use nexy_telemetry::metrics;
use nexy_types::{BoxFuture, Module, ModuleState, ModuleStatus, SampleRate};
use tokio::{sync::mpsc, time::timeout};

use super::{Admission, Breaker, BreakerSettings, Fault, Prices, connections};
use crate::decisions::Retry;

/// The voices in order of preference.
pub(crate) struct Voices {
    voices: Vec<GuardedVoice>,
    settings: VoicesSettings,
    /// Why nothing could be spoken when it was last tried.
    trouble: Mutex<Option<String>>,
}

/// How long a voice is waited for, and what leaves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VoicesSettings {
    pub(crate) format: OutputFormat,
    /// From the request to the first byte of audio.
    pub(crate) first_byte: Duration,
    /// Between two chunks.
    pub(crate) stall: Duration,
    /// How long a voice may be unused and still have its connection; zero is for
    /// ever.
    pub(crate) warm_up_after: Duration,
    pub(crate) breaker: BreakerSettings,
    pub(crate) prices: Prices,
}

/// A voice and the breaker that knows whether to ask it.
struct GuardedVoice {
    voice: Arc<dyn SpeechSynthesizer>,
    breaker: Arc<Breaker>,
    /// When it was last asked or warmed up.
    used: Mutex<Option<Instant>>,
}

/// A voice that has begun to speak.
pub(crate) struct Begun {
    /// Its place in the order of preference.
    pub(crate) place: usize,
    pub(crate) name: &'static str,
    /// How long its provider took to the first byte.
    pub(crate) wait: Duration,
    first: Bytes,
    rest: Frames,
    admission: Admission,
}

/// The beginning of what a voice says.
struct Opened {
    wait: Duration,
    first: Bytes,
    rest: Frames,
}

type Frames = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

// === impl Voices ===

impl Voices {
    /// Builds what the configuration lists.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        use nexy_config::TtsProvider;
        let mut voices: Vec<Arc<dyn SpeechSynthesizer>> = Vec::new();
        for provider in &settings.tts.providers {
            match provider {
                TtsProvider::Azure => voices.push(Arc::new(azure(settings)?)),
                TtsProvider::OpenAi => voices.push(Arc::new(openai(settings)?)),
                TtsProvider::Espeak => voices.push(Arc::new(espeak(settings))),
            }
        }
        let sample_rate =
            SampleRate::new(settings.audio.sample_rate).context("audio.sample_rate is 0")?;
        let format = OutputFormat { sample_rate, chunk_bytes: settings.audio.streaming_chunk_size };
        Ok(Self::of(
            voices,
            VoicesSettings {
                format,
                first_byte: settings.tts.first_byte_timeout,
                stall: settings.tts.stall_timeout,
                warm_up_after: settings.tts.warm_up_after,
                breaker: BreakerSettings::from(settings),
                prices: Prices::from(settings),
            },
        ))
    }

    pub(crate) fn of(voices: Vec<Arc<dyn SpeechSynthesizer>>, settings: VoicesSettings) -> Self {
        let guard = |voice: Arc<dyn SpeechSynthesizer>| {
            let breaker = Arc::new(Breaker::new(label(voice.name()), settings.breaker));
            GuardedVoice { voice, breaker, used: Mutex::new(None) }
        };
        let voices = voices.into_iter().map(guard).collect();
        Self { voices, settings, trouble: Mutex::new(None) }
    }

    /// The format of everything spoken.
    pub(crate) fn format(&self) -> OutputFormat {
        self.settings.format
    }

    /// Asks the voices until one can be heard: those from a place on, then those
    /// before it, which have failed in this turn. `None` when none can; each
    /// failure is in the decision log. The last voice to be asked is asked
    /// whatever its breaker says: without it silence would be certain.
    pub(crate) async fn begin(
        &self,
        from: usize,
        fail_over: bool,
        utterance: &Utterance,
    ) -> Option<Begun> {
        let last = if fail_over { self.voices.len() } else { self.voices.len().min(1) };
        let from = if from < last { from } else { 0 };
        for tried in 0..last {
            let place = (from + tried) % last;
            let Some(guarded) = self.voices.get(place) else { continue };
            let voice = guarded.voice.as_ref();
            let Some(admission) = guarded.breaker.admit(tried + 1 == last) else {
                metrics::PROVIDER_CALLS.increment([label(voice.name()), "breaker_open"]);
                continue;
            };
            let asked = Instant::now();
            guarded.touch(asked);
            match self.first_frame(voice, utterance.clone()).await {
                Ok(Opened { wait, first, rest }) => {
                    self.settings.prices.speech(label(voice.name()), &utterance.text);
                    self.note(None);
                    let name = voice.name();
                    return Some(Begun { place, name, wait, first, rest, admission });
                }
                Err(error) => {
                    let is_blamed = error.blames_the_voice() || error.is_silence_for(utterance);
                    let blamed = is_blamed.then_some(admission);
                    self.report(voice.name(), &error, blamed, asked.elapsed());
                }
            }
        }
        None
    }

    /// Passes on what a voice says, frame by frame.
    ///
    /// # Errors
    /// When the voice breaks off or stalls; what was sent stays sent.
    pub(crate) async fn speak(
        &self,
        begun: Begun,
        frames_to: &mpsc::Sender<Bytes>,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let Begun { name, first: mut frame, mut rest, admission, .. } = begun;
        // When the listener is gone, nobody waits for the rest.
        while frames_to.send(frame).await.is_ok() {
            let next = timeout(self.settings.stall, rest.next()).await;
            frame = match next.unwrap_or(Some(Err(Error::Timeout { stage: Stage::Stall }))) {
                Some(Ok(frame)) => frame,
                None => break,
                Some(Err(error)) => {
                    let blamed = error.blames_the_voice().then_some(admission);
                    self.report(name, &error, blamed, began.elapsed());
                    return Err(error);
                }
            };
        }
        // Not before the end: a voice that breaks off has failed.
        admission.succeeded();
        metrics::PROVIDER_CALLS.increment([label(name), "ok"]);
        Ok(())
    }

    /// Has all voices open their connections, at the start of the process.
    pub(crate) async fn warm_up(&self) {
        join_all(self.voices.iter().map(GuardedVoice::warm_up)).await;
    }

    /// Has the voice that will most likely be asked open its connection if it
    /// has not been used for a while. Meant to run while a model thinks.
    pub(crate) async fn warm_up_if_cold(&self, fail_over: bool) {
        let (now, limit) = (Instant::now(), self.settings.warm_up_after);
        let last = if fail_over { self.voices.len() } else { 1 };
        let likely = self.voices.iter().take(last).find(|voice| !voice.breaker.is_open(now));
        match likely {
            Some(voice) if !limit.is_zero() && voice.is_cold(now, limit) => voice.warm_up().await,
            _ => {}
        }
    }

    /// Waits for the first frame with a sound in it: a voice that is silent has
    /// failed while another can still be asked.
    async fn first_frame(
        &self,
        voice: &dyn SpeechSynthesizer,
        utterance: Utterance,
    ) -> Result<Opened, Error> {
        let asked = Instant::now();
        let opening = async {
            let speech = voice.synthesize(utterance).await?;
            let wait = asked.elapsed();
            let mut rest: Frames = Box::pin(frames(speech, self.settings.format));
            let first = rest.next().await.ok_or(Error::Silent)??;
            Ok(Opened { wait, first, rest })
        };
        timeout(self.settings.first_byte, opening)
            .await
            .unwrap_or(Err(Error::Timeout { stage: Stage::FirstByte }))
    }

    fn report(
        &self,
        provider: &'static str,
        error: &Error,
        blamed: Option<Admission>,
        after: Duration,
    ) {
        if let Some(admission) = blamed {
            admission.failed(Fault { leave_alone: error.retry_after() });
        }
        self.note(Some(error.to_string()));
        nexy_telemetry::emit(&Retry {
            stage: "tts",
            provider,
            label: label(provider),
            error_type: error.error_type().as_str(),
            reason: error.to_string(),
            after,
        });
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

// === impl GuardedVoice ===

impl GuardedVoice {
    async fn warm_up(&self) {
        self.touch(Instant::now());
        // One that cannot be reached is found out by the next utterance.
        let _reached = self.voice.warm_up().await;
    }

    fn is_cold(&self, now: Instant, limit: Duration) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.is_none_or(|used| now.saturating_duration_since(used) >= limit)
    }

    fn touch(&self, now: Instant) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

// === impl Module for Voices ===

impl Module for Voices {
    fn name(&self) -> &'static str {
        "audio_generation"
    }

    /// Asks each voice whether it could speak at all, so that `/status` tells
    /// of a missing program before somebody misses the voice.
    fn start(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let mut trouble = None;
            for GuardedVoice { voice, .. } in &self.voices {
                match timeout(self.settings.first_byte, voice.probe()).await {
                    Ok(Ok(())) => return self.note(None),
                    Ok(Err(error)) => trouble = Some(error.to_string()),
                    Err(_) => trouble = Some(format!("{} does not answer", voice.name())),
                }
            }
            self.note(trouble);
        })
    }

    fn status(&self) -> ModuleStatus {
        if self.voices.is_empty() {
            return ModuleStatus::with_reason(self.name(), ModuleState::Down, "no voice");
        }
        match &*self.trouble.lock().unwrap_or_else(PoisonError::into_inner) {
            None => ModuleStatus::ready(self.name()),
            Some(why) => {
                ModuleStatus::with_reason(self.name(), ModuleState::Degraded, why.as_str())
            }
        }
    }
}

/// A voice's name in metrics, where models and voices share one label.
pub(crate) fn label(voice: &'static str) -> &'static str {
    if voice == "openai" { "tts_openai" } else { voice }
}

fn openai(settings: &Settings) -> anyhow::Result<OpenAiSynthesizer> {
    use anyhow::Context as _;
    let openai = &settings.tts.openai;
    Ok(OpenAiSynthesizer::new(nexy_audio_generation::openai::Settings {
        base_url: openai.base_url.clone().unwrap_or_default(),
        key: openai.key.clone(),
        model: openai.model.clone(),
        voice: openai.voice.clone(),
        sample_rate: SampleRate::new(openai.sample_rate).context("tts.openai.sample_rate is 0")?,
        takes_speed: openai.takes_speed,
        connections: connections(settings, settings.tts.connect_timeout),
        first_byte_timeout: settings.tts.first_byte_timeout,
        stall_timeout: settings.tts.stall_timeout,
    })?)
}

fn azure(settings: &Settings) -> anyhow::Result<AzureSynthesizer> {
    let azure = &settings.tts.azure;
    Ok(AzureSynthesizer::new(nexy_audio_generation::azure::Settings {
        base_url: azure.base_url.clone(),
        key: azure.key.clone().unwrap_or_default(),
        voice: azure.voice.clone(),
        connections: connections(settings, settings.tts.connect_timeout),
        first_byte_timeout: settings.tts.first_byte_timeout,
        stall_timeout: settings.tts.stall_timeout,
        user_agent: azure.user_agent.clone(),
    })?)
}

fn espeak(settings: &Settings) -> EspeakSynthesizer {
    let espeak = &settings.tts.espeak;
    EspeakSynthesizer::new(nexy_audio_generation::espeak::Settings {
        program: espeak.program.clone().into(),
        voice: espeak.voice.clone(),
        words_per_minute: espeak.rate,
        max_processes: espeak.max_processes,
        first_byte_timeout: settings.tts.first_byte_timeout,
        stall_timeout: settings.tts.stall_timeout,
    })
    .keeping_warm(espeak.warm_processes)
}
