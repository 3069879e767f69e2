//! What holds for any input. Called by tests here and by the targets in fuzz/.

use crate::{
    Channel, Manifest, Plan,
    feed::{self, FeedInfo, Release},
};

/// A channel's file and a manifest that are accepted are read back as they are
/// written, and the feed that is made of them is one that clients accept.
///
/// # Panics
/// When that does not hold.
pub fn update_manifest(data: &[u8]) {
    if let Ok(plan) = Plan::parse(data) {
        let written = plan.to_json().unwrap_or_default();
        assert_eq!(Plan::parse(written.as_bytes()).as_ref(), Ok(&plan));
    }
    let Ok(manifest) = Manifest::parse(data) else { return };
    let written = serde_json::to_vec(&manifest).unwrap_or_default();
    assert_eq!(Manifest::parse(&written).as_ref(), Ok(&manifest));
    let info =
        FeedInfo { title: "Nexy", link: "https://example.com/", description: "", language: "en" };
    let builds = vec![manifest.build.to_string(); manifest.artifacts().count()];
    for channel in [Channel::Stable, Channel::Beta] {
        let written = feed::render(info, &[Release { channel, manifest: &manifest }]);
        let versions =
            |items: Vec<feed::Item>| items.into_iter().map(|item| item.version).collect::<Vec<_>>();
        assert_eq!(feed::check(&written).map(versions).as_ref(), Ok(&builds), "{written}");
    }
}

/// Any bytes are a feed or a problem, and what forgives nothing accepts no feed
/// that clients reject.
///
/// # Panics
/// When that does not hold.
pub fn update_feed(data: &[u8]) {
    let feed = String::from_utf8_lossy(data);
    let (strict, client) = (feed::check(&feed), feed::read(&feed));
    assert!(strict.is_err() || client.is_ok(), "{strict:?} but {client:?}");
}

#[cfg(test)]
mod tests;
