use std::time::Duration;

use jiff::tz::TimeZone;
use nexy_audio_generation::{
    OutputFormat, ScriptedSynthesizer, SpeechSynthesizer, scripted::Step as Say,
};
use nexy_config::{Settings as Config, Sources};
use nexy_memory_management::{
    Append, Error as StoreError, Memory as MemoryService, MemoryRepository, Remembered, UnixMillis,
    UsageReport, UsageRepository,
};
use nexy_text_processing::{
    Delta, Error as ModelError, FinishReason, LanguageModel, Refusal,
    scripted::{Impatient, ScriptedModel, Step},
};
use nexy_types::{BoxFuture, ErrorType, HardwareId, SampleRate, SessionId};
use tokio::time::Instant;

use super::*;
use crate::{
    providers::{BreakerSettings, ModelsSettings, Prices, VoicesSettings},
    question::Listener,
    welcome::{self, Welcomes},
};

mod consent;
mod forged;
mod limits;
mod memory;
mod patience;
mod screenshots;
mod silence;
mod voices;

const RATE: u32 = 48_000;

/// Remembers nothing, and takes its time.
struct Blank {
    load: Duration,
}

fn breaker() -> BreakerSettings {
    BreakerSettings {
        threshold: 3,
        error_ratio: 0.5,
        min_requests: 10,
        window: Duration::from_secs(60),
        open_for: Duration::from_secs(30),
    }
}

impl MemoryRepository for Blank {
    fn load<'a>(
        &'a self,
        _device: &'a HardwareId,
        _newer_than: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, StoreError>> {
        Box::pin(async {
            tokio::time::sleep(self.load).await;
            Ok(Vec::new())
        })
    }
    fn append<'a>(&'a self, _append: &'a Append) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
    fn forget(&self, _newer_than: UnixMillis) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

impl UsageRepository for Blank {
    fn record<'a>(
        &'a self,
        _report: &'a UsageReport,
        _at: UnixMillis,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A pipeline of scripted providers, and the flags of the defaults.
struct Bench {
    pipeline: Pipeline,
    flags: Flags,
    _memory: MemoryService,
}

/// What came out of a turn.
struct Heard {
    events: Vec<Event>,
    ended: Ended,
    took: Duration,
}

fn rate() -> SampleRate {
    SampleRate::new(RATE).unwrap()
}

fn voice(name: &'static str) -> ScriptedSynthesizer {
    ScriptedSynthesizer::new(name, rate()).always([Say::Sound(Duration::from_millis(100))])
}

fn broken_voice() -> ScriptedSynthesizer {
    let fault = nexy_audio_generation::Error::Unavailable { reason: "connection refused" };
    ScriptedSynthesizer::new("tts_openai", rate()).always([Say::Fail(fault)])
}

fn unreachable_model() -> ScriptedModel {
    ScriptedModel::new("openai", vec![Step::Error(ModelError::Unavailable(Refusal::default()))])
}

fn settings() -> Settings {
    Settings {
        writer: WriterSettings {
            segments: nexy_text_filtering::Settings {
                min_chars: 15,
                min_words: 3,
                first_sentence_min_words: 2,
                force_flush_max_chars: 0,
            },
            max_segments: 100,
            max_chars: 1000,
            turn_budget: Duration::from_secs(20),
        },
        speaker: SpeakerSettings { look_ahead: 2, frame_buffer: 8 },
        consent: ConsentSettings {
            english: "Shall I?".to_owned(),
            russian: "Сделать?".to_owned(),
            max_args_bytes: 200,
        },
        words: WordsSettings {
            doing_english: "I am doing that.".to_owned(),
            doing_russian: "Делаю.".to_owned(),
            cannot_english: "I cannot do that.".to_owned(),
            cannot_russian: "Не могу.".to_owned(),
        },
        timezone: TimeZone::UTC,
    }
}

fn memory(store: Blank) -> MemoryService {
    let second = Duration::from_secs(1);
    let settings = nexy_memory_management::Settings {
        max_short_term_size: 1000,
        short_term_idle: Duration::from_secs(60),
        read_timeout: second,
        write_timeout: second,
        write_queue: 8,
        drain_timeout: second,
    };
    MemoryService::new(settings, Arc::new(store))
}

fn impatient(model: Arc<dyn LanguageModel>, waits: Duration) -> Arc<dyn LanguageModel> {
    Arc::new(Impatient { model, first_token: waits, stall: waits })
}

impl Bench {
    fn new(models: Vec<Arc<dyn LanguageModel>>, voices: Vec<Arc<dyn SpeechSynthesizer>>) -> Self {
        Self::remembering(Duration::ZERO, models, voices)
    }

