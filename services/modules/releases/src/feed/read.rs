//! A port of how Sparkle reads a feed (`SUAppcast.m` and `SUAppcastItem.m` of
//! 2.6, with what 2.9 added). What Sparkle rejects is an error here, what it
//! forgives is a remark.

mod notes;

use jiff::fmt::strtime;
use roxmltree::{Document, Node, ParsingOptions};

use super::{
    Appcast, DATE_FORMAT, Enclosure, Item, NAMESPACE,
    item::{DeltaEnclosure, Informing},
};
use crate::{InstallationType, Problem};

/// More XML nodes than any feed of ours has.
const MAX_NODES: u32 = 100_000;
/// What clients name the elements of a namespace that they know.
const PREFIX: &str = "sparkle:";

/// Reads a feed.
///
/// One difference: a feed with a document type is refused, because what such a
/// declaration makes of a text is decided by each reader for itself.
///
/// # Errors
/// Why a client would reject the whole feed.
pub fn read(feed: &str) -> Result<Appcast, Problem> {
    read_document(&parse(feed)?)
}

pub(super) fn parse(feed: &str) -> Result<Document<'_>, Problem> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..Default::default() };
    Document::parse_with_options(feed, options)
        .map_err(|error| Problem::new("feed", format!("must be well-formed XML: {error}")))
}

pub(super) fn read_document(document: &Document<'_>) -> Result<Appcast, Problem> {
    let root = document.root_element();
    let mut appcast = Appcast { items: Vec::new(), remarks: Vec::new() };
    if !is_plain(root, "rss") {
        appcast.remarks.push(Problem::new("rss", "must be the outermost element, in no namespace"));
        return Ok(appcast);
    }
    let channels = root.children().filter(|node| is_plain(*node, "channel"));
    let nodes: Vec<_> = channels
        .flat_map(|channel| channel.children().filter(|node| is_plain(*node, "item")))
        .collect();
    for (index, node) in nodes.into_iter().enumerate() {
        let name = format!("item {}", index + 1);
        let item = ItemReader { node, name, remarks: &mut appcast.remarks }.read()?;
        appcast.items.push(item);
    }
    Ok(appcast)
}

struct ItemReader<'a, 'input> {
    node: Node<'a, 'input>,
    name: String,
    remarks: &'a mut Vec<Problem>,
}

// === impl ItemReader ===

impl<'a, 'input> ItemReader<'a, 'input> {
    fn read(mut self) -> Result<Item, Problem> {
        let enclosure_node = self.child("enclosure");
        let version = self.version(enclosure_node)?;
        let link = self.address("link");
        if enclosure_node.is_none() && link.is_none() {
            return Err(self.problem("enclosure", "is missing, and so is a link"));
        }
        let enclosure = match enclosure_node {
            Some(node) => self.enclosure(node, link.is_some())?,
            None => None,
        };
        let short_version = enclosure_node
            .and_then(|node| attribute(node, "sparkle:shortVersionString"))
            .or_else(|| self.text("sparkle:shortVersionString"));
        let hardware = self.text("sparkle:hardwareRequirements").unwrap_or_default();
        if enclosure_node
            .is_some_and(|node| attribute(node, "sparkle:hardwareRequirements").is_some())
        {
            self.remark("sparkle:hardwareRequirements", "is ignored at an enclosure");
        }
        let (notes_url, notes_signature) = self.notes();
        Ok(Item {
            title: self.text("title"),
            short_version: short_version.unwrap_or_else(|| version.clone()),
            version,
            channel: self.channel(),
            minimum_system_version: self.some_text("sparkle:minimumSystemVersion"),
            maximum_system_version: self.some_text("sparkle:maximumSystemVersion"),
            hardware_requirements: hardware
                .split([',', ' '])
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect(),
            minimum_update_version: self.some_text("sparkle:minimumUpdateVersion"),
            minimum_autoupdate_version: self.some_text("sparkle:minimumAutoupdateVersion"),
            ignore_skipped_upgrades_below: self.text("sparkle:ignoreSkippedUpgradesBelowVersion"),
            pub_date: self.date(),
            phased_rollout_interval: self.phased_rollout_interval(),
            critical: self.critical(),
            // Without an enclosure there is nothing to install; without a link
            // there is nothing to inform about.
            informational: match (&link, enclosure_node) {
                (Some(_), None) => Some(Informing::default()),
                (Some(_), Some(_)) => self.informational(),
                (None, _) => None,
            },
            link,
            notes_url,
            notes_signature,
            translations: self.translations(),
            full_notes_url: self.address("sparkle:fullReleaseNotesLink"),
            description: self.description(),
            enclosure,
            deltas: self.deltas(),
        })
    }

