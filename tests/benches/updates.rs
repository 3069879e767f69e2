//! What serving updates costs, beside nginx: see Docs/PERFORMANCE.md.
//!
//! `cargo bench -p nexy-tests --bench updates [-- --check]` runs the release
//! binary and nginx with the same bytes and the same headers, by turns in one
//! run, and prints each figure with its target. With `--check` a miss is a
//! failure.
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

#[path = "updates/client.rs"]
mod client;
#[path = "updates/servers.rs"]
mod servers;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use tokio::time::{sleep, timeout};

use self::{
    client::{downloads, requests, slow_downloads},
    servers::{Servers, pin},
};

/// For everything but the build.
const PATIENCE: Duration = Duration::from_secs(600);
/// Pairs of measurements; the median of their ratios counts.
const PAIRS: usize = 7;
/// How long feeds are asked for, each time.
const SPAN: Duration = Duration::from_secs(2);
/// Downloads of each turn.
const DOWNLOADS: usize = 3;
/// Clients that do not read.
const SLOW: usize = 1_000;
/// The least share of nginx's speed.
const SHARE: f64 = 0.8;

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("figures of unoptimised binaries mean nothing: use `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let misses = match run() {
        Ok(misses) => misses,
        Err(error) => {
            println!("the measurement broke off: {error:?}");
            return ExitCode::FAILURE;
        }
    };
    let is_check = std::env::args().any(|argument| argument == "--check");
    if is_check && misses > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run() -> anyhow::Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { timeout(PATIENCE, measure()).await.context("it took too long")? })
}

async fn measure() -> anyhow::Result<usize> {
    // Servers on the first core, the client on the second.
    pin(std::process::id(), 1)?;
    let servers = Servers::start().await?;
    let mut misses = 0;

    let mut feeds = Vec::new();
    for _ in 0..PAIRS {
        let ours = requests(servers.ours, "/appcast.xml", SPAN).await?;
        let theirs = requests(servers.nginx, "/appcast.xml", SPAN).await?;
        feeds.push((ours, theirs));
    }
    misses += report("feeds on one core, requests per second", &feeds);

    let mut files = Vec::new();
    for _ in 0..PAIRS {
        let ours = downloads(servers.ours, servers::FILE, DOWNLOADS).await?;
        let theirs = downloads(servers.nginx, servers::FILE, DOWNLOADS).await?;
        files.push((ours, theirs));
    }
    misses += report("download of 300 MB on one core, MB per second", &files);

    let idle = servers.resident_mib()?;
    let held = slow_downloads(servers.ours, servers::FILE, SLOW).await?;
    sleep(Duration::from_secs(5)).await;
    let first = servers.resident_mib()?;
    sleep(Duration::from_secs(20)).await;
    let later = servers.resident_mib()?;
    println!(
        "resident memory: {idle:.1} MiB before, {first:.1} MiB with {} clients that do not read, \
         {later:.1} MiB 20 s later",
        held.len()
    );
    if later > first * 1.05 {
        println!("  MISS: it grows");
        misses += 1;
    }
    drop(held);
    servers.stop().await?;
    Ok(misses)
}

/// Prints the medians; 1 for a miss.
fn report(what: &str, pairs: &[(f64, f64)]) -> usize {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let ours = median(pairs.iter().map(|pair| pair.0).collect());
    let theirs = median(pairs.iter().map(|pair| pair.1).collect());
    let ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
    let ratio = median(ratios.clone());
    let verdict = if ratio >= SHARE { "ok" } else { "MISS" };
    println!(
        "{what}: {ours:.0}, nginx {theirs:.0}, median ratio {ratio:.2} (>= {SHARE}) {verdict}"
    );
    println!(
        "  each pair: {}",
        ratios.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(" ")
    );
    usize::from(ratio < SHARE)
}
