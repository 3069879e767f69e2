//! What a client makes of a feed: a port of Sparkle's own selection
//! (`SUAppcastDriver.m` and `SPUAppcastItemStateResolver.m` of 2.6, with what
//! 2.9 added), which also says why.
//!
//! The app's own code may decide otherwise (`bestValidUpdateInAppcast`, another
//! version comparator); nothing here knows about that.

use jiff::Timestamp;

use crate::{
    feed::{DeltaEnclosure, Item},
    version::compare,
};

/// Groups of a phased roll-out (`NUM_UPDATE_GROUPS`).
pub const GROUPS: u8 = 7;

/// A Mac with the app on it.
#[derive(Debug, Clone)]
pub struct Client {
    /// The app's `CFBundleVersion`.
    pub version: String,
    /// The macOS version.
    pub os: String,
    /// The processor.
    pub processor: Processor,
    /// The channels that the app allows besides the default one.
    pub channels: Vec<String>,
    /// Why it asks.
    pub occasion: Occasion,
    /// What its user has skipped.
    pub skipped: Skipped,
    /// Whether its Sparkle is 2.9 or later.
    pub knows_2_9: bool,
}

/// What runs the app; a translated app counts as one for Apple's processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// Apple's.
    Arm64,
    /// Intel's.
    X86_64,
}

/// Why a client asks for updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The user wants to know: neither phasing nor skipping counts.
    Asked,
    /// By itself, as a member of one of the groups, the first of which is 0.
    Scheduled {
        /// The group; Sparkle draws it and never tells it.
        group: u8,
    },
}

/// What a user has skipped (`SPUSkippedUpdate`).
#[derive(Debug, Clone, Default)]
pub struct Skipped {
    /// A version.
    pub minor: Option<String>,
    /// The `minimumAutoupdateVersion` of a major upgrade.
    pub major: Option<String>,
    /// The version of that upgrade.
    pub major_subrelease: Option<String>,
}

/// What a client does with a feed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What it offers to its user.
    pub offered: Option<Offered>,
    /// What became of each item, in the order of the feed.
    pub fates: Vec<Fate>,
}

/// An update that a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The place of the item in the feed, from 0.
    pub item: usize,
    /// The delta that it would download first.
    pub delta: Option<DeltaEnclosure>,
    /// It needs the user's yes, however updates are set.
    pub is_major: bool,
    /// It cannot be skipped.
    pub is_critical: bool,
    /// It is only told about.
    pub is_informational: bool,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Its version.
    pub version: String,
    /// Why the client does not offer it; empty for the one that it offers.
    pub reasons: Vec<String>,
}

/// Which of the tests count in one round of the selection.
#[derive(Clone, Copy)]
struct Round {
    majors_too: bool,
}

/// What a client offers of a feed at a moment.
#[must_use]
pub fn explain(items: &[Item], client: &Client, now: Timestamp) -> Explanation {
    let first = best(items, client, now, Round { majors_too: false });
    // Major upgrades count only when there is nothing smaller.
    let chosen = first
        .filter(|place| is_newer(items, client, *place))
        .or_else(|| best(items, client, now, Round { majors_too: true }))
        .filter(|place| is_newer(items, client, *place));
    let offered = chosen.and_then(|place| Some((place, items.get(place)?)));
    let offered = offered.map(|(place, item)| Offered {
        item: place,
        delta: item.deltas.iter().rev().find(|delta| delta.from == client.version).cloned(),
        is_major: client.finds_major(item),
        is_critical: client.finds_critical(item),
        is_informational: client.finds_informational(item),
    });
    let fates = items.iter().enumerate().map(|(place, item)| {
        let reasons = match &offered {
            Some(offered) if offered.item == place => Vec::new(),
            offered => client.reasons(item, now, offered.is_some()),
        };
        Fate { version: item.version.clone(), reasons }
    });
    Explanation { fates: fates.collect(), offered }
}

/// The first item of the highest version among those that pass.
fn best(items: &[Item], client: &Client, now: Timestamp, round: Round) -> Option<usize> {
    let passes = |item: &Item| {
        client.hidden(item).is_empty()
            && client.unsuitable(item, now).is_empty()
            && (round.majors_too || !client.finds_major(item))
    };
    let passing = items.iter().enumerate().filter(|(_, item)| passes(item));
    let best =
        passing.reduce(
            |best, next| {
                if compare(&best.1.version, &next.1.version).is_lt() { next } else { best }
            },
        );
    best.map(|(place, _)| place)
}

fn is_newer(items: &[Item], client: &Client, place: usize) -> bool {
    items.get(place).is_some_and(|item| compare(&client.version, &item.version).is_lt())
}

// === impl Client ===

