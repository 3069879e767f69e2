//! Several gateways behind one door: replacing them loses nothing.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use nexy_testkit::{
    chat_server::Script,
    stack::{Process, free_port},
};

use crate::support::{Fakes, Lanes, SOON, eventually, http, is_installed};

/// A gateway of its own ports, in the environment of a stack.
struct Gateway {
    environment: Vec<(String, String)>,
    http: u16,
    process: Option<Process>,
}

// === impl Gateway ===

impl Gateway {
    async fn start(&mut self) -> anyhow::Result<()> {
        self.process = Some(Process::spawn("nexy-gateway", &[], &self.environment)?);
        let url = format!("http://127.0.0.1:{}/ready", self.http);
        eventually("the gateway is ready", async || {
            Ok(http()?.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()))
        })
        .await
    }

    async fn leave(&mut self) -> anyhow::Result<()> {
        let mut leaving = self.process.take().context("it runs")?;
        leaving.signal("TERM")?;
        ensure!(leaving.wait_exit(2 * SOON).await?.success(), "it leaves in peace");
        Ok(())
    }
}

#[tokio::test]
async fn replacing_every_gateway_loses_no_turn() -> anyhow::Result<()> {
    if !is_installed("nginx") {
        return Ok(());
    }
    let reply = Script::text(["It is ten ", "o'clock. The sun ", "is up already."])
        .token_delay(Duration::from_millis(100));
    let fakes = Fakes::saying(reply).await?;
    let ports = [(free_port()?, free_port()?), (free_port()?, free_port()?)];
    let addrs = ports.map(|(grpc, _)| format!("127.0.0.1:{grpc}")).join(",");
    let builder = fakes
        .stack()
        .with_ingress()
        .env("INGRESS_GATEWAY_GRPC_ADDR", &addrs)
        .env("INGRESS_PROBE_INTERVAL_MS", "100")
        .env("SERVER_LAME_DUCK_SECONDS", "2");
    let stack = builder.start().await?;
    let mut gateways: Vec<Gateway> = Vec::new();
    for (grpc, http) in ports {
        let mut environment = stack.environment().to_vec();
        environment.push(("GRPC_PORT".to_owned(), grpc.to_string()));
        environment.push(("HTTP_PORT".to_owned(), http.to_string()));
        let mut gateway = Gateway { environment, http, process: None };
        gateway.start().await?;
        gateways.push(gateway);
    }
    let mut lanes = Lanes::default();
    for _ in 0..4 {
        lanes.ask_on(stack.tls_client().await?);
    }
    let reloads = || {
        let log = stack.log();
        log.iter().filter(|line| line.contains("decision=ingress_reloaded")).count()
    };
    for gateway in &mut gateways {
        let before = reloads();
        gateway.leave().await?;
        gateway.start().await?;
        // One without it, one with it.
        eventually("the door knows that it is back", async || Ok(reloads() >= before + 2)).await?;
    }
    lanes.stop().await?;
    for gateway in &mut gateways {
        gateway.leave().await?;
    }
    stack.stop(&["dependency_log"]).await
}
