//! Greetings, passed on from a worker.

use std::{sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use nexy_config::Settings;
use nexy_proto::{
    streaming::{WelcomeMetadata, WelcomeRequest, WelcomeResponse, welcome_response::Content},
    worker::{AudioFormat, WelcomeEvent, WelcomeRequest as WorkerRequest, welcome_event::Event},
};
use nexy_runtime::grpc::RpcContext;
use nexy_types::{ErrorType, Language, SpeechRate};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::task::TaskTracker;
use tonic::{Code, Status, Streaming};

use crate::{
    convert::{self, DTYPE},
    coordinator::{ModuleCoordinator, StreamPermit},
    options,
    refusal::Refusal,
    rpc::refuse,
    workers::{Chosen, Workers, may_pass_elsewhere},
};

/// What the end message says.
const SPOKEN: &str = "WELCOME_COMPLETED";

/// A GenerateWelcomeAudio call that was admitted.
pub(crate) struct Opening {
    pub(crate) modules: Arc<ModuleCoordinator>,
    pub(crate) request: WelcomeRequest,
    /// How fast the client wants to hear it.
    pub(crate) rate: Result<Option<SpeechRate>, Refusal>,
    pub(crate) permit: StreamPermit,
    pub(crate) deadline: Option<Duration>,
    pub(crate) context: RpcContext,
}

type Message = Result<WelcomeResponse, Status>;

/// What a client has still to hear.
enum Rest {
    /// The greeting, of which nothing was heard yet or something was.
    Greeting {
        queue: Queue,
        heard_any: bool,
    },
    /// The error was told in words; its status is left.
    Status(Status),
    Nothing,
}

/// What was said to a client. Its end is not in the queue: a client that stopped
/// reading and left no room there is told all the same.
struct Queue {
    messages: mpsc::Receiver<WelcomeResponse>,
    end: oneshot::Receiver<Result<(), Status>>,
    context: RpcContext,
}

/// The worker that speaks a greeting.
struct Speaker {
    worker: Chosen,
    first: WelcomeEvent,
    events: Streaming<WelcomeEvent>,
}

/// A worker did not bring a greeting to its end.
struct Broken {
    /// As the convention of RPCs sees it.
    code: Code,
    refusal: Refusal,
}

/// Passes a greeting on, for at most the client's deadline or the turn budget.
pub(crate) fn speak(opening: Opening, tasks: &TaskTracker) -> impl Stream<Item = Message> + use<> {
    let (to_client, messages) = mpsc::channel(opening.modules.settings.grpc.frame_buffer.max(1));
    let (end_to, end) = oneshot::channel();
    let queue = Queue { messages, end, context: opening.context.clone() };
    tasks.spawn(async move {
        let Opening { modules, request, rate, permit, deadline, context } = opening;
        let checked = check(request, rate, &modules.settings);
        let budget = modules.settings.llm.turn_budget;
        let within = deadline.map_or(budget, |deadline| deadline.min(budget));
        let passing = tokio::select! {
            biased;
            // The process leaves and waits no longer.
            () = modules.shutdown.force().cancelled() => Err(leaving()),
            // The client is gone: so is everything behind it.
            () = to_client.closed() => Ok(()),
            passed = timeout(within, pass_on(&modules, checked, &to_client)) => {
                passed.unwrap_or_else(|_| Err(too_late()))
            }
        };
        let _gone = end_to.send(passing.map_err(|refusal| refuse(&context, &refusal)));
        drop(permit);
    });
    stream::unfold(Rest::Greeting { queue, heard_any: false }, Rest::next)
}

/// A call that is not admitted: the error in words, and the status.
pub(crate) fn refused(
    context: &RpcContext,
    refusal: Refusal,
) -> impl Stream<Item = Message> + use<> {
    let status = refuse(context, &refusal);
    let error = response(Content::ErrorMessage(refusal.message));
    tokio_stream::iter([Ok(error), Err(status)])
}

/// What a worker is asked, if the request makes sense.
fn check(
    request: WelcomeRequest,
    rate: Result<Option<SpeechRate>, Refusal>,
    settings: &Settings,
) -> Result<WorkerRequest, Refusal> {
    let WelcomeRequest { text, voice, language, .. } = request;
    let speech_rate = rate?.map(|rate| rate.factor()).unwrap_or_default();
    if !language.is_empty() && Language::parse(&language).is_none() {
        return Err(Refusal::invalid("language must be a BCP 47 tag"));
    }
    if !voice.is_empty() && !options::is_voice(&voice) {
        return Err(Refusal::invalid("voice must be the name of a voice"));
    }
    let limit = settings.welcome.max_chars;
    if text.len() > limit && text.chars().count() > limit {
        return Err(Refusal::invalid(format!("text must be at most {limit} characters")));
    }
    Ok(WorkerRequest { text, voice, language, speech_rate })
}

async fn pass_on(
    modules: &ModuleCoordinator,
    checked: Result<WorkerRequest, Refusal>,
    to_client: &mpsc::Sender<WelcomeResponse>,
) -> Result<(), Refusal> {
    let Speaker { worker, first, mut events } = begin(&modules.workers, checked?).await?;
    let mut format = convert::promised_format(&modules.settings);
    let mut next = first;
    loop {
        // A newer worker may say what this version does not know.
        if let Some(event) = next.event {
            if matches!(event, Event::Completed(_) | Event::Failed(_)) {
                worker.served();
            }
            let (content, last) = content(event, &mut format)?;
            if to_client.send(response(content)).await.is_err() || last {
                return Ok(());
            }
        }
        next = next_event(&mut events).await.map_err(|broken| {
            worker.blame(broken.code);
            broken.refusal
        })?;
    }
}

/// Has a worker begin, or another one if it breaks before it says anything. Each
/// is asked once.
async fn begin(workers: &Workers, request: WorkerRequest) -> Result<Speaker, Refusal> {
    let mut tried = Vec::new();
    let mut refusal = Refusal::unavailable("no worker is ready");
    while let Some(worker) = workers.choose_but(&tried) {
        let broken = match ask(&worker, request.clone()).await {
            Ok((first, events)) => return Ok(Speaker { worker, first, events }),
            Err(broken) => broken,
        };
        worker.blame(broken.code);
        refusal = broken.refusal;
        if !may_pass_elsewhere(broken.code) {
            break;
        }
        tried.push(Arc::clone(worker.addr()));
    }
    Err(refusal)
}

async fn ask(
    worker: &Chosen,
    request: WorkerRequest,
) -> Result<(WelcomeEvent, Streaming<WelcomeEvent>), Broken> {
    let answer = worker.client().welcome(request).await;
    let mut events = answer.map_err(|status| Broken::of(&status))?.into_inner();
    Ok((next_event(&mut events).await?, events))
}

async fn next_event(events: &mut Streaming<WelcomeEvent>) -> Result<WelcomeEvent, Broken> {
    match events.message().await {
        Ok(Some(event)) => Ok(event),
        Ok(None) => Err(Broken::off()),
        Err(status) => Err(Broken::of(&status)),
    }
}

/// What an event is for the client, and whether it is the last.
fn content(event: Event, format: &mut AudioFormat) -> Result<(Content, bool), Refusal> {
    match event {
        Event::Metadata(metadata) => {
            *format = metadata.format.unwrap_or(*format);
            let chunk = convert::audio_chunk(bytes::Bytes::new(), *format);
            let metadata = WelcomeMetadata {
                method: metadata.method,
                duration_sec: metadata.duration_sec,
                sample_rate: chunk.sample_rate,
                channels: chunk.channels,
                dtype: DTYPE.to_owned(),
            };
            Ok((Content::Metadata(metadata), false))
        }
        Event::Audio(pcm) => Ok((Content::AudioChunk(convert::audio_chunk(pcm, *format)), false)),
        Event::Completed(_) => Ok((Content::EndMessage(SPOKEN.to_owned()), true)),
        Event::Failed(failed) => {
            let error = ErrorType::from_wire(&failed.error_type).unwrap_or(ErrorType::Internal);
            Err(Refusal::new(error, failed.message))
        }
    }
}

fn response(content: Content) -> WelcomeResponse {
    WelcomeResponse { content: Some(content) }
}

fn leaving() -> Refusal {
    Refusal::unavailable("the server is shutting down")
}

fn too_late() -> Refusal {
    Refusal::new(ErrorType::Timeout, "the greeting took too long")
}

// === impl Rest ===

impl Rest {
    /// What the client hears next, and what is left then. An error comes in words
    /// too where nothing else was heard.
    async fn next(self) -> Option<(Message, Self)> {
        let (queue, heard_any) = match self {
            Self::Greeting { queue, heard_any } => (queue, heard_any),
            Self::Status(status) => return Some((Err(status), Self::Nothing)),
            Self::Nothing => return None,
        };
        let Queue { mut messages, end, context } = queue;
        if let Some(message) = messages.recv().await {
            let queue = Queue { messages, end, context };
            return Some((Ok(message), Self::Greeting { queue, heard_any: true }));
        }
        let end =
            end.await.unwrap_or_else(|_| Err(refuse(&context, &Refusal::ended_unexpectedly())));
        let status = end.err()?;
        if heard_any {
            return Some((Err(status), Self::Nothing));
        }
        let error = Content::ErrorMessage(status.message().to_owned());
        Some((Ok(response(error)), Self::Status(status)))
    }
}

// === impl Broken ===

impl Broken {
    /// The call failed, or its connection.
    fn of(status: &Status) -> Self {
        Self { code: status.code(), refusal: Refusal::of_peer(status) }
    }

    /// The stream ended without a terminal event.
    fn off() -> Self {
        let refusal = Refusal::unavailable("the worker broke off the greeting");
        Self { code: Code::Unknown, refusal }
    }
}
