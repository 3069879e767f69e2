use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser as _;
use nexy_releases::{Channel, Plan, SecretKey, Sha256Digest};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::place::{Place, PlaceArgs};
use crate::cli::Cli;

mod elsewhere;
mod stories;

/// The folder of an update server, and one in which releases are made.
pub(super) struct Shop {
    folder: TempDir,
}

/// A release that was made.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) build: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn key() -> SecretKey {
    SecretKey::from_seed(&[42; 32])
}

/// The manifest of a release, signed.
pub(super) fn manifest(made: &Made) -> Value {
    json!({
        "version": made.build,
        "build": made.build,
        "artifact": {
            "type": "zip",
            "url": format!("https://localhost/updates/downloads/{}", made.name),
            "size": made.bytes.len(),
            "sha256": Sha256Digest::from_bytes(Sha256::digest(&made.bytes).into()),
            "arch": "universal2",
            "min_os": "11.0",
            "ed25519": key().sign(&made.bytes),
        },
        "notes": { "format": "plain-text", "text": "What is new." },
        "release_date": "2026-02-05T19:57:35Z",
    })
}

#[derive(clap::Parser)]
struct PlaceLine {
    #[command(flatten)]
    args: PlaceArgs,
}

// === impl Shop ===

impl Shop {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("dist")).unwrap();
        let shop = Self { folder };
        let key = shop.path("key.txt");
        fs::write(&key, key_text()).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&key, private).unwrap();
        shop
    }

    /// With a release on the beta channel.
    pub(super) fn with_beta(build: &str) -> Self {
        let shop = Self::new();
        let place = shop.place();
        let made = shop.make(build);
        fs::create_dir_all(&place.downloads).unwrap();
        fs::create_dir_all(&place.manifests).unwrap();
        fs::write(place.downloads.join(&made.name), &made.bytes).unwrap();
        let manifest = manifest(&made).to_string();
        fs::write(place.manifest_path(Channel::Beta), manifest).unwrap();
        shop
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn dist(&self) -> PathBuf {
        self.path("dist")
    }

    pub(super) fn updates(&self) -> String {
        self.path("updates").display().to_string()
    }

    pub(super) fn place(&self) -> Place {
        let public = key().public().unwrap().to_string();
        let line = ["x", "--dir", &self.updates(), "--public-key", &public];
        PlaceLine::try_parse_from(line).unwrap().args.resolve().unwrap()
    }

    /// Makes the file of a release.
    pub(super) fn make(&self, build: &str) -> Made {
        let bytes = format!("app {build} ").repeat(2000).into_bytes();
        let made = Made { name: format!("Nexy-{build}.zip"), build: build.to_owned(), bytes };
        fs::write(self.dist().join(&made.name), &made.bytes).unwrap();
        made
    }

    /// Makes a release with its manifest; the manifest's path.
    fn make_with(&self, build: &str, change: impl FnOnce(&mut Value)) -> String {
        let made = self.make(build);
        let mut manifest = manifest(&made);
        change(&mut manifest);
        let path = self.dist().join(format!("{build}.json"));
        fs::write(&path, manifest.to_string()).unwrap();
        path.display().to_string()
    }

    /// Runs `nexyctl release` in this place; whether it ended well.
    async fn run(&self, line: &str) -> bool {
        let public = key().public().unwrap().to_string();
        let mut words: Vec<_> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        words.splice(0..0, ["nexyctl".to_owned(), "release".to_owned()]);
        words.extend(["--dir".to_owned(), self.updates(), "--public-key".to_owned(), public]);
        let cli = Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        cli.run().await == ExitCode::SUCCESS
    }

    fn plan(&self, channel: Channel) -> Plan {
        self.place().plan(channel).unwrap().unwrap()
    }
}

fn key_text() -> String {
    key().to_text().unwrap()
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
