use std::collections::HashMap;

use jiff::{Timestamp, fmt::strtime};
use roxmltree::{Document, Node, ParsingOptions};

use super::{DATE_FORMAT, NAMESPACE};
use crate::{HttpsUrl, Problem, Signature, artifact::MinimumOs};

/// More XML nodes than any feed of ours has.
const MAX_NODES: u32 = 100_000;

const INSTALLATION_TYPES: [&str; 3] = ["application", "package", "interactive-package"];

/// An item as a client understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The title.
    pub title: Option<String>,
    /// The version that clients compare.
    pub version: String,
    /// The version that people read.
    pub short_version: String,
    /// The channel; none is the default channel.
    pub channel: Option<String>,
    /// The oldest macOS that the item is for.
    pub minimum_system_version: Option<String>,
    /// When it was released.
    pub pub_date: Timestamp,
    /// The release notes.
    pub notes_url: Option<HttpsUrl>,
    /// Whether the update is critical for some client.
    pub critical: bool,
    /// What to install; none for an item that only informs.
    pub enclosure: Option<Enclosure>,
}

/// What a client downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// Where from.
    pub url: HttpsUrl,
    /// Its length in bytes.
    pub length: u64,
    /// Its signature; none in an unsigned feed of a development server.
    pub signature: Option<Signature>,
}

/// Reads a whole feed with Sparkle's rules of acceptance, and some stricter
/// ones: absolute https URLs only, a date and a length on every item, no
/// version twice, no text in an element twice.
///
/// # Errors
/// The first rule that the feed breaks; clients would reject all of it.
pub fn check(feed: &str) -> Result<Vec<Item>, Problem> {
    if feed.starts_with('\u{feff}') {
        return Err(Problem::new("feed", "must not begin with a byte order mark"));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..Default::default() };
    let document = Document::parse_with_options(feed, options)
        .map_err(|error| Problem::new("feed", format!("must be well-formed XML: {error}")))?;
    check_prefixes(&document)?;
    let root = document.root_element();
    if !is_plain(root, "rss") {
        return Err(Problem::new("rss", "must be the outermost element, in no namespace"));
    }
    let channel = only(root, "rss", |node| is_plain(node, "channel"))?
        .ok_or_else(|| Problem::new("rss.channel", "is missing"))?;
    let items = channel
        .children()
        .filter(|node| is_plain(*node, "item"))
        .enumerate()
        .map(|(index, node)| ItemReader { node, name: format!("item {}", index + 1) }.read())
        .collect::<Result<Vec<_>, _>>()?;
    check_versions(&items)?;
    Ok(items)
}

struct ItemReader<'a, 'input> {
    node: Node<'a, 'input>,
    name: String,
}

// === impl ItemReader ===

impl<'a, 'input> ItemReader<'a, 'input> {
    fn read(&self) -> Result<Item, Problem> {
        let enclosure = only(self.node, &self.name, |node| is_plain(node, "enclosure"))?;
        let link = self.url("link", self.plain_text("link")?)?;
        if enclosure.is_none() && link.is_none() {
            return Err(self.problem("enclosure", "is missing, and so is a link"));
        }
        let version = self
            .either(enclosure, "version")?
            .ok_or_else(|| self.problem("sparkle:version", "is missing"))?;
        let short_version = self.either(enclosure, "shortVersionString")?;
        self.check_installation_type(enclosure)?;
        Ok(Item {
            title: self.plain_text("title")?.map(str::to_owned),
            short_version: short_version.unwrap_or(version).to_owned(),
            version: version.to_owned(),
            channel: self.channel()?,
            minimum_system_version: self.minimum_system_version()?,
            pub_date: self.date()?,
            notes_url: self
                .url("sparkle:releaseNotesLink", self.sparkle_text("releaseNotesLink")?)?,
            critical: self.sparkle("criticalUpdate")?.is_some(),
            enclosure: enclosure.map(|node| self.enclosure(node)).transpose()?,
        })
    }

    fn enclosure(&self, node: Node<'a, 'input>) -> Result<Enclosure, Problem> {
        let attribute = |name: &str| node.attribute(name).filter(|text| !text.is_empty());
        let url = self
            .url("enclosure.url", attribute("url"))?
            .ok_or_else(|| self.problem("enclosure.url", "is missing"))?;
        let length = attribute("length")
            .and_then(|text| text.parse::<u64>().ok())
            .filter(|length| *length > 0)
            .ok_or_else(|| self.problem("enclosure.length", "must be a number of bytes"))?;
        if node.has_attribute((NAMESPACE, "dsaSignature")) {
            return Err(self.problem("sparkle:dsaSignature", "is obsolete: use edSignature"));
        }
        let signature = node
            .attribute((NAMESPACE, "edSignature"))
            .map(Signature::parse)
            .transpose()
            .map_err(|problem| self.problem("sparkle:edSignature", &problem.reason))?;
        Ok(Enclosure { url, length, signature })
    }

