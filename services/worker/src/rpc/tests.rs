use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use nexy_audio_generation::{
    Error as VoiceError, OutputFormat, Speech, SpeechSynthesizer, Utterance,
};
use nexy_config::{Settings, Sources};
use nexy_text_processing::{
    ChatRequest, DeltaStream, Error as ModelError, LanguageModel,
    scripted::{ScriptedModel, Step},
};
use nexy_types::{BoxFuture, ImageFormat, SampleRate};
use pb::respond_event::Event;

use super::*;
use crate::providers::{BreakerSettings, Models, ModelsSettings, Prices, Voices, VoicesSettings};

/// A model that panics once, and is a model of few words from then on.
struct Panicking {
    has_panicked: AtomicBool,
    model: ScriptedModel,
}

/// A voice that panics whenever it is asked.
struct Hoarse;

impl LanguageModel for Panicking {
    fn name(&self) -> &'static str {
        "openai"
    }
    fn image_formats(&self) -> &[ImageFormat] {
        &[]
    }
    fn reply(
        &self,
        request: Arc<ChatRequest>,
    ) -> BoxFuture<'static, Result<DeltaStream, ModelError>> {
        assert!(self.has_panicked.swap(true, Ordering::SeqCst), "a bug in a model's client");
        self.model.reply(request)
    }
}

impl SpeechSynthesizer for Hoarse {
    fn name(&self) -> &'static str {
        "espeak"
    }
    fn synthesize(&self, _utterance: Utterance) -> BoxFuture<'static, Result<Speech, VoiceError>> {
        panic!("a bug in a voice's client")
    }
}

fn service(model: Arc<dyn LanguageModel>) -> WorkerRpc {
    let sources = Sources::for_tests([("USE_WORKFLOW_INTEGRATIONS", "false")]);
    let settings = Settings::load(&sources).unwrap().0;
    let (mut modules, _memory) = ModuleCoordinator::new(&settings).unwrap();
    let (wait, breaker) = (Duration::from_secs(2), BreakerSettings::from(&settings));
    let pipeline = Arc::get_mut(&mut modules.pipeline).unwrap();
    pipeline.models = Models::of(
        vec![model],
        ModelsSettings { breaker, quota_pause: wait, prices: Prices::default() },
    );
    let sample_rate = SampleRate::new(48_000).unwrap();
    pipeline.voices = Arc::new(Voices::of(
        vec![Arc::new(Hoarse)],
        VoicesSettings {
            format: OutputFormat { sample_rate, chunk_bytes: 4096 },
            first_byte: wait,
            stall: wait,
            warm_up_after: Duration::ZERO,
            breaker,
            prices: Prices::default(),
        },
    ));
    WorkerRpc {
        memory: modules.memory.clone(),
        modules: Arc::new(modules),
        live: Arc::new(Live::new(Sources::default(), settings.flags())),
        tasks: TaskTracker::new(),
        shutdown: Shutdown::default(),
        event_buffer: 4,
        version: String::new(),
    }
}

/// Everything that a turn answers, within some time of its caller's.
async fn ask(service: &WorkerRpc, within: Duration) -> Vec<Event> {
    let mut request = Request::new(pb::RespondRequest {
        turn: 7,
        hardware_id: "device-1".to_owned(),
        session_id: "3b241101-e2bb-4255-8caf-4136c566a962".to_owned(),
        prompt: "What time is it?".to_owned(),
        ..pb::RespondRequest::default()
    });
    request.set_timeout(within);
    let reply = service.respond(request).await.unwrap().into_inner();
    let events: Vec<_> = reply.collect().await;
    events.into_iter().filter_map(|event| event.unwrap().event).collect()
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_panics_ends_with_internal_and_the_next_one_is_answered() {
    let model = ScriptedModel::saying("openai", "It is ten o'clock.");
    let service = service(Arc::new(Panicking { has_panicked: AtomicBool::new(false), model }));
    let minute = Duration::from_secs(60);
    let events = ask(&service, minute).await;
    let [Event::AudioFormat(_), Event::Failed(failed)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(failed.error_type, "internal");

    // A voice that panics costs the sound and nothing else.
    let events = ask(&service, minute).await;
    let [Event::AudioFormat(_), Event::Text(text), Event::Completed(completed)] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(text, "It is ten o'clock.");
    assert_eq!(completed.outcome.as_ref().unwrap().degraded, ["tts"]);
    service.tasks.close();
    service.tasks.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_ends_when_its_callers_time_is_up_and_lets_its_model_go() {
    let steps = vec![Step::text("This was said. And then "), Step::Hang];
    let model = Arc::new(ScriptedModel::new("openai", steps));
    let service = service(Arc::clone(&model) as _);
    let began = Instant::now();
    let events = ask(&service, Duration::from_millis(500)).await;
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    let Some(Event::Failed(failed)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failed.error_type, "timeout");
    assert!(matches!(events[1], Event::Text(_)));
    assert_eq!(model.open_replies(), 0);
}
