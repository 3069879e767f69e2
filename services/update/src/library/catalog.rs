use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use nexy_releases::{Channel, Claim, FileName, InstallId, Manifest, Plan, Problem, Variant};
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
    pub(crate) feeds: Feeds,
    pub(crate) served: Option<Arc<Served>>,
    /// Why the manifest on disk is not the one that is served, if so.
    pub(crate) refused: Vec<Problem>,
}

/// A plan that has passed every check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) plan: Plan,
    /// The files of it that lie here; the others are carried by their URLs.
    pub(crate) stored: Vec<(Claim, StoredFile)>,
}

/// Both feeds of a channel; they are the same where nothing is rolled out.
#[derive(Debug, Clone)]
pub(crate) struct Feeds {
    pub(crate) with_release: Feed,
    pub(crate) without_release: Feed,
}

/// A rendered and checked feed.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) body: Bytes,
    /// The same, compressed, where that makes it shorter.
    pub(crate) gzip: Option<Bytes>,
    /// A strong entity tag of the plain form, with its quotes.
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

    /// The release that counts as a channel's.
    pub(crate) fn current(&self, channel: Channel) -> Option<&Manifest> {
        self.offer(channel)?.served.as_ref()?.plan.current()
    }

    /// What is claimed of a file, when it is exactly that, down to its bytes.
    pub(crate) fn claim_of(&self, file: &StoredFile) -> Option<&Claim> {
        let served = self.offers.iter().filter_map(|offer| offer.served.as_deref());
        let mut stored = served.flat_map(|served| &served.stored);
        stored.find(|(_, known)| known == file).map(|(claim, _)| claim)
    }
}

// === impl Offer ===

impl Offer {
    /// The feed that a client gets.
    pub(crate) fn feed(&self, client: Option<InstallId<'_>>) -> (Variant, &Feed) {
        let served = self.served.as_ref();
        let variant = served.map_or(Variant::Without, |served| served.plan.variant(client));
        (variant, self.feeds.of(variant))
    }
}

// === impl Served ===

impl Served {
    /// Where a file of it lies here, if it does.
    pub(crate) fn stored(&self, name: &FileName) -> Option<&StoredFile> {
        self.stored.iter().find(|(claim, _)| claim.file_name == *name).map(|(_, file)| file)
    }
}

// === impl Feeds ===

impl Feeds {
    pub(crate) fn of(&self, variant: Variant) -> &Feed {
        match variant {
            Variant::With => &self.with_release,
            Variant::Without => &self.without_release,
        }
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
        let gzip = compress(body.as_bytes()).filter(|gzip| gzip.len() < body.len());
        Self {
            gzip: gzip.map(Bytes::from),
            body: Bytes::from(body),
            etag,
            last_modified: whole_seconds(last_modified),
        }
    }
}

fn compress(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// The moment without its fraction of a second.
pub(crate) fn whole_seconds(moment: SystemTime) -> SystemTime {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(seconds)
}