    fn check_installation_type(&self, enclosure: Option<Node<'a, 'input>>) -> Result<(), Problem> {
        match self.either(enclosure, "installationType")? {
            Some(kind) if !INSTALLATION_TYPES.contains(&kind) => {
                let reason = format!("must be one of {}", INSTALLATION_TYPES.join(", "));
                Err(self.problem("sparkle:installationType", &reason))
            }
            _ => Ok(()),
        }
    }

    fn channel(&self) -> Result<Option<String>, Problem> {
        let Some(channel) = self.sparkle_text("channel")? else { return Ok(None) };
        // A client ignores any other name and offers the item to everybody.
        if channel.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            return Ok(Some(channel.to_owned()));
        }
        Err(self.problem("sparkle:channel", "must be letters, digits, _ . and - only"))
    }

    fn minimum_system_version(&self) -> Result<Option<String>, Problem> {
        let Some(text) = self.sparkle_text("minimumSystemVersion")? else { return Ok(None) };
        let version = MinimumOs::parse(text)
            .map_err(|problem| self.problem("sparkle:minimumSystemVersion", &problem.reason))?;
        Ok(Some(version.as_str().to_owned()))
    }

    fn date(&self) -> Result<Timestamp, Problem> {
        // Without a date that they can read, clients skip a phased roll-out.
        self.plain_text("pubDate")?
            .and_then(|text| strtime::parse(DATE_FORMAT, text).ok()?.to_timestamp().ok())
            .ok_or_else(|| self.problem("pubDate", "must be an RFC 822 date with a numeric zone"))
    }

    fn url(&self, key: &str, text: Option<&str>) -> Result<Option<HttpsUrl>, Problem> {
        text.map(HttpsUrl::parse).transpose().map_err(|problem| self.problem(key, &problem.reason))
    }

    /// A Sparkle value that clients look up at the enclosure first.
    fn either(
        &self,
        enclosure: Option<Node<'a, 'input>>,
        name: &str,
    ) -> Result<Option<&'a str>, Problem> {
        let attribute = enclosure.and_then(|node| node.attribute((NAMESPACE, name)));
        match attribute.filter(|text| !text.is_empty()) {
            Some(text) => Ok(Some(text)),
            None => self.sparkle_text(name),
        }
    }

    fn sparkle_text(&self, name: &str) -> Result<Option<&'a str>, Problem> {
        Ok(self.sparkle(name)?.and_then(text_of))
    }

    fn plain_text(&self, name: &str) -> Result<Option<&'a str>, Problem> {
        Ok(only(self.node, &self.name, |node| is_plain(node, name))?.and_then(text_of))
    }

    fn sparkle(&self, name: &str) -> Result<Option<Node<'a, 'input>>, Problem> {
        only(self.node, &self.name, |node| node.has_tag_name((NAMESPACE, name)))
    }

    fn problem(&self, key: &str, reason: &str) -> Problem {
        Problem::new(format!("{} {key}", self.name), reason)
    }
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

/// Of two items with one version clients take the first, whatever it is.
fn check_versions(items: &[Item]) -> Result<(), Problem> {
    let mut seen = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(first) = seen.insert(&item.version, index + 1) {
            let reason = format!("{} stands in item {first} already", item.version);
            return Err(Problem::new(format!("item {} sparkle:version", index + 1), reason));
        }
    }
    Ok(())
}

fn is_plain(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace().is_none() && node.tag_name().name() == name
}

fn text_of<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.text().map(str::trim).filter(|text| !text.is_empty())
}

/// The child that matches, if there is one; we write no localised alternatives,
/// so a second one is a mistake.
fn only<'a, 'input>(
    node: Node<'a, 'input>,
    name: &str,
    matches: impl Fn(Node<'a, 'input>) -> bool,
) -> Result<Option<Node<'a, 'input>>, Problem> {
    let mut found = node.children().filter(|child| matches(*child));
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(second) => {
            let tag = second.tag_name().name();
            Err(Problem::new(format!("{name} {tag}"), "must stand only once"))
        }
    }
}
