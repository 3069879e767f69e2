use std::fmt::{self, Write as _};

use super::{DATE_FORMAT, NAMESPACE};
use crate::{
    Architecture, Artifact, Channel, Informational, Manifest, Notes, NotesSignature,
    translation::OWN_LANGUAGE,
};

/// The head of a feed.
#[derive(Debug, Clone, Copy)]
pub struct FeedInfo<'a> {
    /// The name of the product.
    pub title: &'a str,
    /// The product's page, absolute.
    pub link: &'a str,
    /// One sentence about the feed.
    pub description: &'a str,
    /// The language of the texts, e.g. `en`.
    pub language: &'a str,
}

/// A release in a feed.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// The channel that it is offered on.
    pub channel: Channel,
    /// What is released.
    pub manifest: &'a Manifest,
}

/// Text between tags or inside an attribute, with all that XML gives a meaning
/// to escaped and what XML cannot hold replaced.
struct Escaped<'a>(&'a str);

/// Writes the feed of some releases, the first one first.
#[must_use]
pub fn render(info: FeedInfo<'_>, releases: &[Release<'_>]) -> String {
    let mut feed = String::new();
    // Writing into a String cannot fail.
    let _infallible = write_feed(&mut feed, info, releases);
    feed
}

fn write_feed(out: &mut String, info: FeedInfo<'_>, releases: &[Release<'_>]) -> fmt::Result {
    writeln!(out, r#"<?xml version="1.0" encoding="utf-8"?>"#)?;
    writeln!(out, r#"<rss version="2.0" xmlns:sparkle="{NAMESPACE}">"#)?;
    writeln!(out, "  <channel>")?;
    writeln!(out, "    <title>{}</title>", Escaped(info.title))?;
    writeln!(out, "    <link>{}</link>", Escaped(info.link))?;
    writeln!(out, "    <description>{}</description>", Escaped(info.description))?;
    writeln!(out, "    <language>{}</language>", Escaped(info.language))?;
    releases.iter().try_for_each(|release| write_release(out, info, *release))?;
    writeln!(out, "  </channel>")?;
    writeln!(out, "</rss>")
}

fn write_release(out: &mut String, info: FeedInfo<'_>, release: Release<'_>) -> fmt::Result {
    release
        .manifest
        .artifacts()
        .try_for_each(|artifact| write_item(out, info, Entry { release, artifact }))
}

/// What an item is about.
#[derive(Clone, Copy)]
struct Entry<'a> {
    release: Release<'a>,
    artifact: &'a Artifact,
}

fn write_item(out: &mut String, info: FeedInfo<'_>, entry: Entry<'_>) -> fmt::Result {
    let Entry { release: Release { channel, manifest }, artifact } = entry;
    writeln!(out, "    <item>")?;
    element(out, "title", &format!("{} {}", info.title, manifest.version))?;
    if let Some(link) = &manifest.link {
        element(out, "link", link.as_str())?;
    }
    element(out, "pubDate", &manifest.release_date.strftime(DATE_FORMAT).to_string())?;
    if channel != Channel::Stable {
        element(out, "sparkle:channel", channel.as_str())?;
    }
    element(out, "sparkle:version", manifest.build.as_str())?;
    element(out, "sparkle:shortVersionString", manifest.version.as_str())?;
    element(out, "sparkle:minimumSystemVersion", artifact.min_os.as_str())?;
    if let Some(max_os) = &artifact.max_os {
        element(out, "sparkle:maximumSystemVersion", max_os.as_str())?;
    }
    if artifact.arch == Architecture::Arm64 {
        // Only as an element: clients ignore it as an attribute of the enclosure.
        element(out, "sparkle:hardwareRequirements", "arm64")?;
    }
    write_conditions(out, manifest)?;
    write_notes(out, manifest)?;
    write_severity(out, manifest)?;
    write_enclosure(out, artifact)?;
    write_deltas(out, artifact)?;
    writeln!(out, "    </item>")
}

fn write_conditions(out: &mut String, manifest: &Manifest) -> fmt::Result {
    let autoupdate = match manifest.auto_install {
        true => manifest.minimum_autoupdate_version.as_ref(),
        // A client older than this version asks before it installs.
        false => Some(&manifest.build),
    };
    for (name, version) in [
        ("sparkle:minimumUpdateVersion", manifest.minimum_update_version.as_ref()),
        ("sparkle:minimumAutoupdateVersion", autoupdate),
        (
            "sparkle:ignoreSkippedUpgradesBelowVersion",
            manifest.ignore_skipped_upgrades_below.as_ref(),
        ),
    ] {
        if let Some(version) = version {
            element(out, name, version.as_str())?;
        }
    }
    match manifest.phased_rollout_interval {
        Some(seconds) => element(out, "sparkle:phasedRolloutInterval", &seconds.to_string()),
        None => Ok(()),
    }
}

fn write_notes(out: &mut String, manifest: &Manifest) -> fmt::Result {
    let own = Some(OWN_LANGUAGE).filter(|_| !manifest.translations.is_empty());
    let own = (own, &manifest.notes, (&manifest.notes_url, &manifest.notes_signature));
    let others = manifest.translations.iter().map(|other| {
        let link = (&other.notes_url, &other.notes_signature);
        (Some(other.language.as_str()), &other.notes, link)
    });
    for (language, notes, (url, signature)) in std::iter::once(own).chain(others) {
        // A language has no character that XML gives a meaning to.
        let language = language.map(|language| format!(r#" xml:lang="{language}""#));
        let language = language.unwrap_or_default();
        if let Some(Notes { format, text }) = notes {
            let (format, text) = (format.as_str(), Escaped(text));
            write!(out, r#"      <description{language} sparkle:format="{format}">"#)?;
            writeln!(out, "{text}</description>")?;
        }
        if let Some(url) = url {
            write!(out, "      <sparkle:releaseNotesLink{language}")?;
            if let Some(NotesSignature { ed25519, size }) = signature {
                write!(out, r#" sparkle:edSignature="{ed25519}" sparkle:length="{size}""#)?;
            }
            writeln!(out, ">{}</sparkle:releaseNotesLink>", Escaped(url.as_str()))?;
        }
    }
    match &manifest.full_notes_url {
        Some(url) => element(out, "sparkle:fullReleaseNotesLink", url.as_str()),
        None => Ok(()),
    }
}

fn write_severity(out: &mut String, manifest: &Manifest) -> fmt::Result {
    match &manifest.critical_below {
        Some(version) => {
            writeln!(out, r#"      <sparkle:criticalUpdate sparkle:version="{version}"/>"#)?;
        }
        None if manifest.critical => writeln!(out, "      <sparkle:criticalUpdate/>")?,
        None => {}
    }
    let Some(Informational { versions, below }) = &manifest.informational else { return Ok(()) };
    write!(out, "      <sparkle:informationalUpdate>")?;
    for version in versions {
        write!(out, "<sparkle:version>{version}</sparkle:version>")?;
    }
    for version in below {
        write!(out, "<sparkle:belowVersion>{version}</sparkle:belowVersion>")?;
    }
    writeln!(out, "</sparkle:informationalUpdate>")
}

fn write_enclosure(out: &mut String, artifact: &Artifact) -> fmt::Result {
    write!(
        out,
        r#"      <enclosure url="{}" length="{}" type="application/octet-stream""#,
        Escaped(artifact.url.as_str()),
        artifact.size
    )?;
    if let Some(installation) = artifact.stated_installation() {
        write!(out, r#" sparkle:installationType="{}""#, installation.as_str())?;
    }
    if let Some(signature) = &artifact.ed25519 {
        write!(out, r#" sparkle:edSignature="{signature}""#)?;
    }
    writeln!(out, "/>")
}

fn write_deltas(out: &mut String, artifact: &Artifact) -> fmt::Result {
    if artifact.deltas.is_empty() {
        return Ok(());
    }
    writeln!(out, "      <sparkle:deltas>")?;
    for delta in &artifact.deltas {
        write!(
            out,
            r#"        <enclosure url="{}" length="{}" type="application/octet-stream" sparkle:deltaFrom="{}""#,
            Escaped(delta.url.as_str()),
            delta.size,
            delta.from
        )?;
        if let Some(size) = delta.executable_size {
            write!(out, r#" sparkle:deltaFromSparkleExecutableSize="{size}""#)?;
        }
        if !delta.locales.is_empty() {
            let locales = delta.locales.join(",");
            write!(out, r#" sparkle:deltaFromSparkleLocales="{locales}""#)?;
        }
        if let Some(signature) = &delta.ed25519 {
            write!(out, r#" sparkle:edSignature="{signature}""#)?;
        }
        writeln!(out, "/>")?;
    }
    writeln!(out, "      </sparkle:deltas>")
}

fn element(out: &mut String, name: &str, text: &str) -> fmt::Result {
    writeln!(out, "      <{name}>{}</{name}>", Escaped(text))
}

// === impl Escaped ===

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&apos;"),
            // As a reference, because a reader turns the bare one into a space
            // or a line feed.
            '\t' | '\n' | '\r' => write!(f, "&#{};", u32::from(c)),
            // XML 1.0 section 2.2: not even a reference may stand for these.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}'),
            c => f.write_char(c),
        })
    }
}
