//! Names of the services behind the door, and their addresses as of now.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::{net::lookup_host, time::timeout};

/// `host:port` of each upstream, more than one where there are replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) gateway_grpc: Vec<String>,
    pub(crate) gateway_http: Vec<String>,
    pub(crate) update_http: Vec<String>,
}

/// What the names stand for, sorted; empty while a name has never been resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) gateway_grpc: Vec<SocketAddr>,
    pub(crate) gateway_http: Vec<SocketAddr>,
    pub(crate) update_http: Vec<SocketAddr>,
    /// Of `gateway_grpc`, those that want no new calls.
    pub(crate) leaving: Vec<SocketAddr>,
}

// === impl Addresses ===

impl Addresses {
    /// Resolves every name. One that cannot be resolved now keeps the addresses
    /// it had: a service that restarts comes back there more often than not.
    pub(crate) async fn refreshed(&self, names: &Names, within: Duration) -> Self {
        let (gateway_grpc, gateway_http, update_http) = tokio::join!(
            resolve(&names.gateway_grpc, within),
            resolve(&names.gateway_http, within),
            resolve(&names.update_http, within),
        );
        Self {
            gateway_grpc: gateway_grpc.unwrap_or_else(|| self.gateway_grpc.clone()),
            gateway_http: gateway_http.unwrap_or_else(|| self.gateway_http.clone()),
            update_http: update_http.unwrap_or_else(|| self.update_http.clone()),
            leaving: self.leaving.clone(),
        }
    }

    /// Where calls may go.
    pub(crate) fn taking_calls(&self) -> Vec<SocketAddr> {
        let stays = |gateway: &&SocketAddr| !self.leaving.contains(gateway);
        self.gateway_grpc.iter().filter(stays).copied().collect()
    }

    /// The names that stand for nothing yet.
    pub(crate) fn unresolved(&self, names: &Names) -> Vec<String> {
        [
            (&self.gateway_grpc, &names.gateway_grpc),
            (&self.gateway_http, &names.gateway_http),
            (&self.update_http, &names.update_http),
        ]
        .into_iter()
        .filter(|(addresses, _)| addresses.is_empty())
        .map(|(_, names)| names.join(","))
        .collect()
    }
}

/// What all of the names stand for; one of several that stands for nothing now
/// is left out.
async fn resolve(names: &[String], within: Duration) -> Option<Vec<SocketAddr>> {
    let found = join_all(names.iter().map(|name| resolve_one(name, within))).await;
    let mut addresses: Vec<SocketAddr> = found.into_iter().flatten().flatten().collect();
    addresses.sort_unstable();
    addresses.dedup();
    (!addresses.is_empty()).then_some(addresses)
}

async fn resolve_one(name: &str, within: Duration) -> Option<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = timeout(within, lookup_host(name)).await.ok()?.ok()?.collect();
    // The services listen on IPv4 wildcards; where a name has both families,
    // the other one would only be tried in vain.
    let any_v4 = found.iter().any(SocketAddr::is_ipv4);
    Some(found.into_iter().filter(|address| address.is_ipv4() || !any_v4).collect())
}
