use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::observe::{prometheus::Page, scrape::Target};

/// Who is asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) gateway: Target,
    pub(super) workers: Vec<Target>,
    pub(super) update: Target,
}

/// What everybody answered at one time.
pub(super) struct Round {
    pub(super) at: Instant,
    pub(super) gateway: Service,
    /// In the order in which they are asked.
    pub(super) workers: Vec<Service>,
    pub(super) update: Service,
    /// Streams that the gateway takes at the same time.
    pub(super) max_streams: Option<u64>,
}

/// The page of a service, or why there is none.
pub(super) type Service = Result<Page, String>;

// === impl Round ===

impl Round {
    /// Asks everybody at the same time.
    pub(super) async fn ask(asked: &Asked, patience: Duration) -> Self {
        let page = async |target: &Target| {
            target.scrape(patience).await.map_err(|error| format!("{error:#}"))
        };
        let status = async {
            let status = asked.gateway.json("/status", patience).await.ok()?;
            status["max_streams"].as_u64()
        };
        let (gateway, workers, update, max_streams) = tokio::join!(
            page(&asked.gateway),
            join_all(asked.workers.iter().map(page)),
            page(&asked.update),
            status,
        );
        Self { at: Instant::now(), gateway, workers, update, max_streams }
    }

    /// Each with what it is called and its place among those of its kind.
    pub(super) fn services(&self) -> impl Iterator<Item = (&'static str, usize, &Service)> {
        let workers = self.workers.iter().enumerate().map(|(place, it)| ("worker", place, it));
        std::iter::once(("gateway", 0, &self.gateway)).chain(workers).chain([(
            "update",
            0,
            &self.update,
        )])
    }
}
