use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FeedInfo, Item, NAMESPACE, Release, check, read, render};
use crate::{Channel, InstallationType, Manifest, Problem};

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
fn every_condition_is_written_like_this() {
    let manifest = manifest(|value| {
        let mut arm64 = value["artifact"].clone();
        arm64["type"] = json!("pkg");
        arm64["url"] = json!("https://example.com/updates/downloads/Nexy-2.0.0.32-arm64.pkg");
        arm64["arch"] = json!("arm64");
        arm64["max_os"] = json!("15.9");
        arm64["ed25519"] = json!(null);
        value["alternatives"] = json!([arm64]);
        value["artifact"]["deltas"] = json!([{
            "from": "2.0.0.31",
            "url": "https://example.com/updates/downloads/Nexy-31-32.delta",
            "size": 5,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "executable_size": 123,
            "locales": ["de", "pt_BR"],
        }]);
        value["critical"] = json!(true);
        value["critical_below"] = json!("1.9");
        value["informational"] = json!({ "versions": ["1.3"], "below": ["1.2"] });
        value["link"] = json!("https://example.com/nexy");
        value["phased_rollout_interval"] = json!(86_400);
        value["minimum_update_version"] = json!("1.0");
        value["minimum_autoupdate_version"] = json!("1.5");
        value["ignore_skipped_upgrades_below"] = json!("1.6");
        value["notes_signature"] = json!({ "ed25519": value["artifact"]["ed25519"], "size": 70 });
        value["full_notes_url"] = json!("https://example.com/notes");
    });
    let feed = feed_of(Channel::Stable, &manifest);
    let read = items(&feed);
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].hardware_requirements, ["arm64"]);
    assert_eq!(read[0].enclosure.as_ref().unwrap().installation, InstallationType::Package);
    assert_eq!(read[1].critical, Some(Some("1.9".to_owned())));
    assert_eq!(read[1].informational.as_ref().unwrap().below, ["1.2"]);
    assert_eq!(read[1].deltas[0].locales, ["de", "pt_BR"]);
    assert_eq!(read[1].phased_rollout_interval, Some(86_400));
    insta::assert_snapshot!(feed);
}

#[test]
fn embedded_notes_come_back_as_they_were() {
    let text = "# New\n\n- <b>fast</b> & \"quiet\"]]>\r\n";
    let manifest = manifest(|value| {
        value["notes_url"] = json!(null);
        value["notes"] = json!({ "format": "markdown", "text": text });
    });
    let [item] = items(&feed_of(Channel::Stable, &manifest)).try_into().unwrap();
    assert_eq!(item.description, Some((text.to_owned(), "markdown".to_owned())));
}

#[test]
fn notes_in_several_languages_are_written_like_this() {
    let manifest = manifest(|value| {
        let link = |language: &str| format!("https://example.com/notes/{language}");
        value["translations"] = json!([
            { "lang": "de", "notes_url": link("de") },
            {
                "lang": "pt-BR",
                "notes_url": link("pt"),
                "notes_signature": { "ed25519": value["artifact"]["ed25519"], "size": 70 },
            },
        ]);
    });
    let feed = feed_of(Channel::Stable, &manifest);
    let lines = feed.lines().filter(|line| line.contains("xml:lang")).map(str::trim);
    let lines: Vec<_> = lines.collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    <sparkle:releaseNotesLink xml:lang="en">https://example.com/notes?a=1&amp;b=2</sparkle:releaseNotesLink>
    <sparkle:releaseNotesLink xml:lang="de">https://example.com/notes/de</sparkle:releaseNotesLink>
    <sparkle:releaseNotesLink xml:lang="pt-BR" sparkle:edSignature="EIawm2YkDZ2gBfkEMF2+1VuuTeXnCGZOdnMdVgPPvDZioq7bvDayXqKkIIzSjKMmeFdcFJOHdnba5ZV60+gPBw==" sparkle:length="70">https://example.com/notes/pt</sparkle:releaseNotesLink>
    "#);
    let [item] = items(&feed).try_into().unwrap();
    assert_eq!(item.notes_url.as_deref(), Some("https://example.com/notes?a=1&b=2"));
    let languages: Vec<_> = item.translations.iter().map(|one| one.language.as_deref()).collect();
    assert_eq!(languages, [Some("de"), Some("pt-BR")]);
    assert_eq!(item.translations[1].notes_url.as_deref(), Some("https://example.com/notes/pt"));
    assert_eq!(item.translations[1].notes_signature.as_ref().unwrap().1, "70");
}

#[test]
fn embedded_notes_in_several_languages_come_back_as_they_were() {
    let manifest = manifest(|value| {
        value["notes_url"] = json!(null);
        value["notes"] = json!({ "format": "html", "text": "<p>New</p>" });
        let text = json!({ "format": "plain-text", "text": "Новое & \"быстрое\"" });
        value["translations"] = json!([{ "lang": "ru", "notes": text }]);
    });
    let [item] = items(&feed_of(Channel::Beta, &manifest)).try_into().unwrap();
    assert_eq!(item.description, Some(("<p>New</p>".to_owned(), "html".to_owned())));
    let [russian] = item.translations.try_into().unwrap();
    assert_eq!(russian.language.as_deref(), Some("ru"));
    let expected = ("Новое & \"быстрое\"".to_owned(), "plain-text".to_owned());
    assert_eq!(russian.description, Some(expected));
}

