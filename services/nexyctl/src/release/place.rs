use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use nexy_config::{Settings, Sources};
use nexy_releases::{Channel, HttpsUrl, Plan, Problem, PublicKey, Trusted, feed::FeedInfo};

use crate::failure::Usage;

/// Where releases are, and what is known about their server.
#[derive(clap::Args)]
pub(super) struct PlaceArgs {
    /// The folder of releases. Default: `update.updates_dir`.
    #[arg(long, value_name = "DIR", help_heading = "Server")]
    dir: Option<PathBuf>,
    /// An overlay file over the compiled-in configuration. Default: the one
    /// that `NEXY_CONFIG` names.
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    config: Option<PathBuf>,
    /// The key that releases must verify with. Default: `update.public_key`.
    #[arg(long, value_name = "BASE64", help_heading = "Server")]
    public_key: Option<String>,
}

/// The folders of an update server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) manifests: PathBuf,
    pub(super) downloads: PathBuf,
    /// The folder above, with the audit log.
    pub(super) root: PathBuf,
    pub(super) key: Option<Trusted>,
    pub(super) signed_feeds_required: bool,
    /// How many others must have approved what becomes stable.
    pub(super) approvals_required: usize,
    /// The public address above `downloads/`.
    pub(super) base_url: String,
    title: String,
    link: String,
    description: String,
}

/// Held while a folder is being changed; one at a time.
pub(super) struct Lock {
    _file: File,
}

/// The language of the texts that the feed itself holds; the server's own.
const LANGUAGE: &str = "en";

// === impl PlaceArgs ===

impl PlaceArgs {
    /// # Errors
    /// When the configuration has problems.
    pub(super) fn resolve(&self) -> anyhow::Result<Place> {
        let mut sources = Sources::from_process(self.config.clone(), Vec::new());
        if let Some(dir) = &self.dir {
            let dir = dir.to_str().context("read --dir: the path is not UTF-8")?;
            sources = sources.with_set("update.updates_dir", dir);
            sources = sources.with_set("update.manifests_dir", format!("{dir}/manifests"));
            sources = sources.with_set("update.downloads_dir", format!("{dir}/downloads"));
        }
        let settings = match Settings::load(&sources) {
            Ok((settings, _)) => settings,
            Err(problems) => bail!("read the configuration: {problems}"),
        };
        let update = settings.update;
        let key = self.public_key.as_ref().or(update.public_key.as_ref());
        let key = key.map(|text| trusted(text, update.former_public_key.as_deref())).transpose();
        Ok(Place {
            manifests: update.manifests_dir,
            downloads: update.downloads_dir,
            root: update.updates_dir,
            key: key.map_err(|problem| Usage(format!("the public key {}", problem.reason)))?,
            signed_feeds_required: update.signed_feeds_required,
            approvals_required: update.approvals_required,
            base_url: update.public_base_url,
            title: update.feed_title,
            link: update.feed_link,
            description: update.feed_description,
        })
    }
}

// === impl Place ===

impl Place {
    /// The head of the feeds, as the server writes it.
    pub(super) fn info(&self) -> FeedInfo<'_> {
        FeedInfo {
            title: &self.title,
            link: &self.link,
            description: &self.description,
            language: LANGUAGE,
        }
    }

    pub(super) fn manifest_path(&self, channel: Channel) -> PathBuf {
        self.manifests.join(channel.manifest_file())
    }

    pub(super) fn audit_path(&self) -> PathBuf {
        self.root.join("audit.jsonl")
    }

    /// The text of a channel's file; none where there is no release.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn manifest_text(&self, channel: Channel) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.manifest_path(channel);
        match fs::read(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    /// What a channel's file says; none where there is no release.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub(super) fn plan(&self, channel: Channel) -> anyhow::Result<Option<Plan>> {
        let Some(text) = self.manifest_text(channel)? else { return Ok(None) };
        let path = self.manifest_path(channel);
        let plan = Plan::parse(&text).map_err(|problems| refusal(&path, &problems))?;
        Ok(Some(plan))
    }

    /// Whether a URL is one of this server's downloads.
    pub(super) fn serves(&self, url: &HttpsUrl) -> bool {
        url.as_str().starts_with(&format!("{}/downloads/", self.base_url))
    }

    /// Lets nobody else change the folder.
    ///
    /// # Errors
    /// When somebody else does.
    pub(super) fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.root.join(".lock");
        let opened = || -> io::Result<File> {
            fs::create_dir_all(&self.root)?;
            File::options().create(true).append(true).open(&path)
        };
        let file = opened().with_context(|| format!("open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                bail!("somebody else is changing {} at this moment", self.root.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("lock {}", path.display()))
            }
        }
    }
}

fn trusted(key: &str, former: Option<&str>) -> Result<Trusted, Problem> {
    let former = former.map(PublicKey::parse).transpose()?;
    Ok(Trusted { key: PublicKey::parse(key)?, former })
}

/// Everything that is wrong with a file, as one error.
pub(super) fn refusal(path: &Path, problems: &[Problem]) -> anyhow::Error {
    let list: Vec<_> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}: {}", path.display(), list.join("; "))
}
