//! Several gateways behind one door, and several workers behind them: replacing
//! them loses nothing.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use nexy_testkit::{
    chat_server::Script,
    stack::{Process, free_port},
};
use serde_json::Value;

use crate::{
    support::{Fakes, Lanes, SOON, eventually, http, is_installed},
    workers::Crew,
};

/// What stands behind one door in production.
struct Fleet {
    crew: Crew,
    gateways: Vec<Gateway>,
}

/// A gateway of its own ports, in the environment of a stack.
struct Gateway {
    environment: Vec<(String, String)>,
    http: u16,
    process: Option<Process>,
}

// === impl Fleet ===

impl Fleet {
    /// Two gateways and two workers.
    async fn start(fakes: &Fakes) -> anyhow::Result<Self> {
        let ports = [(free_port()?, free_port()?), (free_port()?, free_port()?)];
        let addrs = ports.map(|(grpc, _)| format!("127.0.0.1:{grpc}")).join(",");
        let builder = fakes
            .stack()
            .with_ingress()
            .env("INGRESS_GATEWAY_GRPC_ADDR", &addrs)
            .env("INGRESS_PROBE_INTERVAL_MS", "100")
            .env("SERVER_LAME_DUCK_SECONDS", "2");
        let mut fleet = Self { crew: Crew::of(2, builder).await?, gateways: Vec::new() };
        for (grpc, http) in ports {
            let mut environment = fleet.crew.stack.environment().to_vec();
            environment.push(("GRPC_PORT".to_owned(), grpc.to_string()));
            environment.push(("HTTP_PORT".to_owned(), http.to_string()));
            let mut gateway = Gateway { environment, http, process: None };
            gateway.start()?;
            fleet.gateways.push(gateway);
        }
        fleet.is_whole().await?;
        Ok(fleet)
    }

    /// Waits until every gateway can ask every worker.
    async fn is_whole(&self) -> anyhow::Result<()> {
        for gateway in &self.gateways {
            eventually("the gateway sees both workers", async || {
                Ok(gateway.ready_workers().await.is_ok_and(|ready| ready == 2))
            })
            .await?;
        }
        Ok(())
    }

    /// How often the door has changed where it leads.
    fn reloads(&self) -> usize {
        let log = self.crew.stack.log();
        log.iter().filter(|line| line.contains("decision=ingress_reloaded")).count()
    }

    /// Waits until the door has noticed that a gateway left and came back.
    async fn door_is_open(&self, reloads_before: usize) -> anyhow::Result<()> {
        eventually("the door knows that it is back", async || {
            // One without it, one with it.
            Ok(self.reloads() >= reloads_before + 2)
        })
        .await
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        for gateway in &mut self.gateways {
            gateway.leave().await?;
        }
        self.crew.stop().await
    }
}

// === impl Gateway ===

impl Gateway {
    fn start(&mut self) -> anyhow::Result<()> {
        self.process = Some(Process::spawn("nexy-gateway", &[], &self.environment)?);
        Ok(())
    }

    async fn ready_workers(&self) -> anyhow::Result<usize> {
        let url = format!("http://127.0.0.1:{}/status", self.http);
        let status: Value = http()?.get(&url).send().await?.json().await?;
        let workers = status["workers"].as_array().context("workers")?;
        Ok(workers.iter().filter(|worker| worker["state"] == "ready").count())
    }

    async fn leave(&mut self) -> anyhow::Result<()> {
        let mut leaving = self.process.take().context("it runs")?;
        leaving.signal("TERM")?;
        ensure!(leaving.wait_exit(2 * SOON).await?.success(), "it leaves in peace");
        Ok(())
    }

    async fn replace(&mut self) -> anyhow::Result<()> {
        self.leave().await?;
        self.start()
    }
}

/// A reply that takes a third of a second.
async fn fakes() -> anyhow::Result<Fakes> {
    let reply = Script::text(["It is ten ", "o'clock. The sun ", "is up already."]);
    Fakes::saying(reply.token_delay(Duration::from_millis(100))).await
}

async fn questions(fleet: &Fleet) -> anyhow::Result<Lanes> {
    let mut lanes = Lanes::default();
    for _ in 0..4 {
        lanes.ask_on(fleet.crew.stack.tls_client().await?);
    }
    Ok(lanes)
}

/// Asks all the time while every gateway is replaced, with a worker each time or
/// without.
async fn replace_all(with_workers: bool) -> anyhow::Result<()> {
    if !is_installed("nginx") {
        return Ok(());
    }
    let fakes = fakes().await?;
    let mut fleet = Fleet::start(&fakes).await?;
    let lanes = questions(&fleet).await?;
    for place in 0..fleet.gateways.len() {
        let before = fleet.reloads();
        let gateway = fleet.gateways.get_mut(place).context("a gateway")?;
        if with_workers {
            let worker = fleet.crew.workers.get_mut(place).context("a worker")?;
            tokio::try_join!(gateway.replace(), worker.replace())?;
        } else {
            gateway.replace().await?;
        }
        fleet.is_whole().await?;
        fleet.door_is_open(before).await?;
    }
    lanes.stop().await?;
    fleet.stop().await
}

#[tokio::test]
async fn replacing_every_gateway_loses_no_turn() -> anyhow::Result<()> {
    replace_all(false).await
}

#[tokio::test]
async fn replacing_gateways_and_workers_at_the_same_time_loses_no_turn() -> anyhow::Result<()> {
    replace_all(true).await
}
