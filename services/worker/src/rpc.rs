//! `nexy.worker.v1` served by the pipeline.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream};
use nexy_config::Live;
use nexy_memory_management::{Handle as Memory, UsageReport};
use nexy_proto::worker::{self as pb, worker_server::Worker};
use nexy_runtime::{
    Shutdown,
    grpc::{Logged, Rpc, RpcContext, deadline, time_is_up},
};
use nexy_types::{ErrorType, HardwareId, SessionId};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::{
    convert,
    coordinator::ModuleCoordinator,
    turn::{Ended, Failure},
    welcome::{Greeting, Listening},
};

/// How the RPCs of this service are reported.
pub(crate) const RPCS: &[Rpc] = &[
    Rpc { path: "/nexy.worker.v1.Worker/Respond", name: "Respond", logged: Logged::Call },
    Rpc { path: "/nexy.worker.v1.Worker/Welcome", name: "Welcome", logged: Logged::Call },
    Rpc { path: "/nexy.worker.v1.Worker/StoreUsage", name: "StoreUsage", logged: Logged::Call },
    Rpc { path: "/nexy.worker.v1.Worker/Status", name: "Status", logged: Logged::Probe },
    Rpc { path: "/grpc.health.v1.Health/Check", name: "Health", logged: Logged::Probe },
    Rpc { path: "/grpc.health.v1.Health/Watch", name: "HealthWatch", logged: Logged::Probe },
];

type EventStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The service.
pub(crate) struct WorkerRpc {
    pub(crate) modules: Arc<ModuleCoordinator>,
    pub(crate) memory: Memory,
    pub(crate) live: Arc<Live>,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: Shutdown,
    /// How many events may wait for the gateway.
    pub(crate) event_buffer: usize,
    pub(crate) version: String,
}

#[tonic::async_trait]
impl Worker for WorkerRpc {
    type RespondStream = EventStream<pb::RespondEvent>;
    type WelcomeStream = EventStream<pb::WelcomeEvent>;

    async fn respond(
        &self,
        request: Request<pb::RespondRequest>,
    ) -> Result<Response<Self::RespondStream>, Status> {
        let context = request.extensions().get::<RpcContext>().cloned().unwrap_or_default();
        let until = deadline(request.metadata().as_ref())
            .and_then(|within| Instant::now().checked_add(within));
        let request = request.into_inner();
        let turn = request.turn;
        let question = convert::question(request)?;
        context.set_session(&question.session);
        context.set_device(nexy_telemetry::device_hash(&question.device));

        let (events_to, events) = mpsc::channel(self.event_buffer);
        let (ended_to, ended) = oneshot::channel();
        let hung_up = CancellationToken::new();
        let pipeline = Arc::clone(&self.modules.pipeline);
        let flags = self.live.snapshot().on_device(&question.device);
        let answering = {
            let (hung_up, cut) = (hung_up.clone(), self.shutdown.force().clone());
            async move {
                tokio::select! {
                    biased;
                    // The gateway dropped the call: so does everything behind it.
                    () = hung_up.cancelled() => {}
                    // The process leaves.
                    () = cut.cancelled() => { let _gone = ended_to.send(None); }
                    // The caller's time is up, for models and voices alike.
                    () = time_is_up(until) => { let _gone = ended_to.send(Some(Ended::out_of_time())); }
                    ended = pipeline.answer(question, &flags, events_to) => {
                        let _gone = ended_to.send(Some(ended));
                    }
                }
            }
        };
        self.tasks.spawn(answering.in_current_span());

        let format = convert::audio_format(turn, self.modules.voices.format());
        let reply = stream::once(async move { format })
            .chain(ReceiverStream::new(events).map(move |event| convert::event(turn, event)))
            .map(Ok)
            .chain(stream::once(terminal(turn, ended, context)));
        // Dropped with the stream, whoever drops it.
        let hang_up = hung_up.drop_guard();
        let reply = reply.inspect(move |_| {
            let _held = &hang_up;
        });
        Ok(Response::new(Box::pin(reply)))
    }

