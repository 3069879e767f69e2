use jiff::Timestamp;

use crate::{InstallationType, Problem};

/// A feed as clients understand it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appcast {
    /// The items in the order of the document.
    pub items: Vec<Item>,
    /// What clients forgive, replace or leave out.
    pub remarks: Vec<Problem>,
}

/// An item as a client understands it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// The title.
    pub title: Option<String>,
    /// A page about the update.
    pub link: Option<String>,
    /// The version that clients compare.
    pub version: String,
    /// The version that people read.
    pub short_version: String,
    /// The channel; none is the default channel.
    pub channel: Option<String>,
    /// The oldest macOS that the item is for.
    pub minimum_system_version: Option<String>,
    /// The newest macOS that the item is for.
    pub maximum_system_version: Option<String>,
    /// Hardware that the item needs, in lower case; clients know `arm64` only.
    pub hardware_requirements: Vec<String>,
    /// Clients below this version do not see it.
    pub minimum_update_version: Option<String>,
    /// For clients below this version it is a major upgrade.
    pub minimum_autoupdate_version: Option<String>,
    /// Who skipped a major upgrade below this version sees this one.
    pub ignore_skipped_upgrades_below: Option<String>,
    /// When it was released; none when clients cannot read it, and then they
    /// skip the phasing.
    pub pub_date: Option<Timestamp>,
    /// Seconds from one of the seven groups to the next.
    pub phased_rollout_interval: Option<i64>,
    /// Whether it is critical, and below which version only.
    pub critical: Option<Option<String>>,
    /// Whether it only informs.
    pub informational: Option<Informing>,
    /// The address of the release notes.
    pub notes_url: Option<String>,
    /// The signature of the release notes and their length, as they stand
    /// there.
    pub notes_signature: Option<(String, String)>,
    /// The notes in more languages, in the order of the document.
    pub translations: Vec<ItemTranslation>,
    /// The address of the notes of all versions.
    pub full_notes_url: Option<String>,
    /// Embedded release notes and their format.
    pub description: Option<(String, String)>,
    /// What to install; none for an item that only informs.
    pub enclosure: Option<Enclosure>,
    /// Shorter ways from some older versions.
    pub deltas: Vec<DeltaEnclosure>,
}

/// The release notes of an item in one more language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemTranslation {
    /// The language; clients assume English where none is said.
    pub language: Option<String>,
    /// The address of the notes.
    pub notes_url: Option<String>,
    /// Their signature and their length, as they stand there.
    pub notes_signature: Option<(String, String)>,
    /// Embedded notes and their format.
    pub description: Option<(String, String)>,
}

/// Whom an item only informs; nobody named is everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Informing {
    /// Exactly these versions.
    pub versions: Vec<String>,
    /// Every version below one of these.
    pub below: Vec<String>,
}

/// What a client downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// Where from, as it stands there.
    pub url: String,
    /// Its length in bytes; 0 where it is not said.
    pub length: u64,
    /// Its signature, as it stands there.
    pub signature: Option<String>,
    /// How it is installed.
    pub installation: InstallationType,
    /// The system that it is for; none and `macos` are ours.
    pub os: Option<String>,
    /// The version that it leads from, which a whole update must not have.
    pub delta_from: Option<String>,
}

/// A delta of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaEnclosure {
    /// The version that it leads from, exactly.
    pub from: String,
    /// Where from, as it stands there.
    pub url: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its signature, as it stands there.
    pub signature: Option<String>,
    /// Bytes of Sparkle's executable in the app that it leads from.
    pub executable_size: Option<u64>,
    /// Localisations of Sparkle in the app that it leads from.
    pub locales: Vec<String>,
}

// === impl ItemTranslation ===

impl ItemTranslation {
    pub(super) fn of(language: Option<&str>) -> Self {
        Self { language: language.map(str::to_owned), ..Self::default() }
    }
}
