use jiff::Timestamp;

use super::{Client, Explanation, Occasion, Processor, Skipped, explain};
use crate::feed::{NAMESPACE, read};

const NOW: &str = "2026-02-10T00:00:00Z";
/// Ten days before.
const DATE: &str = "Sat, 31 Jan 2026 00:00:00 +0000";

fn client(version: &str) -> Client {
    Client {
        version: version.to_owned(),
        os: "14.2".to_owned(),
        processor: Processor::Arm64,
        channels: Vec::new(),
        occasion: Occasion::Scheduled { group: 0 },
        skipped: Skipped::default(),
        knows_2_9: true,
    }
}

/// An item of a version, with more elements.
fn item(version: &str, more: &str) -> String {
    format!(
        "<item><pubDate>{DATE}</pubDate><sparkle:version>{version}</sparkle:version>{more}\
         <enclosure url=\"https://example.com/{version}.zip\" length=\"5\"/></item>"
    )
}

fn ask(items: &[String], client: &Client) -> Explanation {
    let feed =
        format!("<rss xmlns:sparkle=\"{NAMESPACE}\"><channel>{}</channel></rss>", items.concat());
    explain(&read(&feed).unwrap().items, client, NOW.parse::<Timestamp>().unwrap())
}

/// The version that a client offers.
fn offered(items: &[String], client: &Client) -> Option<String> {
    let explanation = ask(items, client);
    assert_eq!(explanation.fates.len(), items.len());
    let offered = explanation.offered.as_ref().map(|offered| offered.item);
    for (place, fate) in explanation.fates.iter().enumerate() {
        assert_eq!(fate.reasons.is_empty(), Some(place) == offered, "{fate:?}");
    }
    offered.map(|place| explanation.fates[place].version.clone())
}

#[track_caller]
fn check(items: &[String], client: &Client, expected: Option<&str>) {
    assert_eq!(offered(items, client).as_deref(), expected);
}

#[test]
fn offers_the_newest_and_never_an_older_one() {
    let items = [item("2.0", ""), item("3.0", ""), item("1.0", "")];
    check(&items, &client("1.5"), Some("3.0"));
    check(&items, &client("2.5"), Some("3.0"));
    check(&items, &client("3.0"), None);
    check(&items, &client("3.0.0"), None);
    check(&items, &client("4.0"), None);
    check(&[], &client("1.0"), None);
}

#[test]
fn of_two_equal_versions_the_first_is_taken() {
    let items = [item("2.0", "<title>a</title>"), item("2.0.0", "<title>b</title>")];
    check(&items, &client("1.0"), Some("2.0"));
}

#[test]
fn items_of_channels_that_the_app_does_not_allow_are_not_seen() {
    let beta = "<sparkle:channel>beta</sparkle:channel>";
    let items = [item("2.0", ""), item("3.0", beta)];
    check(&items, &client("1.0"), Some("2.0"));
    let tester = Client { channels: vec!["beta".to_owned()], ..client("1.0") };
    check(&items, &tester, Some("3.0"));
    // A channel that is no name is the default channel.
    let broken = [item("3.0", "<sparkle:channel>be ta</sparkle:channel>")];
    check(&broken, &client("1.0"), Some("3.0"));
}

#[test]
fn systems_and_processors_that_do_not_suit_are_passed_over() {
    let items = [
        item("2.0", "<sparkle:maximumSystemVersion>12.9</sparkle:maximumSystemVersion>"),
        item("3.0", "<sparkle:minimumSystemVersion>14.2.0</sparkle:minimumSystemVersion>"),
        item("4.0", "<sparkle:minimumSystemVersion>15</sparkle:minimumSystemVersion>"),
    ];
    check(&items, &client("1.0"), Some("3.0"));
    check(&items, &Client { os: "12.5".to_owned(), ..client("1.0") }, Some("2.0"));
    check(&items, &Client { os: "15.0".to_owned(), ..client("1.0") }, Some("4.0"));
    check(&items, &Client { os: "13.0".to_owned(), ..client("1.0") }, None);

    let apple = "<sparkle:hardwareRequirements>ARM64</sparkle:hardwareRequirements>";
    let items = [item("2.0", apple), item("1.9", "")];
    let intel = Client { processor: Processor::X86_64, ..client("1.0") };
    check(&items, &client("1.0"), Some("2.0"));
    check(&items, &intel, Some("1.9"));
    // Before 2.9 the requirement is not known: the wrong build is taken.
    check(&items, &Client { knows_2_9: false, ..intel }, Some("2.0"));
}

