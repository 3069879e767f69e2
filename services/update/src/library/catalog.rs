use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use nexy_releases::{Channel, FileName, Manifest, Problem};
use sha2::{Digest as _, Sha256};

use super::files::StoredFile;

/// What is served, at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    /// Whether everything that was there at the start has been judged.
    pub(crate) settled: bool,
    /// Why a folder cannot be read, if so.
    pub(crate) fault: Option<String>,
    /// The channels that are switched on.
    pub(crate) offers: Vec<Offer>,
    /// The files in the downloads folder.
    pub(crate) files: Arc<BTreeMap<FileName, StoredFile>>,
}

/// What a channel offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) channel: Channel,
    pub(crate) feed: Feed,
    pub(crate) served: Option<Arc<Served>>,
    /// Why the manifest on disk is not the one that is served, if so.
    pub(crate) refused: Vec<Problem>,
}

/// A release that has passed every check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) manifest: Manifest,
    /// The artifact, when it lies here; else it is carried by its URL.
    pub(crate) stored: Option<StoredFile>,
}

/// A rendered and checked feed.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) body: Bytes,
    /// A strong entity tag, with its quotes.
    pub(crate) etag: String,
    /// In whole seconds, as HTTP dates are.
    pub(crate) last_modified: SystemTime,
}

// === impl Catalog ===

impl Catalog {
    /// What a channel offers; none when it is switched off.
    pub(crate) fn offer(&self, channel: Channel) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.channel == channel)
    }

    /// The release that a channel serves.
    pub(crate) fn served(&self, channel: Channel) -> Option<&Served> {
        self.offer(channel)?.served.as_deref()
    }

    /// The release whose artifact is exactly this file, down to its bytes.
    pub(crate) fn release_of(&self, file: &StoredFile) -> Option<&Served> {
        let mut served = self.offers.iter().filter_map(|offer| offer.served.as_deref());
        served.find(|served| served.stored.as_ref() == Some(file))
    }
}

// === impl Feed ===

impl Feed {
    pub(crate) fn new(body: String, last_modified: SystemTime) -> Self {
        let digest = Sha256::digest(body.as_bytes());
        let etag = digest
            .iter()
            .take(16)
            .fold(String::from("\""), |etag, byte| format!("{etag}{byte:02x}"))
            + "\"";
        Self { body: Bytes::from(body), etag, last_modified: whole_seconds(last_modified) }
    }
}

/// The moment without its fraction of a second.
pub(crate) fn whole_seconds(moment: SystemTime) -> SystemTime {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(seconds)
}