#[test]
fn notes_that_do_not_say_their_language_must_stand_alone() {
    let link = |language: &str| {
        format!(
            "<sparkle:releaseNotesLink{language}>https://example.com/n</sparkle:releaseNotesLink>"
        )
    };
    let with = |first: &str, second: &str| {
        item_with(&[("<pubDate>", &format!("{}{}<pubDate>", link(first), link(second)))])
    };
    let (english, german) = (r#" xml:lang="en""#, r#" xml:lang="de""#);
    assert_eq!(items(&with(german, english))[0].translations[0].language.as_deref(), Some("de"));
    for (first, second) in [("", ""), ("", german), (german, german), (r#" xml:lang="""#, german)] {
        assert_eq!(refused(&with(first, second)).key, "item 1 releaseNotesLink");
    }
    let bad = with(english, german).replacen("https://example.com/n", "http://example.com/n", 2);
    assert_eq!(refused(&bad).key, "item 1 sparkle:releaseNotesLink");
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
    assert_eq!(item.pub_date, Some(manifest.release_date));
    assert_eq!(item.notes_url, manifest.notes_url.as_ref().map(ToString::to_string));
    assert_eq!(item.critical, Some(None));
    assert_eq!(enclosure.url, manifest.artifact.url.as_str());
    assert_eq!(enclosure.length, manifest.artifact.size);
    assert_eq!(enclosure.signature, manifest.artifact.ed25519.map(|known| known.to_string()));
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

/// What clients forgive: they take the feed, and we do not.
#[test]
fn forgives_what_clients_forgive_and_says_so() {
    let version = "<sparkle:version>2.0</sparkle:version>";
    let channel = |name: &str| format!("<sparkle:channel>{name}</sparkle:channel><pubDate>");
    for (from, to, key) in [
        ("https://example.com/a.dmg", "http://example.com/a.dmg", None),
        ("https://example.com/a.dmg", "downloads/a.dmg", None),
        ("https://example.com/a.dmg", "https://example.com/a b.dmg", None),
        (r#" length="5""#, "", Some("item 1 enclosure.length")),
        ("length", r#"sparkle:edSignature="" length"#, None),
        ("length", r#"sparkle:os="windows" length"#, None),
        ("length", r#"sparkle:deltaFrom="1.0" length"#, None),
        ("length", r#"sparkle:dsaSignature="x" length"#, Some("item 1 sparkle:dsaSignature")),
        ("+0000", "GMT", Some("item 1 pubDate")),
        ("<pubDate>", &channel("be ta"), Some("item 1 sparkle:channel")),
        ("<pubDate>", &channel(""), Some("item 1 sparkle:channel")),
        ("<pubDate>", "<title>a</title><title>b</title><pubDate>", Some("item 1 title")),
        ("<pubDate>", "<link>ftp://example.com</link><pubDate>", Some("item 1 link")),
        (
            "length",
            r#"sparkle:hardwareRequirements="arm64" length"#,
            Some("item 1 sparkle:hardwareRequirements"),
        ),
        (
            "<pubDate>",
            "<sparkle:phasedRolloutInterval>1 day</sparkle:phasedRolloutInterval><pubDate>",
            Some("item 1 sparkle:phasedRolloutInterval"),
        ),
        (
            "<pubDate>",
            r#"<description sparkle:format="rtf">x</description><pubDate>"#,
            Some("item 1 description"),
        ),
        (
            "<pubDate>",
            "<sparkle:deltas><enclosure url=\"https://example.com/a.delta\"/></sparkle:deltas>\
             <pubDate>",
            Some("item 1 sparkle:deltas"),
        ),
        (version, "<sparkle:version/>", Some("item 1 sparkle:version")),
        // They look names up as they are spelt, too.
        ("http://www.andymatuschak.org", "https://www.andymatuschak.org", None),
    ] {
        let feed = item_with(&[(from, to)]);
        let appcast = read(&feed).unwrap_or_else(|problem| panic!("{problem}\n{feed}"));
        assert_eq!(appcast.items.len(), 1);
        let remark = appcast.remarks.first().map(|remark| remark.key.as_str());
        assert_eq!(remark, key, "{feed}");
        check(&feed).unwrap_err();
    }
    let guessed = [(version, ""), ("a.dmg", "Nexy_1.3.4.dmg")];
    let appcast = read(&item_with(&guessed)).unwrap();
    assert_eq!(appcast.items[0].version, "1.3.4");
    assert_eq!(appcast.remarks[0].key, "item 1 sparkle:version");
    let legacy = "<sparkle:tags><sparkle:criticalUpdate/></sparkle:tags><pubDate>";
    let appcast = read(&item_with(&[("<pubDate>", legacy)])).unwrap();
    assert_eq!(appcast.items[0].critical, Some(None));
}

/// What makes clients reject everything is refused by both readers.
#[test]
fn rejects_what_clients_reject() {
    let enclosure = r#"<enclosure url="https://example.com/a.dmg" length="5"/>"#;
    for (from, to) in [
        ("<sparkle:version>2.0</sparkle:version>", ""),
        (enclosure, ""),
        (enclosure, "<link>ftp://example.com</link>"),
        (r#" url="https://example.com/a.dmg""#, ""),
        ("https://example.com/a.dmg", "ftp://example.com/a.dmg"),
        ("https://example.com/a.dmg", "file:///a.dmg"),
        ("length", r#"sparkle:installationType="magic" length"#),
        ("</rss>", ""),
    ] {
        let feed = item_with(&[(from, to)]);
        assert!(read(&feed).is_err(), "taken: {feed}");
        assert!(check(&feed).is_err(), "taken: {feed}");
    }
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