impl Client {
    /// Why it never looks at an item (`filterAppcast:forMacOSAndAllowedChannels:`).
    fn hidden(&self, item: &Item) -> Vec<String> {
        let mut reasons = Vec::new();
        let enclosure = item.enclosure.as_ref();
        if let Some(os) = enclosure.and_then(|enclosure| enclosure.os.as_deref())
            && os != "macos"
        {
            reasons.push(format!("it is for {os}"));
        }
        if enclosure.is_some_and(|enclosure| enclosure.delta_from.is_some()) {
            reasons.push("it is a delta outside of an item".to_owned());
        }
        if let Some(channel) = &item.channel
            && !self.channels.contains(channel)
        {
            reasons.push(format!("its channel {channel} is not one that the app allows"));
        }
        if let Some(least) = &item.minimum_update_version
            && self.knows_2_9
            && compare(&self.version, least).is_lt()
        {
            reasons.push(format!("the app is older than its minimum update version {least}"));
        }
        reasons
    }

    /// Why an item is not for it now (`filterSupportedAppcast:`), except that
    /// it is a major upgrade.
    fn unsuitable(&self, item: &Item, now: Timestamp) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(least) = &item.minimum_system_version
            && compare(least, &self.os).is_gt()
        {
            reasons.push(format!("it needs macOS {least}, and this is {}", self.os));
        }
        if let Some(most) = &item.maximum_system_version
            && compare(most, &self.os).is_lt()
        {
            reasons.push(format!("it is for macOS up to {most}, and this is {}", self.os));
        }
        if self.knows_2_9 && self.processor == Processor::X86_64 && needs_arm64(item) {
            reasons.push("it needs an Apple processor".to_owned());
        }
        reasons.extend(self.waits(item, now));
        if self.has_skipped(item) {
            reasons.push("the user skipped it".to_owned());
        }
        reasons
    }

    /// Everything that keeps it from offering an item.
    fn reasons(&self, item: &Item, now: Timestamp, offers_another: bool) -> Vec<String> {
        let mut reasons = self.hidden(item);
        reasons.extend(self.unsuitable(item, now));
        match compare(&item.version, &self.version) {
            std::cmp::Ordering::Less => reasons.push("it is older than the app".to_owned()),
            std::cmp::Ordering::Equal => reasons.push("the app has that version".to_owned()),
            std::cmp::Ordering::Greater => {}
        }
        if reasons.is_empty() && offers_another {
            let why = match self.finds_major(item) {
                true => "it is a major upgrade, and there is a smaller update",
                false => "another item is newer, or stands before it",
            };
            reasons.push(why.to_owned());
        }
        reasons
    }

    fn waits(&self, item: &Item, now: Timestamp) -> Option<String> {
        let Occasion::Scheduled { group } = self.occasion else { return None };
        let interval = item.phased_rollout_interval.filter(|_| !self.finds_critical(item))?;
        let wait = interval.saturating_mul(i64::from(group % GROUPS));
        let waited = now.as_second().saturating_sub(item.pub_date?.as_second());
        (waited < wait).then(|| {
            let left = wait - waited;
            format!("it is phased: the turn of group {group} comes in {left} s")
        })
    }

    fn has_skipped(&self, item: &Item) -> bool {
        if self.occasion == Occasion::Asked {
            return false;
        }
        let Skipped { minor, major, major_subrelease } = &self.skipped;
        let at_least = |left: &Option<String>, right: &str| {
            left.as_ref().is_some_and(|left| compare(left, right).is_ge())
        };
        let has_passed = major.as_ref().is_none_or(|major| compare(&self.version, major).is_ge());
        let skips_major = !has_passed
            && item.minimum_autoupdate_version.as_ref().is_some_and(|least| at_least(major, least))
            && item
                .ignore_skipped_upgrades_below
                .as_ref()
                .is_none_or(|below| at_least(major_subrelease, below));
        skips_major || at_least(minor, &item.version)
    }

    fn finds_major(&self, item: &Item) -> bool {
        let least = item.minimum_autoupdate_version.as_ref();
        least.is_some_and(|least| compare(&self.version, least).is_lt())
    }

    fn finds_critical(&self, item: &Item) -> bool {
        match &item.critical {
            None => false,
            Some(None) => true,
            Some(Some(below)) => compare(&self.version, below).is_lt(),
        }
    }

    fn finds_informational(&self, item: &Item) -> bool {
        let Some(informing) = &item.informational else { return false };
        (informing.versions.is_empty() && informing.below.is_empty())
            || informing.versions.contains(&self.version)
            || informing.below.iter().any(|below| compare(&self.version, below).is_lt())
    }
}

/// Sparkle 2.9: said by the item, or implied by a macOS that runs on nothing
/// else.
fn needs_arm64(item: &Item) -> bool {
    item.hardware_requirements.iter().any(|word| word == "arm64")
        || item
            .minimum_system_version
            .as_ref()
            .is_some_and(|system| compare(system, "27.0").is_ge())
}

#[cfg(test)]
mod tests;
