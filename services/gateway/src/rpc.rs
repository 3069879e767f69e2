//! The four public RPCs.

use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures_util::{FutureExt as _, Stream};
use nexy_proto::{
    streaming::{
        InterruptRequest, InterruptResponse, StreamRequest, UsageRequest, UsageResponse,
        WelcomeRequest, WelcomeResponse, streaming_service_server::StreamingService,
    },
    worker::StoreUsageRequest,
};
use nexy_runtime::grpc::{self, Logged, Rpc, RpcContext};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status, Streaming, metadata::MetadataValue};

use crate::{
    call::{self, Call, FrameStream, Opening, queue},
    coordinator::ModuleCoordinator,
    decisions::{Interrupted, STREAM_AUDIO},
    options::{self, Options},
    refusal::Refusal,
    validate, welcome,
    workers::Workers,
};

/// When a unary call may be repeated, in milliseconds.
const RETRY_PUSHBACK: &str = "grpc-retry-pushback-ms";

const WELCOME: &str = "/streaming.StreamingService/GenerateWelcomeAudio";

/// How the RPCs of this service are reported.
pub(crate) const RPCS: &[Rpc] = &[
    Rpc { path: STREAM_AUDIO, name: "StreamAudio", logged: Logged::ByItself },
    Rpc {
        path: "/streaming.StreamingService/InterruptSession",
        name: "InterruptSession",
        logged: Logged::Call,
    },
    Rpc { path: WELCOME, name: "GenerateWelcomeAudio", logged: Logged::Call },
    Rpc {
        path: "/streaming.StreamingService/ReportUsage",
        name: "ReportUsage",
        logged: Logged::Call,
    },
    Rpc { path: "/grpc.health.v1.Health/Check", name: "Check", logged: Logged::Probe },
    Rpc { path: "/grpc.health.v1.Health/Watch", name: "Watch", logged: Logged::Probe },
];

/// The public service.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub(crate) modules: Arc<ModuleCoordinator>,
    pub(crate) tasks: TaskTracker,
}

#[tonic::async_trait]
impl StreamingService for Gateway {
    type StreamAudioStream = FrameStream;
    type GenerateWelcomeAudioStream =
        Pin<Box<dyn Stream<Item = Result<WelcomeResponse, Status>> + Send>>;