    fn version(&mut self, enclosure: Option<Node<'a, 'input>>) -> Result<String, Problem> {
        let stated = enclosure
            .and_then(|node| attribute(node, "sparkle:version"))
            .or_else(|| self.text("sparkle:version"));
        if let Some(version) = stated {
            if version.is_empty() {
                self.remark("sparkle:version", "is empty");
            }
            return Ok(version);
        }
        let url = enclosure.and_then(|node| attribute(node, "url")).unwrap_or_default();
        let Some((_, last)) = url.rsplit_once('_') else {
            return Err(self.problem("sparkle:version", "is missing"));
        };
        self.remark("sparkle:version", "is missing: clients guess it from the address");
        Ok(last.rsplit_once('.').map_or(last, |(stem, _)| stem).to_owned())
    }

    fn enclosure(
        &mut self,
        node: Node<'a, 'input>,
        has_link: bool,
    ) -> Result<Option<Enclosure>, Problem> {
        let url = attribute(node, "url");
        let Some(url) = url else {
            let problem = self.problem("enclosure.url", "is missing");
            if !has_link {
                return Err(problem);
            }
            self.remarks.push(problem);
            return Ok(None);
        };
        if scheme(&url).is_some_and(|scheme| !is_web(scheme)) || url.is_empty() {
            return Err(self.problem("enclosure.url", "must be an http or https address"));
        }
        let installation = match attribute(node, "sparkle:installationType") {
            Some(name) => InstallationType::from_wire(&name).ok_or_else(|| {
                let wrong = "must be one of application, package, interactive-package";
                self.problem("sparkle:installationType", wrong)
            })?,
            None if url.ends_with(".pkg") || url.ends_with(".mpkg") => InstallationType::Package,
            None => InstallationType::Application,
        };
        if attribute(node, "sparkle:dsaSignature").is_some() {
            self.remark("sparkle:dsaSignature", "is obsolete: use edSignature");
        }
        let length = attribute(node, "length").and_then(|text| text.parse::<u64>().ok());
        if length.is_none_or(|length| length == 0) {
            self.remark("enclosure.length", "must be a number of bytes");
        }
        Ok(Some(Enclosure {
            url,
            length: length.unwrap_or(0),
            signature: attribute(node, "sparkle:edSignature"),
            installation,
            os: attribute(node, "sparkle:os"),
            delta_from: attribute(node, "sparkle:deltaFrom"),
        }))
    }

    fn channel(&mut self) -> Option<String> {
        let channel = self.text("sparkle:channel")?;
        let is_name = |c: char| c.is_alphanumeric() || "_.-".contains(c);
        if !channel.is_empty() && channel.chars().all(is_name) {
            return Some(channel);
        }
        let ignored = "must be letters, digits, _ . and - only: clients ignore it, and everybody \
                       is offered the item";
        self.remark("sparkle:channel", ignored);
        None
    }

    fn date(&mut self) -> Option<jiff::Timestamp> {
        let text = self.text("pubDate").unwrap_or_default();
        let date = strtime::parse(DATE_FORMAT, text.trim());
        let date = date.and_then(|date| date.to_timestamp()).ok();
        if date.is_none() {
            // Without a date that they can read, clients skip a phased roll-out.
            self.remark("pubDate", "must be an RFC 822 date with a numeric zone");
        }
        date
    }

    /// As `-[NSString integerValue]`: what does not begin with digits is 0.
    fn phased_rollout_interval(&mut self) -> Option<i64> {
        let text = self.text("sparkle:phasedRolloutInterval")?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let seconds = text.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        if seconds == 0 || digits < text.len() {
            let everybody = "must be a number of seconds: everybody is offered the item at once";
            self.remark("sparkle:phasedRolloutInterval", everybody);
        }
        Some(seconds)
    }

    fn critical(&mut self) -> Option<Option<String>> {
        if let Some(node) = self.child("sparkle:criticalUpdate") {
            return Some(attribute(node, "sparkle:version"));
        }
        let tags = self.child("sparkle:tags")?;
        let is_critical = tags.children().any(|tag| literal(tag) == "sparkle:criticalUpdate");
        is_critical.then_some(None)
    }

    fn informational(&mut self) -> Option<Informing> {
        let node = self.child("sparkle:informationalUpdate")?;
        let named = |name: &str| {
            let children = node.children().filter(|child| literal(*child) == name);
            children.map(string_value).collect()
        };
        Some(Informing { versions: named("sparkle:version"), below: named("sparkle:belowVersion") })
    }