#[test]
fn a_phased_release_comes_to_one_group_after_another() {
    // Ten days after the release: the turns of groups 0 to 3.
    let three_days = "<sparkle:phasedRolloutInterval>259200</sparkle:phasedRolloutInterval>";
    let group = |group| Client { occasion: Occasion::Scheduled { group }, ..client("1.0") };
    let phased = [item("2.0", three_days)];
    check(&phased, &group(0), Some("2.0"));
    check(&phased, &group(3), Some("2.0"));
    check(&phased, &group(4), None);
    check(&phased, &group(6), None);
    check(&phased, &Client { occasion: Occasion::Asked, ..client("1.0") }, Some("2.0"));
    let critical = format!("{three_days}<sparkle:criticalUpdate/>");
    check(&[item("2.0", &critical)], &group(6), Some("2.0"));
    let below = format!("{three_days}<sparkle:criticalUpdate sparkle:version=\"1.0\"/>");
    check(&[item("2.0", &below)], &group(6), None);
    // A date that clients cannot read ends the phasing.
    let undated = phased[0].replace(DATE, "yesterday");
    check(&[undated], &group(6), Some("2.0"));
}

#[test]
fn a_smaller_update_comes_before_a_major_upgrade() {
    let major = "<sparkle:minimumAutoupdateVersion>2.0</sparkle:minimumAutoupdateVersion>";
    let items = [item("3.0", major), item("1.5", "")];
    check(&items, &client("1.0"), Some("1.5"));
    check(&items, &client("1.5"), Some("3.0"));
    assert!(ask(&items, &client("1.5")).offered.unwrap().is_major);
    check(&items, &client("2.0"), Some("3.0"));
    assert!(!ask(&items, &client("2.0")).offered.unwrap().is_major);
}

#[test]
fn a_watershed_hides_an_item_from_older_versions() {
    let watershed = "<sparkle:minimumUpdateVersion>2.0</sparkle:minimumUpdateVersion>";
    let items = [item("3.0", watershed), item("2.0", "")];
    check(&items, &client("1.0"), Some("2.0"));
    check(&items, &client("2.0"), Some("3.0"));
    check(&items, &Client { knows_2_9: false, ..client("1.0") }, Some("3.0"));
}

#[test]
fn what_the_user_skipped_is_not_offered_again_by_itself() {
    let skipped = Skipped { minor: Some("2.0".to_owned()), ..Skipped::default() };
    let user = Client { skipped, ..client("1.0") };
    check(&[item("2.0", "")], &user, None);
    check(&[item("2.1", "")], &user, Some("2.1"));
    check(&[item("2.0", "")], &Client { occasion: Occasion::Asked, ..user }, Some("2.0"));

    let skipped = Skipped {
        minor: None,
        major: Some("2.0".to_owned()),
        major_subrelease: Some("2.1".to_owned()),
    };
    let user = Client { skipped, ..client("1.0") };
    let major = "<sparkle:minimumAutoupdateVersion>2.0</sparkle:minimumAutoupdateVersion>";
    let again = |below: &str| {
        format!(
            "{major}<sparkle:ignoreSkippedUpgradesBelowVersion>{below}\
             </sparkle:ignoreSkippedUpgradesBelowVersion>"
        )
    };
    check(&[item("2.2", major)], &user, None);
    check(&[item("2.2", &again("2.2"))], &user, Some("2.2"));
    check(&[item("2.2", &again("2.1"))], &user, None);
    check(&[item("2.2", major)], &Client { version: "2.0".to_owned(), ..user }, Some("2.2"));
}

#[test]
fn a_delta_is_taken_only_from_exactly_its_version() {
    let delta = "<sparkle:deltas><enclosure url=\"https://example.com/a.delta\" length=\"3\" \
                 sparkle:deltaFrom=\"1.0\"/></sparkle:deltas>";
    let items = [item("2.0", delta)];
    let delta = |version: &str| ask(&items, &client(version)).offered.unwrap().delta;
    assert_eq!(delta("1.0").unwrap().url, "https://example.com/a.delta");
    assert_eq!(delta("1.0.0"), None);
    assert_eq!(delta("1.1"), None);
}

#[test]
fn says_for_whom_an_update_only_informs() {
    let link = "<link>https://example.com</link>";
    let some = format!(
        "{link}<sparkle:informationalUpdate><sparkle:version>1.3</sparkle:version>\
         <sparkle:belowVersion>1.1</sparkle:belowVersion></sparkle:informationalUpdate>"
    );
    let informs = |items: &[String], version: &str| {
        ask(items, &client(version)).offered.unwrap().is_informational
    };
    assert!(informs(&[item("2.0", &some)], "1.3"));
    assert!(informs(&[item("2.0", &some)], "1.0"));
    assert!(!informs(&[item("2.0", &some)], "1.2"));
    let all = format!("{link}<sparkle:informationalUpdate/>");
    assert!(informs(&[item("2.0", &all)], "1.2"));
    // Without a link there is nothing to inform about.
    assert!(!informs(&[item("2.0", "<sparkle:informationalUpdate/>")], "1.2"));
}