    async fn stream_audio(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<FrameStream>, Status> {
        let head = request.metadata().clone().into_headers();
        let admitted = self.modules.admit(STREAM_AUDIO);
        let options = admitted
            .and_then(|permit| Options::parse(request.metadata()).map(|options| (permit, options)));
        let capacity = self.modules.settings.grpc.frame_buffer;
        let (permit, options) = match options {
            Ok((permit, options)) => (Some(permit), Ok(options)),
            Err(refusal) => (None, Err(refusal)),
        };
        let (out, frames) = queue(capacity, permit);
        let options = match options {
            Ok(options) => options,
            Err(refusal) => {
                call::refuse(out, &head, refusal);
                return Ok(Response::new(frames));
            }
        };
        let call = Call::new(Opening {
            modules: Arc::clone(&self.modules),
            shutdown: self.modules.shutdown.clone(),
            deadline: grpc::deadline(request.metadata().as_ref()),
            inbound: request.into_inner(),
            out,
            options,
            head,
        });
        // A panic ends this call only; its queue tells the client.
        self.tasks.spawn(AssertUnwindSafe(call.run()).catch_unwind());
        Ok(Response::new(frames))
    }

    async fn interrupt_session(
        &self,
        request: Request<InterruptRequest>,
    ) -> Result<Response<InterruptResponse>, Status> {
        let context = context(&request);
        let device = validate::hardware_id(&request.into_inner().hardware_id)
            .map_err(|refusal| refuse_once(&context, &refusal))?;
        let hash = nexy_telemetry::device_hash(&device);
        context.set_device(hash);
        let within = self.modules.settings.backpressure.interrupt_timeout;
        // Who says stop while a question still sounds does not agree to it. Before
        // too: the caller's time may be up while a turn comes to its end.
        self.modules.confirmations.forget(&device);
        let sessions = self.modules.interrupts.interrupt(&device, within).await;
        self.modules.confirmations.forget(&device);
        nexy_telemetry::emit(&Interrupted { device: Some(hash), stopped: sessions.len() });
        let message = match sessions.len() {
            0 => "No active sessions found".to_owned(),
            1 => "Interrupted 1 session".to_owned(),
            n => format!("Interrupted {n} sessions"),
        };
        Ok(Response::new(InterruptResponse {
            success: !sessions.is_empty(),
            interrupted_sessions: sessions.iter().map(ToString::to_string).collect(),
            message,
        }))
    }

    async fn generate_welcome_audio(
        &self,
        request: Request<WelcomeRequest>,
    ) -> Result<Response<Self::GenerateWelcomeAudioStream>, Status> {
        let context = context(&request);
        let permit = match self.modules.admit(WELCOME) {
            Ok(permit) => permit,
            Err(refusal) => {
                return Ok(Response::new(Box::pin(welcome::refused(&context, refusal))));
            }
        };
        let deadline = grpc::deadline(request.metadata().as_ref());
        let opening = welcome::Opening {
            modules: Arc::clone(&self.modules),
            rate: options::rate(request.metadata()),
            request: request.into_inner(),
            permit,
            deadline,
            context,
        };
        Ok(Response::new(Box::pin(welcome::speak(opening, &self.tasks))))
    }

    async fn report_usage(
        &self,
        request: Request<UsageRequest>,
    ) -> Result<Response<UsageResponse>, Status> {
        let context = context(&request);
        let UsageRequest { source, model, .. } = request.get_ref().clone();
        let (device, session, input_tokens, output_tokens) = validate::usage(request.get_ref())
            .map_err(|refusal| refuse_once(&context, &refusal))?;
        context.set_device(nexy_telemetry::device_hash(&device));
        let report = StoreUsageRequest {
            hardware_id: device.as_str().to_owned(),
            session_id: session.as_ref().map(ToString::to_string).unwrap_or_default(),
            source,
            model,
            input_tokens,
            output_tokens,
        };
        self.store(report).await.map_err(|refusal| refuse_once(&context, &refusal))?;
        Ok(Response::new(UsageResponse { success: true, message: "Usage accepted".to_owned() }))
    }
}

impl Gateway {
    async fn store(&self, report: StoreUsageRequest) -> Result<(), Refusal> {
        let within = self.modules.settings.worker.connect_timeout;
        timeout(within, store(&self.modules.workers, report))
            .await
            .unwrap_or_else(|_| Err(Refusal::unavailable("the worker does not answer")))
    }
}

/// Hands a report to a worker, or to another one if that has no room or its
/// connection broke. Each is asked once. Who only takes its time may have the
/// report already: nobody else is given it too.
async fn store(workers: &Workers, report: StoreUsageRequest) -> Result<(), Refusal> {
    let mut tried = Vec::new();
    let mut refusal = Refusal::unavailable("no worker is ready");
    while let Some(worker) = workers.choose_but(&tried) {
        let Err(status) = worker.client().store_usage(report.clone()).await else {
            return Ok(());
        };
        if is_full(&status) {
            // The worker's own word, and nothing against it.
            refusal = Refusal::unavailable(status.message());
        } else {
            refusal = Refusal::of_peer(&status);
            if is_of_worker(&status) {
                break;
            }
            worker.blame(status.code());
        }
        tried.push(Arc::clone(worker.addr()));
    }
    Err(refusal)
}

fn context<T>(request: &Request<T>) -> RpcContext {
    request.extensions().get::<RpcContext>().cloned().unwrap_or_default()
}

/// The worker says that it has no room.
fn is_full(status: &Status) -> bool {
    status.code() == Code::Unavailable && is_of_worker(status)
}

/// Said by a worker, not by what lies between it and us: that has a cause.
fn is_of_worker(status: &Status) -> bool {
    std::error::Error::source(status).is_none()
}

/// The status of a refusal, with its line in the decision log.
pub(crate) fn refuse(context: &RpcContext, refusal: &Refusal) -> Status {
    context.set_error(refusal.error);
    refusal.to_status()
}

/// The same of a unary call, which gRPC clients may repeat by themselves: with
/// what tells them when (gRPC's proposal A6).
fn refuse_once(context: &RpcContext, refusal: &Refusal) -> Status {
    let mut status = refuse(context, refusal);
    if let Some(delay) = refusal.error.retry_after() {
        let milliseconds = MetadataValue::from(delay.as_secs() * 1000);
        status.metadata_mut().insert(RETRY_PUSHBACK, milliseconds);
    }
    status
}