    fn deltas(&mut self) -> Vec<DeltaEnclosure> {
        let Some(node) = self.child("sparkle:deltas") else { return Vec::new() };
        let nodes: Vec<_> =
            node.children().filter(|child| literal(*child) == "enclosure").collect();
        nodes.into_iter().filter_map(|node| self.delta(node)).collect()
    }

    fn delta(&mut self, node: Node<'a, 'input>) -> Option<DeltaEnclosure> {
        let from = attribute(node, "sparkle:deltaFrom");
        let url = attribute(node, "url").filter(|url| scheme(url).is_none_or(is_web));
        let (Some(from), Some(url)) = (from, url) else {
            self.remark("sparkle:deltas", "holds a delta without deltaFrom or address: ignored");
            return None;
        };
        let number = |name: &str| attribute(node, name).and_then(|text| text.parse::<u64>().ok());
        let length = number("length").unwrap_or(0);
        if length == 0 {
            self.remark("sparkle:deltas", "holds a delta without a length");
        }
        let locales = attribute(node, "sparkle:deltaFromSparkleLocales").unwrap_or_default();
        Some(DeltaEnclosure {
            from,
            url,
            length,
            signature: attribute(node, "sparkle:edSignature"),
            executable_size: number("sparkle:deltaFromSparkleExecutableSize"),
            locales: locales
                .split(',')
                .filter(|name| !name.is_empty() && !name.contains(['.', '/']))
                .map(str::to_owned)
                .collect(),
        })
    }

    fn address(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        self.address_in(name, &url)
    }

    fn address_in(&mut self, name: &str, url: &str) -> Option<String> {
        if !url.is_empty() && scheme(url).is_none_or(is_web) {
            return Some(url.to_owned());
        }
        self.remark(name, "must be an http or https address: clients ignore it");
        None
    }

    fn some_text(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.child(name).map(|node| string_value(node).trim().to_owned())
    }

    /// The child of a name. Several are one text in several languages, of which
    /// clients take the one of the user's; here that is English.
    fn child(&mut self, name: &str) -> Option<Node<'a, 'input>> {
        let found = self.node.children().filter(|child| client_name(*child) == name);
        let found: Vec<_> = found.collect();
        let first = *found.first()?;
        if found.len() == 1 {
            return Some(first);
        }
        if !notes::are_translations(name, &found) {
            let key = format!("{} {}", self.name, name.trim_start_matches(PREFIX));
            let remark = Problem::new(key, "must stand only once");
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        let is_english = |node: &Node<'_, '_>| {
            notes::language(*node).is_none_or(|language| language.starts_with("en"))
        };
        Some(found.into_iter().find(is_english).unwrap_or(first))
    }

    fn remark(&mut self, key: &str, reason: &str) {
        let problem = self.problem(key, reason);
        self.remarks.push(problem);
    }

    fn problem(&self, key: &str, reason: &str) -> Problem {
        Problem::new(format!("{} {key}", self.name), reason)
    }
}

pub(super) fn is_plain(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace().is_none() && node.tag_name().name() == name
}

/// The name by which clients look an element up: by its namespace where that
/// is Sparkle's, and else as it is spelt.
fn client_name(node: Node<'_, '_>) -> String {
    let tag = node.tag_name();
    match tag.namespace() {
        Some(NAMESPACE) => format!("{PREFIX}{}", tag.name()),
        _ => literal(node),
    }
}

/// The name of an element as it is spelt; empty for what is no element.
fn literal(node: Node<'_, '_>) -> String {
    let tag = node.tag_name();
    let prefix = tag.namespace().and_then(|namespace| node.lookup_prefix(namespace));
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{prefix}:{}", tag.name()),
        None => tag.name().to_owned(),
    }
}

/// An attribute, by its namespace or as it is spelt, like elements.
fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    let Some(local) = name.strip_prefix(PREFIX) else {
        return node.attribute(name).map(str::to_owned);
    };
    let is_meant = |namespace: &str| {
        namespace == NAMESPACE || node.lookup_prefix(namespace) == Some("sparkle")
    };
    let mut found = node.attributes().filter(|attribute| attribute.name() == local);
    found
        .find(|attribute| attribute.namespace().is_some_and(is_meant))
        .map(|attribute| attribute.value().to_owned())
}

fn string_value(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

/// The scheme of an address; none for a relative one.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}
