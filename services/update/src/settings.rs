use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use nexy_config::Environment;
use nexy_releases::{Channel, CheckRecord, PublicKey, Trusted};

/// What this service reads from the configuration, in its own types.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The version that `/health` reports.
    pub(crate) version: String,
    /// Whether feeds and downloads are served at all.
    pub(crate) enabled: bool,
    /// Whether the beta feed is served.
    pub(crate) beta_enabled: bool,
    /// Whether the alpha feed is served.
    pub(crate) alpha_enabled: bool,
    /// The folder of artifacts.
    pub(crate) downloads_dir: PathBuf,
    /// The folder of manifests.
    pub(crate) manifests_dir: PathBuf,
    /// Where the tool notes what its last check of everything has found.
    pub(crate) check_record: PathBuf,
    /// What a release must prove.
    pub(crate) trust: Trust,
    /// Whether a release without signed feeds is refused.
    pub(crate) signed_feeds_required: bool,
    /// How often the folders are looked at.
    pub(crate) rescan_interval: Duration,
    /// How long a request may take to its first byte.
    pub(crate) request_timeout: Duration,
    /// The head of every feed.
    pub(crate) feed: FeedHead,
    /// The public address above `downloads/`, without a slash at the end.
    pub(crate) public_base_url: String,
}

/// The texts of a feed that belong to no release.
#[derive(Debug, Clone)]
pub(crate) struct FeedHead {
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) description: String,
}

/// What a release must prove before it is served.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// That it is signed with this key.
    Key(Box<Trusted>),
    /// Nothing: a developer's server without a key.
    Anything,
    /// What nobody can prove: a server without a key, outside development.
    Nothing,
}

// === impl Settings ===

impl Settings {
    /// Takes what this service needs.
    ///
    /// # Errors
    /// When the public key is none.
    pub(crate) fn from_config(
        config: &nexy_config::Settings,
        own_version: &str,
    ) -> anyhow::Result<Self> {
        let update = &config.update;
        let trust = Trust::new(update, config.env)?;
        let version = match config.server.version.as_str() {
            "" => own_version,
            configured => configured,
        };
        Ok(Self {
            version: version.to_owned(),
            enabled: update.enabled,
            beta_enabled: update.beta_enabled,
            alpha_enabled: update.alpha_enabled,
            downloads_dir: update.downloads_dir.clone(),
            manifests_dir: update.manifests_dir.clone(),
            check_record: update.updates_dir.join(CheckRecord::FILE),
            trust,
            signed_feeds_required: update.signed_feeds_required,
            rescan_interval: update.rescan_interval,
            request_timeout: update.request_timeout,
            feed: FeedHead {
                title: update.feed_title.clone(),
                link: update.feed_link.clone(),
                description: update.feed_description.clone(),
            },
            public_base_url: update.public_base_url.clone(),
        })
    }

    /// Whether a channel is served.
    pub(crate) fn serves(&self, channel: Channel) -> bool {
        self.enabled
            && match channel {
                Channel::Stable => true,
                Channel::Beta => self.beta_enabled,
                Channel::Alpha => self.alpha_enabled,
            }
    }

    /// The channels that are served.
    pub(crate) fn channels(&self) -> impl Iterator<Item = Channel> {
        Channel::ALL.into_iter().filter(|channel| self.serves(*channel))
    }
}

// === impl Trust ===

impl Trust {
    fn new(update: &nexy_config::Update, environment: Environment) -> anyhow::Result<Self> {
        let former = update.former_public_key.as_deref().map(PublicKey::parse).transpose();
        let former = former.context("read update.former_public_key")?;
        match (update.public_key.as_deref(), environment) {
            (Some(text), _) => {
                let key = PublicKey::parse(text).context("read update.public_key")?;
                Ok(Self::Key(Box::new(Trusted { key, former })))
            }
            (None, Environment::Dev) => Ok(Self::Anything),
            (None, Environment::Stage | Environment::Prod) => Ok(Self::Nothing),
        }
    }

    /// The key, where there is one.
    pub(crate) fn key(&self) -> Option<&Trusted> {
        match self {
            Self::Key(key) => Some(key.as_ref()),
            Self::Anything | Self::Nothing => None,
        }
    }
}
