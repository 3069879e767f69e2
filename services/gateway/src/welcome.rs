//! Greetings, passed on from a worker.

use std::{sync::Arc, time::Duration};

use futures_util::Stream;
use nexy_config::Settings;
use nexy_proto::{
    streaming::{WelcomeMetadata, WelcomeRequest, WelcomeResponse, welcome_response::Content},
    worker::{AudioFormat, WelcomeEvent, WelcomeRequest as WorkerRequest, welcome_event::Event},
};
use nexy_runtime::grpc::RpcContext;
use nexy_types::{ErrorType, Language, SpeechRate};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::Status;

use crate::{
    convert::{self, DTYPE},
    coordinator::{ModuleCoordinator, StreamPermit},
    options,
    refusal::Refusal,
    rpc::refuse,
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

/// Passes a greeting on, for at most the client's deadline or the turn budget.
pub(crate) fn speak(opening: Opening, tasks: &TaskTracker) -> impl Stream<Item = Message> + use<> {
    let (to_client, messages) = mpsc::channel(opening.modules.settings.grpc.frame_buffer.max(1));
    tasks.spawn(async move {
        let Opening { modules, request, rate, permit, deadline, context } = opening;
        let checked = check(request, rate, &modules.settings);
        let budget = modules.settings.llm.turn_budget;
        let within = deadline.map_or(budget, |deadline| deadline.min(budget));
        let mut sent_any = false;
        let passing = tokio::select! {
            biased;
            // The process leaves and waits no longer.
            () = modules.shutdown.force().cancelled() => Err(leaving()),
            // The client is gone: so is everything behind it.
            () = to_client.closed() => Ok(()),
            passed = timeout(within, pass_on(&modules, checked, &to_client, &mut sent_any)) => {
                passed.unwrap_or_else(|_| Err(too_late()))
            }
        };
        if let Err(refusal) = passing {
            let status = refuse(&context, &refusal);
            if !sent_any {
                let error = Content::ErrorMessage(refusal.message);
                let _gone = to_client.try_send(Ok(response(error)));
            }
            // The client may have stopped reading: its stream ends all the same.
            let _gone = timeout(
                modules.settings.backpressure.interrupt_timeout,
                to_client.send(Err(status)),
            )
            .await;
        }
        drop(permit);
    });
    ReceiverStream::new(messages)
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
    to_client: &mpsc::Sender<Message>,
    sent_any: &mut bool,
) -> Result<(), Refusal> {
    let request = checked?;
    let worker =
        modules.workers.choose().ok_or_else(|| Refusal::unavailable("no worker is ready"))?;
    let mut client = worker.client();
    let answer = client.welcome(request).await;
    let mut events = answer.map_err(|status| Refusal::of_peer(&status))?.into_inner();
    let mut format = convert::promised_format(&modules.settings);
    loop {
        let event = events.message().await.map_err(|status| Refusal::of_peer(&status))?;
        let Some(WelcomeEvent { event }) = event else {
            return Err(Refusal::unavailable("the worker broke off the greeting"));
        };
        // A newer worker may say what this version does not know.
        let Some(event) = event else { continue };
        let (content, last) = content(event, &mut format)?;
        if to_client.send(Ok(response(content))).await.is_err() || last {
            return Ok(());
        }
        *sent_any = true;
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
