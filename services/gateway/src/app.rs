use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::Context as _;
use axum::Router;
use nexy_config::Settings;
use nexy_proto::streaming::streaming_service_server::StreamingServiceServer;
use nexy_runtime::{Endpoint, Resources, Service, Shutdown, admin, grpc, ops, tls::Acceptor};
use nexy_telemetry::metrics;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{server::NamedService as _, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{coordinator::ModuleCoordinator, http, rpc::Gateway, server};

/// The gateway, built and bound.
pub(crate) struct App {
    modules: Arc<ModuleCoordinator>,
    tasks: TaskTracker,
    health: HealthReporter,
    grpc: grpc::Settings,
    tls: Option<Acceptor>,
    /// Taken by `serve`.
    servers: Mutex<Option<Servers>>,
}

struct Servers {
    grpc: (TcpListener, Routes),
    http: (TcpListener, Router),
}

impl Service for App {
    const NAME: &'static str = "nexy-gateway";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn endpoints(settings: &Settings) -> Vec<Endpoint> {
        let Settings { grpc, http, .. } = settings;
        vec![
            Endpoint { name: "grpc", key: "grpc.port", host: grpc.host.clone(), port: grpc.port },
            Endpoint { name: "http", key: "http.port", host: http.host.clone(), port: http.port },
        ]
    }

    async fn build(settings: Arc<Settings>, mut resources: Resources) -> anyhow::Result<Self> {
        declare_metrics();
        let (grpc_listener, http_listener) =
            (resources.listener("grpc")?, resources.listener("http")?);
        let Resources { live, tasks, shutdown, .. } = resources;
        let grpc = grpc::Settings::public(&settings);
        let tls = Acceptor::public(&settings)?;
        let version = settings.server.version.clone();
        let admin = admin::router(Arc::clone(&live), settings.admin.token.as_ref());
        let modules = Arc::new(ModuleCoordinator::new(settings, live, shutdown)?);
        let (routes, health) = server::routes(Arc::clone(&modules), tasks.clone())?;
        let board = http::Board { modules: Arc::clone(&modules), began: Instant::now(), version };
        let router = http::router(board).merge(admin);
        let servers = Servers { grpc: (grpc_listener, routes), http: (http_listener, router) };
        Ok(Self { modules, tasks, health, grpc, tls, servers: Mutex::new(Some(servers)) })
    }

    async fn serve(&self, shutdown: Shutdown) -> anyhow::Result<()> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Servers { grpc: (grpc_listener, routes), http: (http_listener, router) } =
            servers.context("serve twice")?;
        // The HTTP port stays until everything else is over: it is what says
        // that the process is leaving.
        let over = CancellationToken::new();
        let http = ops::serve(http_listener, router, over.clone());
        let watching = self.watch(&shutdown);
        let grpc = async {
            let observe = server::observer();
            let settings = self.grpc.clone();
            let server = grpc::Server { routes, observe, settings, tls: self.tls.clone() };
            grpc::serve(grpc_listener, server, shutdown.clone()).await;
            self.tasks.close();
            // Calls end on their own once the process is forced to leave.
            tokio::select! {
                biased;
                () = self.tasks.wait() => {}
                () = shutdown.force().cancelled() => {}
            }
            over.cancel();
        };
        let (http, (), ()) = tokio::join!(http, grpc, watching);
        http.context("serve HTTP")
    }
}

impl App {
    /// Watches the peers, keeps gRPC health in step with them, and drops what has
    /// expired.
    async fn watch(&self, shutdown: &Shutdown) {
        let (drain, leaving) = (shutdown.drain(), shutdown.leaving());
        let (ready, mut changes) = tokio::sync::watch::channel(false);
        let workers = self.modules.workers.watch(
            |now| {
                ready.send_if_modified(|before| std::mem::replace(before, now) != now);
            },
            drain.clone(),
        );
        let health = async {
            self.report_health("", true).await;
            self.report_health(StreamingServiceServer::<Gateway>::NAME, false).await;
            loop {
                tokio::select! {
                    biased;
                    // The process leaves.
                    () = leaving.cancelled() => break,
                    changed = changes.changed() => if changed.is_err() { break },
                }
                let serving = *changes.borrow_and_update();
                self.report_health(StreamingServiceServer::<Gateway>::NAME, serving).await;
            }
            self.report_health("", false).await;
            self.report_health(StreamingServiceServer::<Gateway>::NAME, false).await;
        };
        let latest = self.modules.latest.watch(drain.clone());
        let expiry = self.modules.expire_collected(drain.clone());
        tokio::join!(workers, latest, expiry, health);
    }

    async fn report_health(&self, service: &str, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.health.set_service_status(service, status).await;
    }
}

fn declare_metrics() {
    metrics::declare(&[
        metrics::RPC_DURATION,
        metrics::RPC_REQUESTS,
        &metrics::TIME_TO_FIRST_TEXT,
        &metrics::TIME_TO_FIRST_AUDIO,
        &metrics::BACKPRESSURE_REFUSALS,
        &metrics::AUDIO_BYTES,
        &metrics::ACTIVE_STREAMS,
    ]);
}
