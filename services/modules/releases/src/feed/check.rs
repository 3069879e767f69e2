//! Our own rules about feeds, on top of those of clients.

use roxmltree::{Document, Node};

use super::{
    Item, NAMESPACE,
    read::{is_plain, parse, read_document},
};
use crate::{HttpsUrl, OsVersion, Problem, Signature, version::compare};

/// Reads a whole feed with Sparkle's rules of acceptance, and stricter ones:
/// nothing that clients would have to forgive, absolute https URLs only, a date
/// and a length on every item, and no item that no client could ever choose.
///
/// # Errors
/// The first rule that the feed breaks.
pub fn check(feed: &str) -> Result<Vec<Item>, Problem> {
    if feed.starts_with('\u{feff}') {
        return Err(Problem::new("feed", "must not begin with a byte order mark"));
    }
    let document = parse(feed)?;
    check_prefixes(&document)?;
    check_frame(&document)?;
    let appcast = read_document(&document)?;
    if let Some(remark) = appcast.remarks.into_iter().next() {
        return Err(remark);
    }
    let items = appcast.items;
    for (index, item) in items.iter().enumerate() {
        let at = |problem: Problem| {
            Problem::new(format!("item {} {}", index + 1, problem.key), problem.reason)
        };
        check_item(item).map_err(at)?;
        check_reachable(items.get(..index).unwrap_or_default(), item).map_err(at)?;
    }
    Ok(items)
}

/// Clients match some names by prefix and others by namespace, so the one
/// prefix must stand for the one namespace throughout.
fn check_prefixes(document: &Document<'_>) -> Result<(), Problem> {
    for node in document.descendants().filter(Node::is_element) {
        for namespace in node.namespaces() {
            if (namespace.name() == Some("sparkle")) != (namespace.uri() == NAMESPACE) {
                let reason = format!("must be declared as xmlns:sparkle=\"{NAMESPACE}\"");
                return Err(Problem::new("sparkle", reason));
            }
        }
    }
    Ok(())
}

fn check_frame(document: &Document<'_>) -> Result<(), Problem> {
    let root = document.root_element();
    if !is_plain(root, "rss") {
        return Err(Problem::new("rss", "must be the outermost element, in no namespace"));
    }
    match root.children().filter(|node| is_plain(*node, "channel")).count() {
        0 => Err(Problem::new("rss.channel", "is missing")),
        1 => Ok(()),
        _ => Err(Problem::new("rss.channel", "must stand only once")),
    }
}

fn check_item(item: &Item) -> Result<(), Problem> {
    let enclosure = item.enclosure.as_ref();
    let deltas = &item.deltas;
    let urls = [
        ("link", item.link.as_ref()),
        ("sparkle:releaseNotesLink", item.notes_url.as_ref()),
        ("sparkle:fullReleaseNotesLink", item.full_notes_url.as_ref()),
        ("enclosure.url", enclosure.map(|enclosure| &enclosure.url)),
    ];
    let translations = item.translations.iter();
    let translated_urls = translations
        .clone()
        .map(|translation| ("sparkle:releaseNotesLink", translation.notes_url.as_ref()));
    let deltas_urls = deltas.iter().map(|delta| ("sparkle:deltas", Some(&delta.url)));
    for (key, url) in urls.into_iter().chain(translated_urls).chain(deltas_urls) {
        url.map(|url| HttpsUrl::parse(url).map_err(|problem| problem.at(key))).transpose()?;
    }
    let signatures = [
        ("sparkle:edSignature", enclosure.and_then(|enclosure| enclosure.signature.as_ref())),
        ("sparkle:releaseNotesLink", item.notes_signature.as_ref().map(|(text, _)| text)),
    ];
    let translated_signatures = translations.map(|translation| {
        let signature = translation.notes_signature.as_ref();
        ("sparkle:releaseNotesLink", signature.map(|(text, _)| text))
    });
    let delta_signatures = deltas.iter().map(|delta| ("sparkle:deltas", delta.signature.as_ref()));
    for (key, text) in signatures.into_iter().chain(translated_signatures).chain(delta_signatures) {
        text.map(|text| Signature::parse(text).map_err(|problem| problem.at(key))).transpose()?;
    }
    for (key, system) in [
        ("sparkle:minimumSystemVersion", &item.minimum_system_version),
        ("sparkle:maximumSystemVersion", &item.maximum_system_version),
    ] {
        let system = system.as_ref();
        system.map(|text| OsVersion::parse(text).map_err(|problem| problem.at(key))).transpose()?;
    }
    if item.hardware_requirements.iter().any(|word| word != "arm64") {
        let reason = "must be arm64: clients know nothing else";
        return Err(Problem::new("sparkle:hardwareRequirements", reason));
    }
    match enclosure {
        Some(enclosure) if enclosure.delta_from.is_some() => {
            Err(Problem::new("sparkle:deltaFrom", "must stand below sparkle:deltas"))
        }
        Some(enclosure) if enclosure.os.as_deref().is_some_and(|os| os != "macos") => {
            Err(Problem::new("sparkle:os", "must be macos: clients drop the item"))
        }
        _ => Ok(()),
    }
}

/// Of two items with one version clients take the first that suits them. The
/// second one has a meaning only for Macs that the first one is not for.
fn check_reachable(before: &[Item], item: &Item) -> Result<(), Problem> {
    let rival = before.iter().enumerate().find(|(_, first)| hides(first, item));
    let Some((place, _)) = rival else { return Ok(()) };
    let reason = format!("{} stands in item {} already", item.version, place + 1);
    Err(Problem::new("sparkle:version", reason))
}

fn hides(first: &Item, second: &Item) -> bool {
    let is_at_most = |left: &Option<String>, right: &Option<String>| match (left, right) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(left), Some(right)) => compare(left, right).is_le(),
    };
    let is_at_least = |left: &Option<String>, right: &Option<String>| match (left, right) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(left), Some(right)) => compare(left, right).is_ge(),
    };
    compare(&first.version, &second.version).is_eq()
        && first.channel == second.channel
        && first
            .hardware_requirements
            .iter()
            .all(|word| second.hardware_requirements.contains(word))
        && is_at_most(&first.minimum_system_version, &second.minimum_system_version)
        && is_at_least(&first.maximum_system_version, &second.maximum_system_version)
}
