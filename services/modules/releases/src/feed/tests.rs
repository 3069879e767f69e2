use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FeedInfo, Item, NAMESPACE, Release, check, render};
use crate::{Channel, Manifest, Problem};

const INFO: FeedInfo<'_> = FeedInfo {
    title: "Nexy",
    link: "https://example.com/",
    description: "Updates of Nexy",
    language: "en",
};

fn manifest(change: impl FnOnce(&mut Value)) -> Manifest {
    let mut value = json!({
        "version": "2.0.0.32",
        "build": "2.0.0.32",
        "artifact": {
            "type": "dmg",
            "url": "https://example.com/updates/downloads/Nexy-2.0.0.32.dmg",
            "size": 275_899_820,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "arch": "universal2",
            "min_os": "11.0",
            "ed25519": "EIawm2YkDZ2gBfkEMF2+1VuuTeXnCGZOdnMdVgPPvDZioq7bvDayXqKkIIzSjKMmeFdcFJOHdnba5ZV60+gPBw==",
        },
        "notes_url": "https://example.com/notes?a=1&b=2",
        "release_date": "2026-02-05T21:57:35+02:00",
    });
    change(&mut value);
    Manifest::parse(value.to_string().as_bytes()).unwrap()
}

fn feed_of(channel: Channel, manifest: &Manifest) -> String {
    render(INFO, &[Release { channel, manifest }])
}

fn items(feed: &str) -> Vec<Item> {
    check(feed).unwrap_or_else(|problem| panic!("{problem}\n{feed}"))
}

