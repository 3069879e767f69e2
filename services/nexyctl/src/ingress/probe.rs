//! Which gateways want no new calls.
//!
//! nginx cannot send a call to another gateway once it has begun, so a gateway that
//! leaves must get none any more. It says so by `grpc.health.v1.Health`.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Of several gateways, those that leave. One that does not answer is not among
/// them: that is for nginx to find out. Never all: somebody must say no.
pub(super) async fn leaving(gateways: &[SocketAddr], within: Duration) -> Vec<SocketAddr> {
    if gateways.len() < 2 {
        return Vec::new();
    }
    let asked = gateways.iter().map(|gateway| timeout(within, is_leaving(*gateway)));
    let answers = join_all(asked).await;
    let leaving: Vec<SocketAddr> = gateways
        .iter()
        .zip(answers)
        .filter(|(_, answer)| matches!(answer, Ok(Some(true))))
        .map(|(gateway, _)| *gateway)
        .collect();
    if leaving.len() == gateways.len() { Vec::new() } else { leaving }
}

async fn is_leaving(gateway: SocketAddr) -> Option<bool> {
    let channel = Endpoint::from_shared(format!("http://{gateway}")).ok()?.connect().await.ok()?;
    // The empty name is the process itself; that of the service also turns with
    // the workers, which are the same for all gateways.
    let request = HealthCheckRequest { service: String::new() };
    let answer = HealthClient::new(channel).check(request).await.ok()?.into_inner();
    Some(answer.status() == ServingStatus::NotServing)
}
