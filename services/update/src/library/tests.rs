use std::{fs, time::Duration};

use ed25519_dalek::{Signer as _, SigningKey};
use nexy_releases::{Channel, feed};
use nexy_telemetry::Capture;
use serde_json::json;

use super::Keeper;
use crate::{
    fixture::{Folders, TestRelease, signer, site},
    http::Site,
    settings::Trust,
};

/// A library over folders that a test changes.
struct Story {
    folders: Folders,
    site: Site,
    keeper: Keeper,
    log: Capture,
    told: usize,
}

impl Story {
    fn new(folders: Folders, trust: Trust) -> Self {
        let mut settings = folders.settings();
        settings.trust = trust;
        let (site, keeper) = site(settings);
        Self { folders, site, keeper, log: nexy_telemetry::capture(), told: 0 }
    }

    fn begin() -> Self {
        let folders = Folders::new();
        let trust = folders.settings().trust;
        Self::new(folders, trust)
    }

    /// Looks, and tells what the decision log says about it: decision and key.
    async fn look(&mut self) -> Vec<String> {
        let _read = self.keeper.settle().await;
        let lines = self.log.lines();
        let new = lines.iter().skip(self.told).map(|line| summary(line)).collect();
        self.told = lines.len();
        new
    }

    fn serves(&self, channel: Channel) -> Option<String> {
        let catalog = self.site.library.catalog();
        let offer = catalog.offer(channel).unwrap();
        let plan = offer.served.as_ref().map(|served| &served.plan);
        let served = plan.and_then(|plan| plan.current()).map(|one| one.build.to_string());
        let body = String::from_utf8(offer.feed(None).1.body.to_vec()).unwrap();
        let items = feed::check(&body).unwrap();
        assert_eq!(items.first().map(|item| item.version.clone()), served, "the feed differs");
        served
    }
}

/// `release_refused artifact.size` of a line of the decision log.
fn summary(line: &str) -> String {
    let field = |name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split([' ', '"']).next().map(str::to_owned)
    };
    let decision = field("decision=").unwrap();
    match field("\"key\":\"") {
        Some(key) => format!("{decision} {key}"),
        None => decision,
    }
}