    /// With a memory that takes so long to be read.
    fn remembering(
        load: Duration,
        models: Vec<Arc<dyn LanguageModel>>,
        voices: Vec<Arc<dyn SpeechSynthesizer>>,
    ) -> Self {
        let config = Config::load(&Sources::for_tests([("", "")])).unwrap().0;
        let memory = memory(Blank { load });
        let waits = Duration::from_secs(2);
        let breaker = breaker();
        let voices = Arc::new(Voices::of(
            voices,
            VoicesSettings {
                format: OutputFormat { sample_rate: rate(), chunk_bytes: 4096 },
                first_byte: waits,
                stall: waits,
                warm_up_after: Duration::from_secs(30),
                breaker,
                prices: Prices::default(),
            },
        ));
        let speech = Arc::new(Welcomes::new(
            Arc::clone(&voices),
            welcome::Settings {
                cache_bytes: 1 << 20,
                keep_for: Duration::from_secs(3600),
                keep_stand_in_for: Duration::from_secs(60),
                greeting_en: "Hello!".to_owned(),
                greeting_ru: "Привет!".to_owned(),
            },
        ));
        let pipeline = Pipeline {
            memory: memory.handle(),
            running: Running::default(),
            bridges: Bridges {
                speech,
                settings: BridgeSettings {
                    after: Duration::from_millis(1500),
                    english: "One moment.".to_owned(),
                    russian: "Секунду.".to_owned(),
                },
            },
            models: Models::of(
                models.into_iter().map(|model| impatient(model, waits)).collect(),
                ModelsSettings { breaker, quota_pause: waits, prices: Prices::default() },
            ),
            voices,
            images: Images::new(screenshots::settings()),
            commands: config.commands.clone(),
            settings: settings(),
        };
        Self { pipeline, flags: config.flags(), _memory: memory }
    }

    async fn ask(&self, prompt: &str) -> Heard {
        self.answer(question(prompt)).await
    }

    async fn answer(&self, question: Question) -> Heard {
        let (out, mut events) = mpsc::channel(1);
        let began = Instant::now();
        let collect = async {
            let mut heard = Vec::new();
            while let Some(event) = events.recv().await {
                heard.push(event);
            }
            heard
        };
        let answer = self.pipeline.answer(question, &self.flags, out);
        let (ended, events) = tokio::join!(answer, collect);
        Heard { events, ended, took: began.elapsed() }
    }
}

impl Heard {
    fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        for event in &self.events {
            if let Event::Text(text) = event {
                texts.push(text.as_str());
            }
        }
        texts
    }

    /// Milliseconds of audio.
    fn audio_ms(&self) -> usize {
        let mut bytes = 0;
        for event in &self.events {
            if let Event::Audio(pcm) = event {
                bytes += pcm.len();
            }
        }
        bytes / 2 / (RATE as usize / 1000)
    }

    /// Milliseconds of "one moment".
    fn bridge_ms(&self) -> usize {
        let mut bytes = 0;
        for event in &self.events {
            if let Event::Bridge(pcm) = event {
                bytes += pcm.len();
            }
        }
        bytes / 2 / (RATE as usize / 1000)
    }

    fn actions(&self) -> Vec<&Action> {
        let mut actions = Vec::new();
        for event in &self.events {
            if let Event::Action(action) = event {
                actions.push(action);
            }
        }
        actions
    }

