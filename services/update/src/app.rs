use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use nexy_proto::update::update_server::UpdateServer;
use nexy_runtime::{
    Endpoint, Resources, Service, Shutdown,
    grpc::{self, ObserveLayer},
    ops::{self, Probe},
    tls::{Acceptor, Name},
};
use nexy_telemetry::metrics::{self, Family};
use tokio::net::TcpListener;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::{
    http::{self, Pieces, Site, know_words},
    library::{Keeper, Library},
    rpc::{RPCS, UpdateRpc},
    settings::Settings,
};

/// What `/metrics` shows.
pub(crate) const FAMILIES: &[&dyn Family] = &[
    metrics::RPC_DURATION,
    metrics::RPC_REQUESTS,
    &metrics::UPDATE_CHECKS,
    &metrics::UPDATE_CLIENTS,
    &metrics::UPDATE_FEED_ANSWERS,
    &metrics::UPDATE_OFFERS,
    &metrics::UPDATE_COHORT_CHECKS,
    &metrics::UPDATE_COHORTS,
    &metrics::UPDATE_DOWNLOADS,
    &metrics::UPDATE_DOWNLOAD_BYTES,
    &metrics::UPDATE_REFUSED,
    &metrics::UPDATE_FILES_ELSEWHERE,
    &metrics::UPDATE_CHECK_MISSES,
    &metrics::UPDATE_CHECKED,
];

/// The update server, built and bound.
pub(crate) struct App {
    grpc: grpc::Settings,
    health: HealthReporter,
    /// How long the head of a request may take.
    head_timeout: Duration,
    /// Taken by `serve`.
    parts: Mutex<Option<Parts>>,
}

struct Parts {
    listeners: Listeners,
    router: Router,
    routes: Routes,
    tls: Option<Acceptor>,
    keeper: Keeper,
}

struct Listeners {
    http: TcpListener,
    grpc: TcpListener,
}

impl Service for App {
    const NAME: &'static str = "nexy-update";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn endpoints(settings: &nexy_config::Settings) -> Vec<Endpoint> {
        let update = &settings.update;
        let endpoint = |name, key, port| Endpoint { name, key, host: update.host.clone(), port };
        vec![
            endpoint("http", "update.port", update.port),
            endpoint("grpc", "update.grpc_port", update.grpc_port),
        ]
    }

    async fn build(
        config: Arc<nexy_config::Settings>,
        mut resources: Resources,
    ) -> anyhow::Result<Self> {
        let listeners =
            Listeners { http: resources.listener("http")?, grpc: resources.listener("grpc")? };
        Self::assemble(&config, listeners, &resources.shutdown)
    }

    async fn serve(&self, shutdown: Shutdown) -> anyhow::Result<()> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Parts { listeners, router, routes, tls, keeper } = parts.context("serve twice")?;
        self.health.set_serving::<UpdateServer<UpdateRpc>>().await;
        let http = async {
            tokio::select! {
                biased;
                // Every request was answered and every download is complete.
                served = http::serve(listeners.http, router, self.head_timeout, shutdown.drain().clone()) => served,
                // Downloads that still run are cut.
                () = shutdown.force().cancelled() => Ok(()),
            }
        };
        let observe = ObserveLayer::new("grpc", RPCS);
        let server = grpc::Server { routes, observe, settings: self.grpc.clone(), tls };
        let grpc = grpc::serve(listeners.grpc, server, shutdown.clone());
        let farewell = async {
            shutdown.leaving().cancelled().await;
            self.health.set_not_serving::<UpdateServer<UpdateRpc>>().await;
        };
        let (http, (), (), ()) = tokio::join!(http, grpc, keeper.run(), farewell);
        http.context("serve HTTP")
    }
}

impl App {
    fn assemble(
        config: &nexy_config::Settings,
        listeners: Listeners,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        metrics::declare(FAMILIES);
        know_words();
        let settings = Arc::new(Settings::from_config(config, Self::VERSION)?);
        let head_timeout = settings.request_timeout;
        let library = Arc::new(Library::default());
        let drain = shutdown.drain();
        let keeper = Keeper::new(Arc::clone(&settings), Arc::clone(&library), drain.clone())?;
        let site = Site {
            settings,
            library: Arc::clone(&library),
            counts: Arc::default(),
            pieces: Pieces::default(),
            draining: drain.clone(),
        };
        let (health, health_service) = health_reporter();
        let mut routes = RoutesBuilder::default();
        routes.add_service(health_service).add_service(UpdateRpc::server(library));
        let tls = Acceptor::internal(config, Name::Update)?;
        let (router, routes) = (router(site), routes.routes());
        let parts = Parts { listeners, router, routes, tls, keeper };
        Ok(Self {
            grpc: grpc::Settings::internal(config),
            health,
            head_timeout,
            parts: Mutex::new(Some(parts)),
        })
    }
}

/// Every route, with what all of them need around them.
pub(crate) fn router(site: Site) -> Router {
    let settings = Arc::clone(&site.settings);
    let probe: Arc<dyn Probe> = Arc::new(site.clone());
    http::layered(http::router(site).merge(ops::router(probe)), &settings)
}

impl Probe for Site {
    fn ready(&self) -> Result<(), String> {
        if self.draining.is_cancelled() {
            return Err("the update server is shutting down".to_owned());
        }
        if !self.library.catalog().settled {
            return Err("the releases are still being read".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
