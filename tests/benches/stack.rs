//! What the stack itself costs: see Docs/PERFORMANCE.md.
//!
//! `cargo bench -p nexy-tests --bench stack [-- --check]` runs the release
//! binaries against providers on loopback, and prints each figure with its
//! target. With `--check` a miss is a failure, with `--latency` only what
//! providers that answer at once let be seen is measured, with `--paced` only the
//! replies that come word by word, with `--interrupts` only how soon
//! providers are let go, with `--telemetry` only what a collector adds, with
//! `--passing` only what passes through the gateway, with `--overload` only what
//! more clients than places do to it, with `--uploads` only screenshots from far
//! away.
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

#[path = "stack/burst.rs"]
mod burst;
#[path = "stack/footprint.rs"]
mod footprint;
#[path = "stack/interrupts.rs"]
mod interrupts;
#[path = "stack/latency.rs"]
mod latency;
#[path = "stack/overload.rs"]
mod overload;
#[path = "stack/paced.rs"]
mod paced;
#[path = "stack/passing.rs"]
mod passing;
#[path = "stack/providers.rs"]
mod providers;
#[path = "stack/telemetry.rs"]
mod telemetry;
#[path = "stack/uploads.rs"]
mod uploads;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use nexy_testkit::stack::{Stack, binary};
use nexy_tests::report::{Report, Target};
use tokio::time::timeout;

use self::providers::Providers;

/// For everything but the build. The whole takes about ten minutes.
const PATIENCE: Duration = Duration::from_secs(900);

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("figures of unoptimised binaries mean nothing: use `cargo bench`");
        return ExitCode::SUCCESS;
    }
    if let [_, flag, chat, speech, lanes] = &std::env::args().collect::<Vec<_>>()[..]
        && flag == paced::BARE_CLIENT
    {
        return bare_client(chat, speech, lanes);
    }
    if let [_, flag, port] = &std::env::args().collect::<Vec<_>>()[..]
        && flag == passing::BARE_SERVER
    {
        return bare_server(port);
    }
    let report = match run() {
        Ok(report) => report,
        Err(error) => {
            println!("the measurement broke off: {error:?}");
            return ExitCode::FAILURE;
        }
    };
    println!("{report}");
    if is_given("--check") && report.has_misses() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The part of a process that is only there to be compared with.
fn bare_client(chat: &str, speech: &str, lanes: &str) -> ExitCode {
    nexy_testkit::install_tls_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let seconds = runtime
        .context("build the runtime")
        .and_then(|runtime| runtime.block_on(paced::bare_client(chat, speech, lanes)));
    match seconds {
        Ok(seconds) => {
            println!("{seconds}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

/// The same of a server.
fn bare_server(port: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let serving = runtime.context("build the runtime");
    match serving.and_then(|runtime| runtime.block_on(passing::bare_server(port))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn is_given(flag: &str) -> bool {
    std::env::args().any(|argument| argument == flag)
}

fn run() -> anyhow::Result<Report> {
    println!("building the release binaries, if they are not built");
    binary("nexyctl")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { timeout(PATIENCE, measure()).await.context("it took too long")? })
}

async fn measure() -> anyhow::Result<Report> {
    nexy_testkit::install_tls_provider();
    let mut report = Report::default();
    footprint::binaries(&mut report)?;
    footprint::images(&mut report);

    if is_given("--paced") {
        paced::measure(&mut report).await?;
        return Ok(report);
    }
    if is_given("--interrupts") {
        interrupts::measure(&mut report).await?;
        return Ok(report);
    }
    if is_given("--telemetry") {
        telemetry::measure(&mut report).await?;
        return Ok(report);
    }
    if is_given("--passing") {
        passing::measure(&mut report).await?;
        return Ok(report);
    }
    if is_given("--uploads") {
        uploads::measure(&mut report).await?;
        return Ok(report);
    }
    if is_given("--overload") {
        overload::measure(&mut report).await?;
        return Ok(report);
    }
    one_stack(&mut report).await?;
    if is_given("--latency") {
        return Ok(report);
    }
    interrupts::measure(&mut report).await?;
    passing::measure(&mut report).await?;
    overload::measure(&mut report).await?;
    uploads::measure(&mut report).await?;
    paced::measure(&mut report).await?;
    telemetry::measure(&mut report).await?;
    Ok(report)
}

/// What providers that answer at once let be seen of one stack behind its nginx.
async fn one_stack(report: &mut Report) -> anyhow::Result<()> {
    let providers = Providers::start().await?;
    let mut stack = providers.configure(Stack::builder()).with_ingress().start().await?;
    footprint::starts(&mut stack, report).await?;
    stack.wait_ready().await?;
    footprint::memory(&stack, "idle", footprint::RESIDENT, report).await?;
    latency::measure(&stack, &providers, report).await?;
    burst::measure(&stack, report).await?;
    footprint::memory(&stack, "after all that", Target::None, report).await
}