    async fn welcome(
        &self,
        request: Request<pb::WelcomeRequest>,
    ) -> Result<Response<Self::WelcomeStream>, Status> {
        let pb::WelcomeRequest { text, voice, language, speech_rate } = request.into_inner();
        let greeting = Greeting {
            text,
            voice: Some(voice).filter(|voice| !voice.is_empty()),
            language: convert::language(&language)?,
            rate: convert::rate(speech_rate)?,
        };
        let mut listening = self.modules.welcomes.listen(greeting).await;
        Ok(Response::new(match listening.begun().await {
            Ok(method) => Box::pin(spoken(method, listening)),
            Err(failure) => Box::pin(stream::once(async move { Ok(welcome_failed(failure)) })),
        }))
    }

    async fn store_usage(
        &self,
        request: Request<pb::StoreUsageRequest>,
    ) -> Result<Response<pb::StoreUsageResponse>, Status> {
        let request = request.into_inner();
        let report = UsageReport {
            device: HardwareId::parse(&request.hardware_id)
                .map_err(|error| Status::invalid_argument(error.to_string()))?,
            session: SessionId::parse(&request.session_id).ok(),
            source: request.source,
            model: request.model,
            input_tokens: request.input_tokens,
            output_tokens: request.output_tokens,
        };
        self.memory
            .record_usage(report)
            .map_err(|_| Status::unavailable("too many usage reports are waiting to be stored"))?;
        Ok(Response::new(pb::StoreUsageResponse {}))
    }

    async fn status(
        &self,
        _request: Request<pb::StatusRequest>,
    ) -> Result<Response<pb::StatusResponse>, Status> {
        let modules = self.modules.statuses().into_iter().map(convert::module).collect();
        Ok(Response::new(pb::StatusResponse { version: self.version.clone(), modules }))
    }
}

/// The last frame of a turn. A turn that ended without saying how has panicked.
/// One that was cut off by the shutdown has no frame but a status: another
/// worker may still answer it.
async fn terminal(
    turn: u64,
    ended: oneshot::Receiver<Option<Ended>>,
    context: RpcContext,
) -> Result<pb::RespondEvent, Status> {
    let failure = match ended.await {
        Ok(Some(ended)) => {
            if let Err(failure) = &ended.result {
                context.set_error(failure.error_type);
            }
            return Ok(convert::ended(turn, ended));
        }
        Ok(None) => {
            context.set_error(ErrorType::Unavailable);
            return Err(Status::unavailable("the worker shuts down"));
        }
        Err(_) => Failure {
            error_type: ErrorType::Internal,
            message: "the turn ended unexpectedly".to_owned(),
        },
    };
    context.set_error(failure.error_type);
    let failed = convert::failed(failure, None);
    Ok(pb::RespondEvent { turn, event: Some(pb::respond_event::Event::Failed(failed)) })
}

/// A greeting as it is spoken. Whoever drops it, drops the listener.
fn spoken(
    method: &'static str,
    listening: Listening,
) -> impl Stream<Item = Result<pb::WelcomeEvent, Status>> {
    use pb::welcome_event::Event;
    let metadata = Event::Metadata(pb::WelcomeMetadata {
        method: method.to_owned(),
        duration_sec: listening.duration_sec(),
        format: Some(convert::wire_format(listening.sample_rate())),
    });
    let audio = stream::unfold(Some(listening), |listening| async {
        let mut listening = listening?;
        Some(match listening.next().await {
            Ok(Some(frame)) => (welcome_event(Event::Audio(frame)), Some(listening)),
            Ok(None) => (welcome_event(Event::Completed(pb::WelcomeCompleted {})), None),
            Err(failure) => (welcome_failed(failure), None),
        })
    });
    stream::iter([welcome_event(metadata)]).chain(audio).map(Ok)
}

fn welcome_event(event: pb::welcome_event::Event) -> pb::WelcomeEvent {
    pb::WelcomeEvent { event: Some(event) }
}

fn welcome_failed(failure: Failure) -> pb::WelcomeEvent {
    let failed = convert::failed(failure, None);
    welcome_event(pb::welcome_event::Event::Failed(failed))
}

#[cfg(test)]
mod tests;
