//! Folders with real releases, signed with a real key.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Once},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use nexy_releases::{Channel, PublicKey};
use nexy_telemetry::Level;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    decisions::ReleaseWithdrawn,
    http::{Pieces, Site},
    library::{Keeper, Library},
    settings::{FeedHead, Settings, Trust},
};

/// The folders of an update server.
pub(crate) struct Folders {
    root: TempDir,
}

/// A release that can be put into the folders.
pub(crate) struct TestRelease {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Value,
}

pub(crate) fn signer() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

pub(crate) fn public_key() -> PublicKey {
    PublicKey::parse(&STANDARD.encode(signer().verifying_key().as_bytes())).unwrap()
}

/// A site over the folders, and the keeper of its library.
pub(crate) fn site(settings: Settings) -> (Site, Keeper) {
    know_the_decision_log();
    let (settings, library) = (Arc::new(settings), Arc::new(Library::default()));
    let stop = CancellationToken::new();
    let keeper = Keeper::new(Arc::clone(&settings), Arc::clone(&library), stop).unwrap();
    let counts = Arc::default();
    let (pieces, draining) = (Pieces::default(), CancellationToken::new());
    (Site { settings, library, counts, pieces, draining }, keeper)
}

/// `tracing` may forget an event that one thread meets for the first time while
/// another begins to capture; so all threads wait here until all are known.
fn know_the_decision_log() {
    static KNOWN: Once = Once::new();
    KNOWN.call_once(|| {
        let _log = nexy_telemetry::capture();
        for level in [Level::Info, Level::Warn] {
            nexy_telemetry::emit(&ReleaseWithdrawn {
                channel: Channel::Stable,
                file: "",
                version: "",
                build: "",
                reason: "",
                level,
            });
        }
    });
}

// === impl Folders ===

impl Folders {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("downloads")).unwrap();
        fs::create_dir(root.path().join("manifests")).unwrap();
        Self { root }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    pub(crate) fn download(&self, name: &str) -> PathBuf {
        self.root.path().join("downloads").join(name)
    }

    pub(crate) fn manifest(&self, channel: Channel) -> PathBuf {
        self.root.path().join("manifests").join(channel.manifest_file())
    }

    /// As in production, with a key, every channel and a quick look.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            version: "9.8.7".to_owned(),
            enabled: true,
            beta_enabled: true,
            alpha_enabled: true,
            downloads_dir: self.root.path().join("downloads"),
            manifests_dir: self.root.path().join("manifests"),
            check_record: self.root.path().join("checked.json"),
            trust: Trust::Key(Box::new(public_key().into())),
            signed_feeds_required: false,
            rescan_interval: Duration::from_millis(20),
            request_timeout: Duration::from_secs(5),
            feed: FeedHead {
                title: "Nexy & Co".to_owned(),
                link: "https://example.com/updates".to_owned(),
                description: "Updates".to_owned(),
            },
            public_base_url: "https://example.com/updates".to_owned(),
        }
    }

    /// Puts a release into the folders: first the file, then the manifest.
    pub(crate) fn publish(&self, channel: Channel, release: &TestRelease) {
        fs::write(self.download(&release.name), &release.bytes).unwrap();
        self.put_manifest(channel, &release.manifest);
    }

    /// Puts a manifest in its place, atomically.
    pub(crate) fn put_manifest(&self, channel: Channel, manifest: &Value) {
        let aside = self.root.path().join("manifest.new");
        fs::write(&aside, manifest.to_string()).unwrap();
        fs::rename(aside, self.manifest(channel)).unwrap();
    }
}

// === impl TestRelease ===

impl TestRelease {
    /// A good release whose bytes depend on its version.
    pub(crate) fn new(version: &str) -> Self {
        let name = format!("Nexy-{version}.dmg");
        let bytes = format!("disk image of {version} ").repeat(500).into_bytes();
        let manifest = json!({
            "version": version,
            "build": version,
            "artifact": {
                "type": "dmg",
                "url": format!("https://example.com/updates/downloads/{name}"),
                "size": bytes.len(),
                "sha256": hex(&bytes),
                "arch": "universal2",
                "min_os": "11.0",
                "ed25519": STANDARD.encode(signer().sign(&bytes).to_bytes()),
            },
            "critical": false,
            "auto_install": true,
            "notes_url": "https://example.com/notes?a=1&b=2",
            "release_date": "2026-02-26T19:57:35+00:00",
        });
        Self { name, bytes, manifest }
    }

    /// The same release with another value in its manifest.
    pub(crate) fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        *self.manifest.pointer_mut(pointer).unwrap() = value.into();
        self
    }

    pub(crate) fn sha256(&self) -> String {
        hex(&self.bytes)
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
