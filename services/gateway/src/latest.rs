//! The latest release, as the update server tells it.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use nexy_proto::update::{LatestRequest, Release, update_client::UpdateClient};
use nexy_runtime::grpc::Peer;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// How the update server is asked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) addr: String,
    pub(crate) peer: Peer,
    /// How long an answer is good for.
    pub(crate) ttl: Duration,
    /// How long to wait for one, and between two tries.
    pub(crate) timeout: Duration,
}

/// The last answer, or nothing: never an invented value.
#[derive(Debug)]
pub(crate) struct Latest {
    client: UpdateClient<Channel>,
    release: ArcSwapOption<Release>,
    settings: Settings,
}

// === impl Latest ===

impl Latest {
    /// Prepares the channel; connecting happens in the background.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub(crate) fn new(settings: Settings) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let channel = settings.peer.channel(&settings.addr).context("use update.grpc_addr")?;
        let client = UpdateClient::new(channel);
        Ok(Self { client, release: ArcSwapOption::empty(), settings })
    }

    /// The release, while the update server can be reached and serves one.
    pub(crate) fn release(&self) -> Option<Arc<Release>> {
        self.release.load_full()
    }

    /// Asks again and again: at the pace of the TTL while there is an answer,
    /// sooner while there is none.
    pub(crate) async fn watch(&self, until: CancellationToken) {
        loop {
            let release = self.ask().await;
            let pause = if release.is_some() { self.settings.ttl } else { self.settings.timeout };
            self.release.store(release.map(Arc::new));
            tokio::select! {
                biased;
                // The process leaves.
                () = until.cancelled() => return,
                // The answer is old.
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn ask(&self) -> Option<Release> {
        let mut client = self.client.clone();
        let asking = client.latest(LatestRequest { channel: String::new() });
        timeout(self.settings.timeout, asking).await.ok()?.ok()?.into_inner().release
    }
}
