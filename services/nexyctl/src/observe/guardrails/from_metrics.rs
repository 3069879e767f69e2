//! Figures of `/metrics` pages.

use std::time::Duration;

use anyhow::ensure;
use futures_util::future::join_all;

use super::figures::{Evidence, Figures};
use crate::observe::{
    decision_log::{CANCELLED, REFUSED, STREAM_AUDIO, UNAVAILABLE},
    prometheus::{Histogram, Page},
    scrape::Target,
    span::written,
};

const REQUESTS: &str = "nexy_rpc_requests_total";
const DECISIONS: &str = "nexy_decisions_total";
const REFUSALS: &str = "nexy_backpressure_refusals_total";
/// Only a gateway has it.
const FIRST_AUDIO: &str = "nexy_time_to_first_audio_seconds";
/// Only a worker has it.
const PROVIDER_CALLS: &str = "nexy_provider_calls_total";

/// Reads pages: since the services started, or twice with the window between.
///
/// # Errors
/// When a page cannot be had, none is a gateway's, or a service was started anew
/// meanwhile.
pub(super) async fn read(
    targets: &[Target],
    window: Option<Duration>,
    timeout: Duration,
) -> anyhow::Result<Evidence> {
    let mut pages = scrape(targets, timeout).await?;
    let names = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let source = match window {
        None => format!("{names}, since the start"),
        Some(window) => {
            // The time that passes is what is measured.
            tokio::time::sleep(window).await;
            let later = scrape(targets, timeout).await?;
            pages = differences(targets, &pages, &later)?;
            format!("{} of {names}", written(window))
        }
    };
    let figures = figures(&pages)?;
    let day = Err("metrics hold no hours; a --log does".to_owned());
    Ok(Evidence { figures, source, notes: Vec::new(), day })
}

async fn scrape(targets: &[Target], timeout: Duration) -> anyhow::Result<Vec<Page>> {
    join_all(targets.iter().map(|target| target.scrape(timeout))).await.into_iter().collect()
}

fn differences(targets: &[Target], before: &[Page], after: &[Page]) -> anyhow::Result<Vec<Page>> {
    let mut pages = Vec::new();
    for ((target, before), after) in targets.iter().zip(before).zip(after) {
        let is_anew = [REQUESTS, DECISIONS].iter().any(|name| after.has_fallen(before, name));
        ensure!(!is_anew, "{target} was started anew within the window");
        pages.push(after.since(before, &[]));
    }
    Ok(pages)
}

/// # Errors
/// When no page is a gateway's.
pub(super) fn figures(pages: &[Page]) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let mut latencies: Option<Histogram> = None;
    for page in pages {
        if let Some(histogram) = page.histogram(FIRST_AUDIO, &[]) {
            latencies = Some(match latencies {
                Some(sum) => sum.and(&histogram),
                None => histogram,
            });
            count(page, &mut figures);
        }
        if !page.samples(PROVIDER_CALLS).is_empty() {
            let retries = whole(page.sum(DECISIONS, &[("decision", "retry")]));
            figures.retries = Some(figures.retries.unwrap_or_default() + retries);
        }
    }
    let Some(latencies) = latencies else { anyhow::bail!("no page is that of a gateway") };
    figures.latencies = whole(latencies.count());
    figures.first_audio_p95_ms = latencies.quantile(0.95).map(|seconds| seconds * 1000.0);
    Ok(figures)
}

/// Adds the turns of one gateway.
fn count(page: &Page, figures: &mut Figures) {
    let ended = |code| whole(page.sum(REQUESTS, &[("rpc", STREAM_AUDIO), ("code", code)]));
    let all = whole(page.sum(REQUESTS, &[("rpc", STREAM_AUDIO)]));
    let (good, interrupted, refused) = (ended("OK"), ended(CANCELLED), ended(REFUSED));
    figures.good += good;
    figures.interrupted += interrupted;
    figures.errors += all.saturating_sub(good + interrupted + refused);
    figures.unavailable += ended(UNAVAILABLE);
    // Of other RPCs than questions, too: the server was full.
    let refused = refused.max(whole(page.sum(REFUSALS, &[])));
    figures.refused += refused;
    figures.turns = figures.judged() + figures.interrupted + figures.refused;
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count; what is none, negative or NaN, becomes 0"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