    fn error(&self) -> ErrorType {
        self.ended.result.as_ref().unwrap_err().error_type
    }
}

pub(super) fn question(prompt: &str) -> Question {
    Question {
        device: HardwareId::parse("device").unwrap(),
        session: SessionId::parse("3b241101-e2bb-4255-8caf-4136c566a962").unwrap(),
        prompt: prompt.to_owned(),
        screenshot: None,
        screen: None,
        listener: Listener::default(),
        actions_enabled: true,
        waiting: None,
        budget: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_shown_and_spoken_segment_by_segment() {
    let model = ScriptedModel::saying("openai", "It is ten o'clock. The sun is up already.");
    let spoken = voice("espeak");
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(spoken.clone())]);
    let heard = bench.ask("What time is it?").await;

    assert_eq!(heard.texts(), ["It is ten o'clock.", "The sun is up already."]);
    assert_eq!(heard.audio_ms(), 200);
    assert!(heard.ended.result.is_ok());
    assert_eq!(heard.ended.outcome.llm, "openai");
    assert_eq!(heard.ended.outcome.tts, "espeak");
    assert!(heard.ended.outcome.degraded.is_empty());
    assert!(matches!(heard.events.first(), Some(Event::Text(_))));
}

#[tokio::test(start_paused = true)]
async fn one_word_without_a_full_stop_is_spoken() {
    let model = ScriptedModel::saying("openai", "Yes");
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(voice("espeak"))]);
    let heard = bench.ask("Really?").await;
    assert_eq!(heard.texts(), ["Yes"]);
    assert_eq!(heard.audio_ms(), 100);
}

#[tokio::test(start_paused = true)]
async fn four_sentences_do_not_wait_for_each_others_synthesis() {
    let text = "This is the first one. This is the second one. This is the third one. \
                This is the fourth one.";
    let slow = voice("espeak")
        .always([Say::Wait(Duration::from_millis(300)), Say::Sound(Duration::from_millis(100))]);
    let model = ScriptedModel::saying("openai", text);
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(slow)]);
    let heard = bench.ask("Count").await;
    assert_eq!(heard.texts().len(), 4);
    assert_eq!(heard.audio_ms(), 400);
    // The first three side by side, the fourth when there is room: two rounds.
    assert_eq!(heard.took, Duration::from_millis(600));
}

