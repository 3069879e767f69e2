use std::fmt::{self, Write as _};

use super::{DATE_FORMAT, NAMESPACE};
use crate::{Channel, Manifest, artifact::Architecture};

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
    releases.iter().try_for_each(|release| write_item(out, info, *release))?;
    writeln!(out, "  </channel>")?;
    writeln!(out, "</rss>")
}

fn write_item(out: &mut String, info: FeedInfo<'_>, release: Release<'_>) -> fmt::Result {
    let Release { channel, manifest } = release;
    let element = |out: &mut String, name: &str, text: &str| {
        writeln!(out, "      <{name}>{}</{name}>", Escaped(text))
    };
    writeln!(out, "    <item>")?;
    element(out, "title", &format!("{} {}", info.title, manifest.version))?;
    element(out, "pubDate", &manifest.release_date.strftime(DATE_FORMAT).to_string())?;
    if channel != Channel::Stable {
        element(out, "sparkle:channel", channel.as_str())?;
    }
    element(out, "sparkle:version", manifest.build.as_str())?;
    element(out, "sparkle:shortVersionString", manifest.version.as_str())?;
    element(out, "sparkle:minimumSystemVersion", manifest.artifact.min_os.as_str())?;
    if manifest.artifact.arch == Architecture::Arm64 {
        // Only as an element: clients ignore it as an attribute of the enclosure.
        element(out, "sparkle:hardwareRequirements", "arm64")?;
    }
    if !manifest.auto_install {
        // A client older than this version asks before it installs.
        element(out, "sparkle:minimumAutoupdateVersion", manifest.build.as_str())?;
    }
    if let Some(notes) = &manifest.notes_url {
        element(out, "sparkle:releaseNotesLink", notes.as_str())?;
    }
    if manifest.critical {
        writeln!(out, "      <sparkle:criticalUpdate/>")?;
    }
    write_enclosure(out, manifest)?;
    writeln!(out, "    </item>")
}

fn write_enclosure(out: &mut String, manifest: &Manifest) -> fmt::Result {
    let artifact = &manifest.artifact;
    write!(
        out,
        r#"      <enclosure url="{}" length="{}" type="application/octet-stream""#,
        Escaped(artifact.url.as_str()),
        artifact.size
    )?;
    if let Some(signature) = &artifact.ed25519 {
        write!(out, r#" sparkle:edSignature="{signature}""#)?;
    }
    writeln!(out, "/>")
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