#[test]
fn a_stable_release_is_written_like_this() {
    insta::assert_snapshot!(feed_of(Channel::Stable, &manifest(|_| {})), @r#"
    <?xml version="1.0" encoding="utf-8"?>
    <rss version="2.0" xmlns:sparkle="http://www.andymatuschak.org/xml-namespaces/sparkle">
      <channel>
        <title>Nexy</title>
        <link>https://example.com/</link>
        <description>Updates of Nexy</description>
        <language>en</language>
        <item>
          <title>Nexy 2.0.0.32</title>
          <pubDate>Thu, 05 Feb 2026 19:57:35 +0000</pubDate>
          <sparkle:version>2.0.0.32</sparkle:version>
          <sparkle:shortVersionString>2.0.0.32</sparkle:shortVersionString>
          <sparkle:minimumSystemVersion>11.0</sparkle:minimumSystemVersion>
          <sparkle:releaseNotesLink>https://example.com/notes?a=1&amp;b=2</sparkle:releaseNotesLink>
          <enclosure url="https://example.com/updates/downloads/Nexy-2.0.0.32.dmg" length="275899820" type="application/octet-stream" sparkle:edSignature="EIawm2YkDZ2gBfkEMF2+1VuuTeXnCGZOdnMdVgPPvDZioq7bvDayXqKkIIzSjKMmeFdcFJOHdnba5ZV60+gPBw=="/>
        </item>
      </channel>
    </rss>
    "#);
}

#[test]
fn a_critical_beta_for_new_macs_is_written_like_this() {
    let manifest = manifest(|value| {
        value["version"] = json!("2.1b3");
        value["build"] = json!("2.1.0.40");
        value["critical"] = json!(true);
        value["auto_install"] = json!(false);
        value["artifact"]["arch"] = json!("arm64");
        value["artifact"]["ed25519"] = json!(null);
        value["notes_url"] = json!(null);
    });
    insta::assert_snapshot!(feed_of(Channel::Beta, &manifest), @r#"
    <?xml version="1.0" encoding="utf-8"?>
    <rss version="2.0" xmlns:sparkle="http://www.andymatuschak.org/xml-namespaces/sparkle">
      <channel>
        <title>Nexy</title>
        <link>https://example.com/</link>
        <description>Updates of Nexy</description>
        <language>en</language>
        <item>
          <title>Nexy 2.1b3</title>
          <pubDate>Thu, 05 Feb 2026 19:57:35 +0000</pubDate>
          <sparkle:channel>beta</sparkle:channel>
          <sparkle:version>2.1.0.40</sparkle:version>
          <sparkle:shortVersionString>2.1b3</sparkle:shortVersionString>
          <sparkle:minimumSystemVersion>11.0</sparkle:minimumSystemVersion>
          <sparkle:hardwareRequirements>arm64</sparkle:hardwareRequirements>
          <sparkle:minimumAutoupdateVersion>2.1.0.40</sparkle:minimumAutoupdateVersion>
          <sparkle:criticalUpdate/>
          <enclosure url="https://example.com/updates/downloads/Nexy-2.0.0.32.dmg" length="275899820" type="application/octet-stream"/>
        </item>
      </channel>
    </rss>
    "#);
}

#[test]
fn what_is_written_is_read_back() {
    let manifest = manifest(|value| value["critical"] = json!(true));
    let feed = feed_of(Channel::Beta, &manifest);
    let [item] = items(&feed).try_into().unwrap();
    let enclosure = item.enclosure.unwrap();
    assert_eq!(item.title.as_deref(), Some("Nexy 2.0.0.32"));
    assert_eq!(item.version, "2.0.0.32");
    assert_eq!(item.short_version, "2.0.0.32");
    assert_eq!(item.channel.as_deref(), Some("beta"));
    assert_eq!(item.minimum_system_version.as_deref(), Some("11.0"));
    assert_eq!(item.pub_date, manifest.release_date);
    assert_eq!(item.notes_url, manifest.notes_url);
    assert!(item.critical);
    assert_eq!(enclosure.url, manifest.artifact.url);
    assert_eq!(enclosure.length, manifest.artifact.size);
    assert_eq!(enclosure.signature, manifest.artifact.ed25519);
}

#[test]
fn a_feed_without_items_is_valid() {
    assert_eq!(items(&render(INFO, &[])), []);
}

#[test]
fn the_same_release_gives_the_same_bytes() {
    let manifest = manifest(|_| {});
    assert_eq!(feed_of(Channel::Stable, &manifest), feed_of(Channel::Stable, &manifest));
    assert!(!feed_of(Channel::Stable, &manifest).contains('\r'));
}

#[test]
fn several_releases_stand_in_their_order() {
    let (new, old) = (manifest(|_| {}), manifest(|value| value["build"] = json!("1.9")));
    let release = |manifest| Release { channel: Channel::Stable, manifest };
    let versions =
        |feed: &str| items(feed).into_iter().map(|item| item.version).collect::<Vec<_>>();
    assert_eq!(versions(&render(INFO, &[release(&new), release(&old)])), ["2.0.0.32", "1.9"]);
    let problem = check(&render(INFO, &[release(&new), release(&new)])).unwrap_err();
    assert_eq!(problem.key, "item 2 sparkle:version");
}

/// A feed around the content of one item.
fn around(item: &str) -> String {
    format!(
        r#"<rss version="2.0" xmlns:sparkle="{NAMESPACE}"><channel><item>{item}</item></channel></rss>"#
    )
}

fn item_with(changes: &[(&str, &str)]) -> String {
    let item = r#"<pubDate>Thu, 05 Feb 2026 19:57:35 +0000</pubDate><sparkle:version>2.0</sparkle:version><enclosure url="https://example.com/a.dmg" length="5"/>"#;
    changes.iter().fold(around(item), |feed, (from, to)| {
        assert!(feed.contains(from), "{from:?} is not in the feed");
        feed.replace(from, to)
    })
}

fn refused(feed: &str) -> Problem {
    match check(feed) {
        Err(problem) => problem,
        Ok(items) => panic!("taken: {items:?}\n{feed}"),
    }
}

#[test]
fn takes_other_spellings_that_clients_take() {
    for (from, to) in [
        ("", ""),
        (
            "<sparkle:version>2.0</sparkle:version>",
            "<sparkle:version><![CDATA[2.0]]></sparkle:version>",
        ),
        ("<pubDate>", "<pubDate>\n "),
        ("+0000", "-0730"),
        ("length", r#"sparkle:installationType="package" length"#),
        ("<item>", "<other/><item><custom xmlns=\"https://example.com/own\"/>"),
    ] {
        items(&item_with(&[(from, to)]));
    }
    let at_the_enclosure = [
        ("<sparkle:version>2.0</sparkle:version>", ""),
        ("length", r#"sparkle:version="2.0" sparkle:shortVersionString="two" length"#),
    ];
    assert_eq!(items(&item_with(&at_the_enclosure))[0].short_version, "two");
    let informational = [(
        r#"<enclosure url="https://example.com/a.dmg" length="5"/>"#,
        "<link>https://example.com</link>",
    )];
    assert_eq!(items(&item_with(&informational))[0].enclosure, None);
}

#[test]
fn refuses_what_makes_clients_reject_a_feed() {
    for (from, to, key) in [
        ("<sparkle:version>2.0</sparkle:version>", "", "item 1 sparkle:version"),
        ("<sparkle:version>2.0<", "<sparkle:version> <", "item 1 sparkle:version"),
        (r#"<enclosure url="https://example.com/a.dmg" length="5"/>"#, "", "item 1 enclosure"),
        (r#" url="https://example.com/a.dmg""#, "", "item 1 enclosure.url"),
        ("https://example.com/a.dmg", "http://example.com/a.dmg", "item 1 enclosure.url"),
        ("https://example.com/a.dmg", "downloads/a.dmg", "item 1 enclosure.url"),
        (r#" length="5""#, "", "item 1 enclosure.length"),
        (r#"length="5""#, r#"length="-5""#, "item 1 enclosure.length"),
        ("length", r#"sparkle:installationType="magic" length"#, "item 1 sparkle:installationType"),
        ("length", r#"sparkle:edSignature="" length"#, "item 1 sparkle:edSignature"),
        ("length", r#"sparkle:dsaSignature="x" length"#, "item 1 sparkle:dsaSignature"),
        ("<pubDate>Thu, 05 Feb 2026 19:57:35 +0000</pubDate>", "", "item 1 pubDate"),
        ("Thu, 05 Feb 2026 19:57:35 +0000", "2026-02-05T19:57:35Z", "item 1 pubDate"),
        ("+0000", "GMT", "item 1 pubDate"),
        (
            "<pubDate>",
            "<sparkle:channel>be ta</sparkle:channel><pubDate>",
            "item 1 sparkle:channel",
        ),
        (
            "<pubDate>",
            "<sparkle:minimumSystemVersion>eleven</sparkle:minimumSystemVersion><pubDate>",
            "item 1 sparkle:minimumSystemVersion",
        ),
        ("<pubDate>", "<title>a</title><title>b</title><pubDate>", "item 1 title"),
        ("http://www.andymatuschak.org", "https://www.andymatuschak.org", "sparkle"),
        ("sparkle:", "s:", "feed"),
        (r#"<rss version="2.0""#, r#"<rss xmlns="http://example.com/rss""#, "rss"),
        ("channel>", "kanal>", "rss.channel"),
        ("</rss>", "</rss><rss/>", "feed"),
        ("</rss>", "", "feed"),
        ("5\"/>", "5\">", "feed"),
        ("a.dmg", "a.dmg?a&b", "feed"),
        ("<rss", "\u{feff}<rss", "feed"),
        ("<rss", "<!DOCTYPE rss [<!ENTITY a \"b\">]><rss", "feed"),
    ] {
        let problem = refused(&item_with(&[(from, to)]));
        assert_eq!(problem.key, key, "{problem}");
    }
    let renamed = [("sparkle:version", "s:version"), ("xmlns:sparkle", "xmlns:s")];
    assert_eq!(refused(&item_with(&renamed)).key, "sparkle");
}

proptest! {
    #[test]
    fn any_head_text_gives_a_valid_feed_that_says_the_same(title in any::<String>()) {
        let manifest = manifest(|_| {});
        let info = FeedInfo { title: &title, link: "https://example.com/?a=1&b=<2>", ..INFO };
        let feed = render(info, &[Release { channel: Channel::Alpha, manifest: &manifest }]);
        let [item] = items(&feed).try_into().unwrap();
        let printable = |c: &char| !c.is_control() && !matches!(c, '\u{fffd}'..='\u{ffff}');
        let expected = format!("{title} 2.0.0.32");
        let read = item.title.unwrap();
        if expected.chars().all(|c| printable(&c)) {
            prop_assert_eq!(read, expected.trim());
        }
    }

    #[test]
    fn checking_any_text_ends(text in any::<String>()) {
        prop_assert!(check(&text).is_err());
    }
}
