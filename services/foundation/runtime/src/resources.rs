use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use nexy_config::Live;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::Shutdown;

/// A port that a service listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What the service calls it, e.g. `grpc`.
    pub name: &'static str,
    /// The configuration key of the port, for messages.
    pub key: &'static str,
    /// A name or an address.
    pub host: String,
    /// 0 asks the system for a free one.
    pub port: u16,
}

/// What the bootstrap hands to a service: bound ports, live flags, the tracker
/// of its tasks.
#[derive(Debug)]
pub struct Resources {
    listeners: HashMap<&'static str, TcpListener>,
    /// Flags and kill switches as they are now.
    pub live: Arc<Live>,
    /// Every task of the service is spawned here.
    pub tasks: TaskTracker,
    /// The tokens that end the service.
    pub shutdown: Shutdown,
}

// === impl Resources ===

impl Resources {
    /// Binds every endpoint, or none.
    ///
    /// # Errors
    /// The first endpoint that cannot be bound, with its key and the reason.
    pub async fn bind(
        endpoints: &[Endpoint],
        live: Arc<Live>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let mut listeners = HashMap::new();
        for Endpoint { name, key, host, port } in endpoints {
            let listener = TcpListener::bind((host.as_str(), *port))
                .await
                .with_context(|| format!("bind {host}:{port} ({key})"))?;
            listeners.insert(*name, listener);
        }
        Ok(Self { listeners, live, tasks: TaskTracker::new(), shutdown })
    }

    /// Hands over the listener of an endpoint.
    ///
    /// # Errors
    /// When the service did not declare it, or took it already.
    pub fn listener(&mut self, name: &str) -> anyhow::Result<TcpListener> {
        self.listeners.remove(name).with_context(|| format!("no listener named {name}"))
    }

    /// Where each endpoint really listens, by name.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let mut rows: Vec<_> = self
            .listeners
            .iter()
            .filter_map(|(name, listener)| Some((*name, listener.local_addr().ok()?)))
            .collect();
        rows.sort_unstable();
        rows
    }
}