#[tokio::test(start_paused = true)]
async fn the_next_model_answers_when_one_fails_or_stays_silent() {
    let rows: [(Vec<Step>, Duration); 4] = [
        (vec![Step::Error(ModelError::Unavailable(Refusal::default()))], Duration::ZERO),
        (vec![Step::Hang], Duration::from_secs(2)),
        (vec![Step::stop()], Duration::ZERO),
        (vec![Step::text("   "), Step::stop()], Duration::ZERO),
    ];
    for (steps, waited) in rows {
        let first = ScriptedModel::new("openai", steps);
        let second = Arc::new(ScriptedModel::saying("offline", "I am here for you."));
        let bench =
            Bench::new(vec![Arc::new(first), second.clone()], vec![Arc::new(voice("espeak"))]);
        let heard = bench.ask("Hello").await;
        assert_eq!(heard.texts(), ["I am here for you."]);
        assert_eq!(heard.ended.outcome.llm, "offline");
        assert_eq!(heard.took, waited);
        assert!(second.requests()[0].outages, "the offline assistant knows why it is asked");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_first_of_each_list_is_asked_without_fail_over() {
    let second = Arc::new(ScriptedModel::saying("offline", "I am here for you."));
    let mut bench = Bench::new(vec![Arc::new(unreachable_model()), second.clone()], vec![]);
    bench.flags.features.use_fallback_manager = nexy_config::Feature::Switch(false);
    let heard = bench.ask("Hello").await;
    assert_eq!(heard.error(), ErrorType::Unavailable);
    assert!(second.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_again_once_a_word_was_heard() {
    let steps = vec![Step::text("This much was said already. And then "), Step::Hang];
    let second = Arc::new(ScriptedModel::saying("offline", "Something else."));
    let bench = Bench::new(
        vec![Arc::new(ScriptedModel::new("openai", steps)), second.clone()],
        vec![Arc::new(voice("espeak"))],
    );
    let heard = bench.ask("Tell me").await;
    assert_eq!(heard.texts(), ["This much was said already."]);
    assert_eq!(heard.audio_ms(), 100, "what was shown is spoken to its end");
    assert_eq!(heard.error(), ErrorType::Timeout);
    assert!(second.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_cut_off_is_never_complete() {
    for reason in [FinishReason::Length, FinishReason::ContentFilter, FinishReason::Other] {
        let steps = vec![
            Step::text("A sentence that was heard. And one that"),
            Step::Delta(Delta::Finished(reason)),
        ];
        let model = ScriptedModel::new("openai", steps);
        let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(voice("espeak"))]);
        let heard = bench.ask("Tell me").await;
        assert_eq!(heard.texts(), ["A sentence that was heard.", "And one that"]);
        assert_eq!(heard.error(), ErrorType::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_voice_the_text_flows_and_the_turn_says_degraded() {
    let model = ScriptedModel::saying("openai", "It is ten o'clock. The sun is up already.");
    let voice = broken_voice();
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(voice.clone())]);
    let heard = bench.ask("What time is it?").await;
    assert_eq!(heard.texts().len(), 2);
    assert_eq!(heard.audio_ms(), 0);
    assert!(heard.ended.result.is_ok());
    assert_eq!(heard.ended.outcome.degraded, ["tts"]);
    assert_eq!(heard.ended.outcome.tts, "");
}

#[tokio::test(start_paused = true)]
async fn the_voice_that_takes_over_keeps_the_turn() {
    let model = ScriptedModel::saying(
        "openai",
        "It is ten o'clock. The sun is up already. The birds are singing too. So wake up now.",
    );
    let (first, second) = (broken_voice(), voice("espeak"));
    let bench =
        Bench::new(vec![Arc::new(model)], vec![Arc::new(first.clone()), Arc::new(second.clone())]);
    let heard = bench.ask("What time is it?").await;
    assert_eq!(heard.audio_ms(), 400);
    assert_eq!(heard.ended.outcome.tts, "espeak");
    assert!(heard.ended.outcome.degraded.is_empty());
    // Asked for what was begun at once, never again after it had failed.
    assert!(first.utterances().len() <= 3);
    assert_eq!(second.utterances().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_action_follows_the_first_text_of_its_reply() {
    let json = r#"{"session_id":"x","command":"Open App","args":{"app_name":"Telegram","at":"10:30"},"text":"Opening Telegram now. It may take a moment."}"#;
    let model = ScriptedModel::saying("openai", json);
    let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(voice("espeak"))]);
    let heard = bench.ask("Open Telegram").await;

    let [action] = heard.actions()[..] else { panic!("one action") };
    assert_eq!(action.command, "open_app");
    assert_eq!(
        serde_json::to_string(&action.args).unwrap(),
        r#"{"app_name":"Telegram","at":"10:30"}"#
    );
    let place = |wanted: fn(&Event) -> bool| heard.events.iter().position(wanted);
    let text = place(|event| matches!(event, Event::Text(_)));
    assert!(text < place(|event| matches!(event, Event::Action(_))));
    assert_eq!(heard.texts(), ["Opening Telegram now.", "It may take a moment."]);
}

#[tokio::test(start_paused = true)]
async fn an_action_that_is_not_in_the_catalogue_is_dropped_and_its_text_spoken() {
    for args in [r#"{"app_name":""}"#, "{}", r#"{"app_name":5}"#] {
        let json = format!(r#"{{"command":"open_app","args":{args},"text":"Opening it now."}}"#);
        let model = ScriptedModel::saying("openai", &json);
        let bench = Bench::new(vec![Arc::new(model)], vec![Arc::new(voice("espeak"))]);
        let heard = bench.ask("Open it").await;
        assert!(heard.actions().is_empty());
        assert_eq!(heard.texts(), ["Opening it now."]);
        assert!(heard.ended.result.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_turn_drops_its_model_and_its_voices() {
    let steps = vec![Step::text("This is a sentence. This is another one. And "), Step::Hang];
    let model = Arc::new(ScriptedModel::new("openai", steps));
    let endless = voice("espeak").always([Say::Sound(Duration::from_millis(100)), Say::Stall]);
    let bench = Bench::new(vec![model.clone()], vec![Arc::new(endless.clone())]);
    let (out, mut events) = mpsc::channel(1);
    let answer = bench.pipeline.answer(question("Go on"), &bench.flags, out);
    let mut heard = 0;
    tokio::select! {
        _ = answer => panic!("the turn cannot end"),
        () = async { while heard < 3 { heard += usize::from(events.recv().await.is_some()); } } => {}
    }
    assert_eq!(model.open_replies(), 0);
    // Aborted tasks are dropped by the runtime, which has to get a turn.
    tokio::time::timeout(Duration::from_secs(1), async {
        while endless.active() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
