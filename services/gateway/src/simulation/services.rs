//! The hosts behind the devices: the gateway with its real server, calls,
//! registries and channels, and workers that play scripts.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream};
use nexy_config::{Live, Sources};
use nexy_proto::worker::{
    ModuleStatus, RespondEvent, RespondRequest, StatusRequest, StatusResponse, StoreUsageRequest,
    StoreUsageResponse, WelcomeEvent, WelcomeRequest,
    worker_server::{Worker, WorkerServer},
};
use nexy_runtime::{
    Shutdown,
    grpc::{self, ObserveLayer, Peer},
};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, service::Routes};

use super::{
    Board,
    network::{self, Port},
    script::Script,
};
use crate::{
    coordinator::ModuleCoordinator,
    server,
    workers::{self, Workers},
};

/// How often a quiet connection is asked whether it lives, and how long it may
/// take to say so. Simulated networks break sooner than real ones.
pub(super) const KEEPALIVE: Duration = Duration::from_millis(250);

/// One scripted worker.
struct Scripted {
    number: u32,
    board: Arc<Board>,
}

/// Counts a turn that a worker works on, until it is dropped.
struct Working(Arc<Board>);

/// The gateway, as the binary has it but for its sockets.
pub(super) async fn gateway(board: Arc<Board>) -> turmoil::Result {
    let settings = Arc::clone(&board.settings);
    let live = Arc::new(Live::new(Sources::default(), settings.flags()));
    let shutdown = Shutdown::default();
    let mut modules = ModuleCoordinator::new(Arc::clone(&settings), live, shutdown.clone())?;
    let mut workers = workers::Settings::new(&settings)?;
    let peer = Peer { keepalive_interval: KEEPALIVE, keepalive_timeout: KEEPALIVE, ..workers.peer };
    workers.peer = peer;
    modules.workers =
        Workers::over(workers, |peer, addr| Ok(network::channel(&peer.endpoint(addr)?)))?;
    let modules = Arc::new(modules);
    board.built(Arc::clone(&modules));
    let (routes, _health) = server::routes(Arc::clone(&modules), TaskTracker::new())?;
    let server =
        grpc::Server { routes, observe: server::observer(), settings: terms(&settings), tls: None };
    let port = Port::bind(settings.grpc.port).await?;
    let watching = modules.workers.watch(|_| {}, shutdown.drain().clone());
    tokio::join!(grpc::serve(port, server, shutdown.clone()), watching);
    Ok(())
}

/// A worker that plays the script in each question.
pub(super) async fn worker(number: u32, board: Arc<Board>) -> turmoil::Result {
    let settings = Arc::clone(&board.settings);
    let service = WorkerServer::new(Scripted { number, board });
    let server = grpc::Server {
        routes: Routes::new(service),
        observe: ObserveLayer::new("grpc", &[]),
        settings: terms(&settings),
        tls: None,
    };
    grpc::serve(Port::bind(settings.worker.port).await?, server, Shutdown::default()).await;
    Ok(())
}

fn terms(settings: &nexy_config::Settings) -> grpc::Settings {
    grpc::Settings {
        keepalive_interval: KEEPALIVE,
        keepalive_timeout: KEEPALIVE,
        ..grpc::Settings::internal(settings)
    }
}

// === impl Scripted ===

#[tonic::async_trait]
impl Worker for Scripted {
    type RespondStream = Pin<Box<dyn Stream<Item = Result<RespondEvent, Status>> + Send>>;
    type WelcomeStream = Pin<Box<dyn Stream<Item = Result<WelcomeEvent, Status>> + Send>>;

    async fn respond(
        &self,
        request: Request<RespondRequest>,
    ) -> Result<Response<Self::RespondStream>, Status> {
        let RespondRequest { turn, prompt, .. } = request.into_inner();
        let script: Script = prompt.parse()?;
        let (steps, hangs) = script.steps(turn, self.number);
        let working = Working::begin(&self.board);
        let played = stream::iter(steps).then(|(after_ms, event)| async move {
            if after_ms > 0 {
                sleep(Duration::from_millis(u64::from(after_ms))).await;
            }
            event
        });
        let hanging = if hangs { stream::pending().boxed() } else { stream::empty().boxed() };
        let reply = played.chain(hanging).inspect(move |_| {
            let _held = &working;
        });
        Ok(Response::new(reply.boxed()))
    }

    async fn welcome(
        &self,
        _request: Request<WelcomeRequest>,
    ) -> Result<Response<Self::WelcomeStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn store_usage(
        &self,
        _request: Request<StoreUsageRequest>,
    ) -> Result<Response<StoreUsageResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn status(
        &self,
        _request: Request<StatusRequest>,
    ) -> Result<Response<StatusResponse>, Status> {
        let module =
            ModuleStatus { name: "pipeline".into(), state: "ready".into(), reason: String::new() };
        Ok(Response::new(StatusResponse { version: "1".into(), modules: vec![module] }))
    }
}

// === impl Working ===

impl Working {
    fn begin(board: &Arc<Board>) -> Self {
        board.working.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(board))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}