#[tokio::test]
async fn serves_a_good_release_and_says_so_once() {
    let mut story = Story::begin();
    assert_eq!(story.look().await, [] as [&str; 0]);
    assert_eq!(story.serves(Channel::Stable), None);
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    assert_eq!(story.look().await, ["release_published"]);
    assert_eq!(story.look().await, [] as [&str; 0]);
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
    let published = story.log.lines().remove(0);
    assert!(
        published.contains("level=INFO scope=releases decision=release_published"),
        "{published}"
    );
    assert!(published.contains(r#""bytes_checked":true"#), "{published}");
}

#[tokio::test]
async fn a_newer_release_replaces_an_older_one() {
    let mut story = Story::begin();
    story.folders.publish(Channel::Beta, &TestRelease::new("2.0.0.32"));
    story.look().await;
    let before =
        story.site.library.catalog().offer(Channel::Beta).unwrap().feed(None).1.etag.clone();
    story.folders.publish(Channel::Beta, &TestRelease::new("2.0.0.33"));
    assert_eq!(story.look().await, ["release_published"]);
    assert_eq!(story.serves(Channel::Beta).as_deref(), Some("2.0.0.33"));
    let after =
        story.site.library.catalog().offer(Channel::Beta).unwrap().feed(None).1.etag.clone();
    assert_ne!(after, before);
}

/// A good release is served; a bad one must change nothing, and be told once.
#[track_caller]
fn refused(release: TestRelease, expected: &[&str]) -> impl Future<Output = ()> {
    let expected = expected.iter().map(|key| format!("release_refused {key}")).collect::<Vec<_>>();
    async move {
        let mut story = Story::begin();
        story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
        story.look().await;
        let before = story.site.library.catalog();
        story.folders.publish(Channel::Stable, &release);
        assert_eq!(story.look().await, expected);
        assert_eq!(story.look().await, [] as [&str; 0], "told twice");
        assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
        let after = story.site.library.catalog();
        let feed = |catalog: &super::Catalog| {
            let feed = catalog.offer(Channel::Stable).unwrap().feed(None).1;
            (feed.body.clone(), feed.etag.clone(), feed.last_modified)
        };
        assert_eq!(feed(&after), feed(&before));
        let line = story.log.lines().pop().unwrap();
        assert!(line.contains("level=WARN"), "{line}");
        assert!(line.contains(r#""file":"manifest.json""#), "{line}");
        assert!(line.contains(r#""still_serving":"2.0.0.32""#), "{line}");
        // Mended, it is served.
        story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.40"));
        assert_eq!(story.look().await, ["release_published"]);
    }
}

#[tokio::test]
async fn refuses_a_numeric_version() {
    refused(TestRelease::new("2.0.0.33").with("/build", 3200), &["build"]).await;
    refused(TestRelease::new("2.0.0.33").with("/version", 2.0), &["version"]).await;
}

#[tokio::test]
async fn refuses_a_size_that_is_not_the_files() {
    refused(TestRelease::new("2.0.0.33").with("/artifact/size", 5), &["artifact.size"]).await;
}

#[tokio::test]
async fn refuses_a_digest_that_is_not_the_files() {
    let release = TestRelease::new("2.0.0.33").with("/artifact/sha256", "0".repeat(64));
    refused(release, &["artifact.sha256"]).await;
}

#[tokio::test]
async fn refuses_a_signature_of_another_key_and_none_at_all() {
    let mut release = TestRelease::new("2.0.0.33");
    let other = SigningKey::from_bytes(&[1; 32]).sign(&release.bytes).to_bytes();
    release = release.with("/artifact/ed25519", base64(&other));
    refused(release, &["artifact.ed25519"]).await;
    refused(TestRelease::new("2.0.0.33").with("/artifact/ed25519", ""), &["artifact.ed25519"])
        .await;
    let null = serde_json::Value::Null;
    refused(TestRelease::new("2.0.0.33").with("/artifact/ed25519", null), &["artifact.ed25519"])
        .await;
}

#[tokio::test]
async fn refuses_a_version_that_goes_backwards() {
    refused(TestRelease::new("2.0.0.31"), &["build"]).await;
    refused(TestRelease::new("2.0.0.32b1"), &["build"]).await;
}

#[tokio::test]
async fn refuses_an_own_download_that_is_not_there() {
    let release = TestRelease::new("2.0.0.33")
        .with("/artifact/url", "https://example.com/updates/downloads/Missing.dmg");
    refused(release, &["artifact.url"]).await;
}

#[tokio::test]
async fn refuses_several_things_at_once() {
    let release = TestRelease::new("2.0.0.33")
        .with("/build", 33)
        .with("/notes_url", "http://example.com")
        .with("/release_date", "yesterday");
    refused(release, &["build", "notes_url", "release_date"]).await;
}

#[tokio::test]
async fn a_broken_manifest_leaves_the_other_channels_alone() {
    let mut story = Story::begin();
    fs::write(story.folders.manifest(Channel::Stable), "{").unwrap();
    fs::create_dir(story.folders.manifest(Channel::Alpha)).unwrap();
    story.folders.publish(Channel::Beta, &TestRelease::new("2.1b1"));
    let mut told = story.look().await;
    told.sort();
    assert_eq!(told, ["release_published", "release_refused manifest", "release_refused manifest"]);
    assert_eq!(story.serves(Channel::Stable), None);
    assert_eq!(story.serves(Channel::Beta).as_deref(), Some("2.1b1"));
    assert!(story.site.library.catalog().settled);
}

#[tokio::test]
async fn a_release_elsewhere_is_carried_by_its_url() {
    let mut story = Story::begin();
    let release = TestRelease::new("2.0.0.32")
        .with("/artifact/url", "https://github.com/example/nexy/releases/download/v2/Other.dmg");
    story.folders.put_manifest(Channel::Stable, &release.manifest);
    assert_eq!(story.look().await, ["release_published"]);
    assert!(story.log.lines()[0].contains(r#""bytes_checked":false"#));
    let catalog = story.site.library.catalog();
    assert!(catalog.offer(Channel::Stable).unwrap().served.as_ref().unwrap().stored.is_empty());
}

/// A release with the one before it, both lying here.
fn staged(story: &Story, more: &serde_json::Value) -> TestRelease {
    let old = TestRelease::new("2.0.0.32");
    fs::write(story.folders.download(&old.name), &old.bytes).unwrap();
    let mut release = TestRelease::new("2.0.0.33");
    release.manifest["previous"] = old.manifest;
    for (key, value) in more.as_object().unwrap() {
        release.manifest[key] = value.clone();
    }
    release
}

#[tokio::test]
async fn changing_the_share_is_told_and_reads_nothing_again() {
    let mut story = Story::begin();
    let release = staged(&story, &json!({ "rollout_percent": 10 }));
    story.folders.publish(Channel::Stable, &release);
    assert_eq!(story.keeper.settle().await, 2);
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
    let wider = staged(&story, &json!({ "rollout_percent": 100 }));
    // The old file was written again, so it is read again; the new one is not.
    story.folders.put_manifest(Channel::Stable, &wider.manifest);
    assert_eq!(story.keeper.settle().await, 1);
    assert_eq!(story.look().await, ["release_published", "rollout_changed"]);
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.33"));
    let halted = release.with("/rollout_percent", 100);
    let mut manifest = halted.manifest;
    manifest["halted"] = json!("it crashes");
    story.folders.put_manifest(Channel::Stable, &manifest);
    assert_eq!(story.look().await, ["rollout_changed"]);
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
}

#[tokio::test]
async fn the_release_before_has_to_be_good_as_well() {
    let mut story = Story::begin();
    let release = staged(&story, &json!({}));
    let release = release.with("/previous/artifact/sha256", "0".repeat(64));
    story.folders.publish(Channel::Stable, &release);
    assert_eq!(story.look().await, ["release_refused previous.artifact.sha256"]);
    let mut missing = staged(&story, &json!({}));
    fs::remove_file(story.folders.download("Nexy-2.0.0.32.dmg")).unwrap();
    missing.manifest["x_again"] = json!(1);
    story.folders.publish(Channel::Stable, &missing);
    assert_eq!(story.look().await, ["release_refused previous.artifact.url"]);
    let mut unsigned = staged(&story, &json!({}));
    unsigned.manifest["previous"]["artifact"]["ed25519"] = json!(null);
    story.folders.publish(Channel::Stable, &unsigned);
    assert_eq!(story.look().await, ["release_refused previous.artifact.ed25519"]);
}

#[tokio::test]
async fn a_release_is_taken_back_only_by_name() {
    let mut story = Story::begin();
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.33"));
    story.look().await;
    let mut back = TestRelease::new("2.0.0.32");
    back.manifest["withdrawn_build"] = json!("2.0.0.33");
    story.folders.publish(Channel::Stable, &back);
    assert_eq!(story.look().await, ["release_published"]);
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.33"));
    assert_eq!(story.look().await, ["release_refused build"]);
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.34"));
    assert_eq!(story.look().await, ["release_published"]);
}

#[tokio::test]
async fn signed_feeds_are_required_and_served_as_they_are() {
    let folders = Folders::new();
    let settings = crate::settings::Settings { signed_feeds_required: true, ..folders.settings() };
    let (site, mut keeper) = site(settings);
    let log = nexy_telemetry::capture();
    let release = TestRelease::new("2.0.0.32");
    folders.publish(Channel::Stable, &release);
    keeper.settle().await;
    assert_eq!(summary(&log.lines()[0]), "release_refused signed_feeds");

    let key = nexy_releases::SecretKey::from_seed(&signer().to_bytes());
    let plan = nexy_releases::Plan::parse(release.manifest.to_string().as_bytes()).unwrap();
    let info = feed::FeedInfo {
        title: "Nexy & Co",
        link: "https://example.com/updates",
        description: "Updates",
        language: "en",
    };
    let [with, without] = nexy_releases::Variant::ALL
        .map(|variant| plan.feed(variant, info, Channel::Stable, None).unwrap())
        .map(|feed| feed::sign(&feed, &key));
    let mut signed = release.manifest.clone();
    signed["signed_feeds"] = json!({ "with": with, "without": without });
    folders.put_manifest(Channel::Stable, &signed);
    keeper.settle().await;
    let catalog = site.library.catalog();
    assert_eq!(catalog.offer(Channel::Stable).unwrap().feed(None).1.body, with.as_bytes());

    signed["signed_feeds"]["without"] = json!(with);
    signed["critical"] = json!(true);
    folders.put_manifest(Channel::Stable, &signed);
    keeper.settle().await;
    let told = log.lines();
    assert_eq!(summary(told.last().unwrap()), "release_refused signed_feeds.with");
}

#[tokio::test]
async fn a_key_that_means_nothing_is_told_once() {
    let mut story = Story::begin();
    let mut release = TestRelease::new("2.0.0.32");
    release.manifest["phased_rolout_interval"] = json!(86400);
    story.folders.publish(Channel::Stable, &release);
    let expected = ["release_published", "manifest_key_unknown phased_rolout_interval"];
    assert_eq!(story.look().await, expected);
    assert_eq!(story.look().await, [] as [&str; 0], "told twice");
}

#[tokio::test]
async fn without_a_key_development_serves_with_a_warning() {
    for (pointer, value) in [("/critical", json!(true)), ("/artifact/ed25519", json!(null))] {
        let mut story = Story::new(Folders::new(), Trust::Anything);
        let release = TestRelease::new("2.0.0.32").with(pointer, value);
        story.folders.publish(Channel::Stable, &release);
        assert_eq!(story.look().await, ["release_published", "release_unsigned"]);
        assert!(story.log.lines()[1].contains("level=WARN"));
        assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
    }
}

#[tokio::test]
async fn without_a_key_production_serves_nothing() {
    let mut story = Story::new(Folders::new(), Trust::Nothing);
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    assert_eq!(story.look().await, ["release_refused update.public_key"]);
    assert_eq!(story.serves(Channel::Stable), None);
}

#[tokio::test]
async fn taking_the_manifest_away_withdraws_the_release() {
    let mut story = Story::begin();
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    story.look().await;
    fs::remove_file(story.folders.manifest(Channel::Stable)).unwrap();
    assert_eq!(story.look().await, ["release_withdrawn"]);
    assert_eq!(story.serves(Channel::Stable), None);
    // What clients have installed does not go backwards.
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.31"));
    assert_eq!(story.look().await, ["release_refused build"]);
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    assert_eq!(story.look().await, ["release_published"]);
}

#[tokio::test]
async fn a_release_whose_file_was_spoilt_is_not_offered_any_more() {
    let mut story = Story::begin();
    let release = TestRelease::new("2.0.0.32");
    story.folders.publish(Channel::Stable, &release);
    story.look().await;
    let mut spoilt = release.bytes.clone();
    spoilt[7] ^= 1;
    fs::write(story.folders.download(&release.name), &spoilt).unwrap();
    let expected = [
        "release_withdrawn",
        "release_refused artifact.sha256",
        "release_refused artifact.ed25519",
    ];
    assert_eq!(story.look().await, expected);
    assert_eq!(story.serves(Channel::Stable), None);
    fs::write(story.folders.download(&release.name), &release.bytes).unwrap();
    assert_eq!(story.look().await, ["release_published"]);
}

#[tokio::test]
async fn a_file_that_was_only_touched_stays_offered() {
    let mut story = Story::begin();
    let release = TestRelease::new("2.0.0.32");
    story.folders.publish(Channel::Stable, &release);
    story.look().await;
    fs::write(story.folders.download(&release.name), &release.bytes).unwrap();
    assert_eq!(story.look().await, [] as [&str; 0]);
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
}

#[tokio::test]
async fn a_folder_that_goes_away_takes_nothing_with_it() {
    let mut story = Story::begin();
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32"));
    story.look().await;
    let manifests = story.folders.root().join("manifests");
    fs::rename(&manifests, story.folders.root().join("gone")).unwrap();
    assert_eq!(story.look().await, ["library_unreadable"]);
    assert_eq!(story.look().await, [] as [&str; 0], "told twice");
    assert_eq!(story.serves(Channel::Stable).as_deref(), Some("2.0.0.32"));
    assert!(story.site.library.catalog().fault.is_some());
    fs::rename(story.folders.root().join("gone"), &manifests).unwrap();
    assert_eq!(story.look().await, [] as [&str; 0]);
    assert_eq!(story.site.library.catalog().fault, None);
}

#[tokio::test]
async fn folders_that_do_not_exist_yet_are_empty() {
    let mut story = Story::begin();
    fs::remove_dir(story.folders.root().join("manifests")).unwrap();
    fs::remove_dir(story.folders.root().join("downloads")).unwrap();
    assert_eq!(story.look().await, [] as [&str; 0]);
    assert!(story.site.library.catalog().settled);
    assert_eq!(story.serves(Channel::Stable), None);
}

#[tokio::test]
async fn channels_that_are_off_are_not_looked_at() {
    let folders = Folders::new();
    fs::write(folders.manifest(Channel::Beta), "{").unwrap();
    let settings = crate::settings::Settings { beta_enabled: false, ..folders.settings() };
    let (site, mut keeper) = site(settings);
    let log = nexy_telemetry::capture();
    keeper.settle().await;
    assert_eq!(log.lines(), [] as [&str; 0]);
    assert!(site.library.catalog().offer(Channel::Beta).is_none());
}

#[tokio::test]
async fn a_file_is_read_once_for_each_change() {
    let mut story = Story::begin();
    let release = TestRelease::new("2.0.0.32");
    story.folders.publish(Channel::Stable, &release);
    story.folders.publish(Channel::Beta, &release);
    // Each channel has its own manifest, and so its own claim about the file.
    assert_eq!(story.keeper.settle().await, 2);
    assert_eq!(story.keeper.settle().await, 0);
    story.folders.put_manifest(Channel::Stable, &release.with("/critical", true).manifest);
    assert_eq!(story.keeper.settle().await, 0, "the claim about the file is the same");
    story.folders.publish(Channel::Stable, &TestRelease::new("2.0.0.33"));
    assert_eq!(story.keeper.settle().await, 1);
}

#[tokio::test]
async fn a_change_is_noticed_within_a_second_by_the_running_keeper() {
    let folders = Folders::new();
    let (site, keeper) = site(folders.settings());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(keeper.run());
    for version in ["2.0.0.32", "2.0.0.33"] {
        folders.publish(Channel::Stable, &TestRelease::new(version));
        let noticed = async {
            loop {
                let catalog = site.library.catalog();
                let current = catalog.current(Channel::Stable);
                if current.is_some_and(|manifest| manifest.build.as_str() == version) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(1), noticed).await.unwrap();
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
