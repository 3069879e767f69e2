use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Router;
use nexy_config::Settings;
use nexy_memory_management::Memory;
use nexy_proto::worker::worker_server::WorkerServer;
use nexy_runtime::{
    Endpoint, Resources, Service, Shutdown, admin,
    grpc::{self, ObserveLayer},
    ops::{self, Probe},
    tls::{Acceptor, Name},
};
use nexy_telemetry::metrics;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::{Routes, RoutesBuilder};

use crate::{
    coordinator::ModuleCoordinator,
    rpc::{RPCS, WorkerRpc},
};

/// The worker, built and bound.
pub(crate) struct App {
    modules: Arc<ModuleCoordinator>,
    tasks: TaskTracker,
    settings: Arc<Settings>,
    /// Taken by `serve`.
    servers: Mutex<Option<Servers>>,
}

struct Servers {
    grpc: (TcpListener, Routes),
    http: (TcpListener, Router),
    tls: Option<Acceptor>,
    memory: Memory,
}

/// A worker serves what it can from the start until it leaves.
struct Readiness(Shutdown);

impl Probe for Readiness {
    fn ready(&self) -> Result<(), String> {
        if self.0.is_leaving() { Err("the worker is shutting down".to_owned()) } else { Ok(()) }
    }
}

impl Service for App {
    const NAME: &'static str = "nexy-worker";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn endpoints(settings: &Settings) -> Vec<Endpoint> {
        let worker = &settings.worker;
        let endpoint = |name, key, port| Endpoint { name, key, host: worker.host.clone(), port };
        vec![
            endpoint("grpc", "worker.port", worker.port),
            endpoint("http", "worker.http_port", worker.http_port),
        ]
    }

    async fn build(settings: Arc<Settings>, mut resources: Resources) -> anyhow::Result<Self> {
        declare_metrics();
        let (grpc, http) = (resources.listener("grpc")?, resources.listener("http")?);
        let tls = Acceptor::internal(&settings, Name::Worker)?;
        let Resources { live, tasks, shutdown, .. } = resources;
        let (modules, memory) = ModuleCoordinator::new(&settings)?;
        let modules = Arc::new(modules);
        modules.start().await;

        let admin = admin::router(Arc::clone(&live), settings.admin.token.as_ref());
        let worker = WorkerRpc {
            modules: Arc::clone(&modules),
            memory: modules.memory.clone(),
            live,
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
            event_buffer: settings.grpc.frame_buffer,
            version: settings.server.version.clone(),
        };
        let probe: Arc<dyn Probe> = Arc::new(Readiness(shutdown));
        let router = ops::health_router(Arc::clone(&probe)).merge(ops::router(probe)).merge(admin);
        let routes = routes(worker, settings.grpc.max_message_bytes).await;
        let servers = Servers { grpc: (grpc, routes), http: (http, router), tls, memory };
        Ok(Self { modules, tasks, settings, servers: Mutex::new(Some(servers)) })
    }

    async fn serve(&self, shutdown: Shutdown) -> anyhow::Result<()> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Servers { grpc: (grpc_listener, routes), http: (http_listener, router), tls, memory } =
            servers.context("serve twice")?;
        // Memory and the HTTP port outlive the last turn: the one has to write
        // it down, the other says that the process is leaving.
        let over = CancellationToken::new();
        let http = ops::serve(http_listener, router, over.clone());
        let grpc = async {
            let observe = ObserveLayer::new("worker", RPCS);
            let settings = grpc::Settings::internal(&self.settings);
            let server = grpc::Server { routes, observe, settings, tls };
            grpc::serve(grpc_listener, server, shutdown).await;
            self.tasks.close();
            self.tasks.wait().await;
            over.cancel();
        };
        let preparing = over.run_until_cancelled(self.modules.prepare());
        let (http, (), (), _prepared) =
            tokio::join!(http, grpc, memory.run(over.clone()), preparing);
        http.context("serve HTTP")
    }

    async fn close(&self) {
        self.modules.close(self.settings.database.acquire_timeout).await;
    }
}

async fn routes(worker: WorkerRpc, max_message_bytes: usize) -> Routes {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<WorkerServer<WorkerRpc>>().await;
    let mut routes = RoutesBuilder::default();
    routes.add_service(health_service).add_service(
        WorkerServer::new(worker)
            .max_decoding_message_size(max_message_bytes)
            .max_encoding_message_size(max_message_bytes),
    );
    routes.routes()
}

fn declare_metrics() {
    metrics::declare(&[
        metrics::RPC_DURATION,
        metrics::RPC_REQUESTS,
        &metrics::STAGE_DURATION,
        &metrics::OWN_OVERHEAD,
        &metrics::PROVIDER_CALLS,
        &metrics::AUDIO_BYTES,
        &metrics::TOKENS,
        &metrics::COST,
        &metrics::QUEUE_DEPTH,
        &metrics::BREAKER_STATE,
    ]);
}
