//! `nexy.update.v1`: what the gateway asks. Internal.

use std::sync::Arc;

use nexy_proto::update::{
    LatestRequest, LatestResponse, Release,
    update_server::{Update, UpdateServer},
};
use nexy_releases::Channel;
use nexy_runtime::grpc::{Logged, Rpc};
use tonic::{Request, Response, Status};

use crate::library::Library;

/// Every RPC of this server, and how it is reported.
pub(crate) const RPCS: &[Rpc] = &[
    Rpc { path: "/nexy.update.v1.Update/Latest", name: "Latest", logged: Logged::Probe },
    Rpc { path: "/grpc.health.v1.Health/Check", name: "Check", logged: Logged::Probe },
    Rpc { path: "/grpc.health.v1.Health/Watch", name: "Watch", logged: Logged::Probe },
];

/// Answers from the library.
#[derive(Debug)]
pub(crate) struct UpdateRpc {
    library: Arc<Library>,
}

// === impl UpdateRpc ===

impl UpdateRpc {
    pub(crate) fn server(library: Arc<Library>) -> UpdateServer<Self> {
        UpdateServer::new(Self { library })
    }
}

#[tonic::async_trait]
impl Update for UpdateRpc {
    async fn latest(
        &self,
        request: Request<LatestRequest>,
    ) -> Result<Response<LatestResponse>, Status> {
        let name = request.into_inner().channel;
        let channel = match name.as_str() {
            "" => Channel::Stable,
            name => Channel::from_wire(name)
                .ok_or_else(|| Status::invalid_argument("channel must be stable, beta or alpha"))?,
        };
        let catalog = self.library.catalog();
        let release = catalog.current(channel).map(|manifest| Release {
            version: manifest.version.as_str().to_owned(),
            build: manifest.build.as_str().to_owned(),
        });
        Ok(Response::new(LatestResponse { release }))
    }
}

#[cfg(test)]
mod tests;
