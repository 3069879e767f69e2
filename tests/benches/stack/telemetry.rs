//! What reporting to a collector adds: the same turns with it and without it, by
//! turns.

use std::time::Duration;

use anyhow::Context as _;
use nexy_testkit::stack::{Process, Stack, free_port};
use nexy_tests::report::{Report, Target};

use crate::{
    burst,
    latency::{self, Times},
    paced,
};

/// Rounds of each kind; a round is one turn of each lane.
const ROUNDS: usize = 24;

/// Of CPU for a turn, with default sampling.
const ADDED_PERCENT: f64 = 5.0;

/// How long a sink may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stack and what its turns took.
struct Side {
    stack: Stack,
    first_audio: Times,
    /// Of gateway and worker, in seconds.
    cpu: f64,
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let (grpc, pages) = (free_port()?, free_port()?);
    let (grpc, pages) = (format!("127.0.0.1:{grpc}"), format!("127.0.0.1:{pages}"));
    let arguments = ["otlp-sink", "--listen", grpc.as_str(), "--http", pages.as_str()];
    let sink = Process::spawn("nexyctl", &arguments, &[])?;
    sink.wait_for("decision=listening", PATIENCE).await?;
    let providers = paced::word_by_word().await?;
    let telling = Stack::builder().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{grpc}"));
    let mut sides = [
        Side::new(providers.configure(telling).start().await?)?,
        Side::new(providers.configure(Stack::builder()).start().await?)?,
    ];
    for side in &mut sides {
        paced::lanes(&side.stack, paced::FEW, ROUNDS).await?;
    }
    for round in 0..ROUNDS {
        // Who is first changes each time.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for place in order {
            sides[place].round(round).await?;
        }
    }
    let turns = f64::from(paced::FEW.lanes) * ROUNDS as f64;
    let [telling, quiet] = sides;
    let what = "telemetry: CPU of gateway and worker for a turn, without a collector";
    report.add(what, "ms", Target::None, quiet.cpu / turns * 1e3);
    let what = "telemetry: what a collector of every trace and of metrics adds to it";
    let added = (telling.cpu / quiet.cpu - 1.0) * 100.0;
    report.add(what, "%", Target::Below(ADDED_PERCENT), added);
    latency::tell(&quiet.first_audio, "telemetry: first audio, without", None, report);
    latency::tell(&telling.first_audio, "telemetry: first audio, with", None, report);
    Ok(())
}

// === impl Side ===

impl Side {
    fn new(stack: Stack) -> anyhow::Result<Self> {
        Ok(Self { stack, first_audio: Times::new()?, cpu: 0.0 })
    }

    async fn round(&mut self, round: usize) -> anyhow::Result<()> {
        let before = self.seconds()?;
        for (_, first_audio) in paced::lanes(&self.stack, paced::FEW, round).await? {
            self.first_audio.note(first_audio);
        }
        self.cpu += self.seconds()? - before;
        Ok(())
    }

    fn seconds(&self) -> anyhow::Result<f64> {
        let worker = self.stack.worker.as_ref().context("no worker")?;
        let gateway = self.stack.gateway.as_ref().context("no gateway")?;
        Ok(burst::seconds_of(worker)? + burst::seconds_of(gateway)?)
    }
}
