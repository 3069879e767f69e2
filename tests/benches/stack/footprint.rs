//! What the product takes: memory, disk, and time to start.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nexy_testkit::stack::{Stack, binary};

use nexy_tests::report::{Report, Target};

const MIB: f64 = 1024.0 * 1024.0;

/// Of each idle service, in MiB.
pub(crate) const RESIDENT: Target = Target::Below(40.0);

/// Of each binary, in MiB.
const BINARY_BELOW: f64 = 40.0;

/// From the start of a process to its first healthy answer.
const START_BELOW_MS: f64 = 1000.0;

/// Starts of each service.
const STARTS: usize = 5;

/// Until what runs in the background after a start has settled.
const SETTLED: Duration = Duration::from_secs(3);

/// Each image, and what it is built on.
const IMAGES: [&str; 5] =
    ["nexy-gateway", "nexy-worker", "nexy-update", "nexy-nginx", "nexy-tools"];
const BASE_IMAGE: &str = "debian:bookworm-slim";

pub(crate) fn binaries(report: &mut Report) -> anyhow::Result<()> {
    for name in ["nexy-gateway", "nexy-worker", "nexy-update", "nexyctl"] {
        let size = std::fs::metadata(binary(name)?)?.len() as f64 / MIB;
        report.add(format!("{name}: size, stripped"), "MiB", Target::Below(BINARY_BELOW), size);
    }
    Ok(())
}

/// Nothing without an engine and built images.
pub(crate) fn images(report: &mut Report) {
    let base = image_size(BASE_IMAGE);
    for image in IMAGES {
        let own = image_size(&format!("{image}:local")).zip(base).map(|(all, base)| all - base);
        report.add(format!("{image}: image above its base"), "MiB", Target::None, own);
    }
}

fn image_size(image: &str) -> Option<f64> {
    let told = Command::new("timeout")
        .args(["20", "docker", "image", "inspect", "-f", "{{.Size}}", image])
        .output()
        .ok()?;
    let size: f64 = String::from_utf8(told.stdout).ok()?.trim().parse().ok()?;
    Some(size / MIB)
}

/// Starts each service again and again, in the order that the others need.
pub(crate) async fn starts(stack: &mut Stack, report: &mut Report) -> anyhow::Result<()> {
    let mut slowest = [Duration::ZERO; 3];
    let ports = stack.ports;
    for _ in 0..STARTS {
        drop((stack.update.take(), stack.worker.take(), stack.gateway.take()));
        let began = Instant::now();
        stack.start_update().await?;
        slowest[0] = slowest[0].max(healthy(ports.update_http, "/health", began).await?);
        let began = Instant::now();
        stack.start_worker().await?;
        slowest[1] = slowest[1].max(healthy(ports.worker_http, "/ready", began).await?);
        let began = Instant::now();
        stack.start_gateway().await?;
        slowest[2] = slowest[2].max(healthy(ports.gateway_http, "/ready", began).await?);
    }
    for (name, slowest) in ["nexy-update", "nexy-worker", "nexy-gateway"].iter().zip(slowest) {
        let ms = slowest.as_secs_f64() * 1e3;
        let what = format!("{name}: start to healthy, slowest of {STARTS}");
        report.add(what, "ms", Target::Below(START_BELOW_MS), ms);
    }
    Ok(())
}

async fn healthy(port: u16, path: &str, began: Instant) -> anyhow::Result<Duration> {
    let url = format!("http://127.0.0.1:{port}{path}");
    while get(&url).await.is_err() {
        if began.elapsed() > Duration::from_secs(20) {
            bail!("{url} does not become healthy");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(began.elapsed())
}

pub(crate) async fn memory(
    stack: &Stack,
    when: &str,
    target: Target,
    report: &mut Report,
) -> anyhow::Result<()> {
    tokio::time::sleep(SETTLED).await;
    let services = [
        ("nexy-gateway", &stack.gateway),
        ("nexy-worker", &stack.worker),
        ("nexy-update", &stack.update),
    ];
    for (name, process) in services {
        let process = process.as_ref().with_context(|| format!("{name} does not run"))?;
        let resident = process.resident_kib()? as f64 / 1024.0;
        let what = format!("{name}: resident memory, {when}");
        report.add(what, "MiB", target, resident);
    }
    Ok(())
}

/// Time of all cores since the machine was started, in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    all: f64,
    idle: f64,
    /// Wanted by this machine and given to another one.
    stolen: f64,
}

// === impl Cpu ===

impl Cpu {
    /// The first line of proc(5) `stat`: user, nice, system, idle, iowait, irq,
    /// softirq, steal.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().context("read stat")?;
        let ticks = line.split_whitespace().skip(1).take(8).map(str::parse);
        let ticks = ticks.collect::<Result<Vec<f64>, _>>()?;
        let [.., idle, waiting, _, _, stolen] = ticks[..] else { bail!("read stat: {line}") };
        Ok(Self { all: ticks.iter().sum(), idle: idle + waiting, stolen })
    }

    /// How far the figures of the time since can be trusted: a machine that is
    /// kept from its cores tells the host's latency, not the stack's.
    pub(crate) fn tell_since(self, before: Self, report: &mut Report) {
        let wanted = (self.all - before.all) - (self.idle - before.idle);
        let stolen = (self.stolen - before.stolen) / wanted.max(1.0) * 100.0;
        let what = "of the CPU time that was wanted meanwhile, kept by the host";
        report.add(what, "%", Target::None, stolen);
    }
}

/// The text of an internal route that answers with success.
pub(crate) async fn get(url: &str) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
    Ok(client.get(url).send().await?.error_for_status()?.text().await?)
}
