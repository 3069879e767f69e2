use std::fs;

use nexy_releases::{Channel, feed};
use serde_json::json;

use super::{Shop, json_of};
use crate::release::audit::{Log, State};

const WHO: &str = "--by ann --reason test";

#[tokio::test]
async fn a_release_goes_from_a_file_to_beta_and_to_stable() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::new();
    let manifest = shop.make_with("2.0.0.32", |_| {});
    assert!(shop.run(&format!("gate {manifest} --channel beta")).await);
    assert!(!shop.place().manifest_path(Channel::Beta).exists());
    assert!(shop.run(&format!("publish {manifest} --channel beta {WHO} --dry-run")).await);
    assert!(!shop.place().manifest_path(Channel::Beta).exists());
    assert!(shop.run(&format!("publish {manifest} --channel beta {WHO}")).await);
    assert_eq!(shop.plan(Channel::Beta).release.build.as_str(), "2.0.0.32");
    assert!(shop.run(&format!("promote {WHO} --rollout 10")).await);
    let stable = shop.plan(Channel::Stable);
    assert_eq!(stable.rollout_percent.get(), 10);
    assert_eq!(stable.previous, None);
    assert!(shop.run("check --offline").await);
    // Again it changes nothing.
    assert!(shop.run(&format!("publish {manifest} --channel beta {WHO}")).await);
    let log = Log::read(&shop.place().audit_path()).unwrap();
    let acts: Vec<_> =
        log.entries.iter().map(|entry| (entry.action.as_str(), entry.state)).collect();
    assert_eq!(
        acts,
        [
            ("publish", State::Begun),
            ("publish", State::Done),
            ("promote", State::Begun),
            ("promote", State::Done),
        ]
    );
    assert!(log.entries.iter().all(|entry| entry.by == "ann" && entry.reason == "test"));
}

#[tokio::test]
async fn an_app_that_says_something_else_than_its_manifest_is_not_published() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::new();
    let manifest = shop.make_with("2.0.0.32", |_| {});
    let contents = shop.path("Nexy.app/Contents");
    fs::create_dir_all(&contents).unwrap();
    let own = super::key().public().unwrap().to_string();
    let other = nexy_releases::SecretKey::from_seed(&[7; 32]).public().unwrap().to_string();
    let app = shop.path("Nexy.app").display().to_string();
    let publish = async |build: &str, key: &str, more: &str| {
        let rows = [("CFBundleShortVersionString", build), ("CFBundleVersion", build)];
        let rows = rows.into_iter().chain([("SUPublicEDKey", key)]);
        let rows: String = rows
            .map(|(name, value)| format!("<key>{name}</key><string>{value}</string>"))
            .collect();
        let plist = format!("<plist><dict>{rows}{more}</dict></plist>");
        fs::write(contents.join("Info.plist"), plist).unwrap();
        let line = format!("publish {manifest} --channel beta {WHO} --dry-run --app {app}");
        (shop.run(&line).await, shop.run(&format!("{line} --app-key {other}")).await)
    };
    assert_eq!(publish("2.0.0.32", &own, "").await, (true, false));
    assert_eq!(publish("2.0.0.32", &other, "").await, (false, true));
    assert_eq!(publish("2.0.0.31", &own, "").await, (false, false));
    let signed = "<key>SURequireSignedFeed</key><true/>";
    assert_eq!(publish("2.0.0.32", &own, signed).await, (false, false));
}

#[tokio::test]
async fn who_is_offered_a_release_changes_step_by_step() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::with_beta("2.0.0.32");
    assert!(shop.run(&format!("promote {WHO}")).await);
    let manifest = shop.make_with("2.0.0.33", |_| {});
    assert!(shop.run(&format!("publish {manifest} --channel beta {WHO}")).await);
    assert!(shop.run(&format!("promote {WHO} --rollout 5")).await);
    let offers = || {
        let plan = shop.plan(Channel::Stable);
        plan.current().map(|current| current.build.to_string())
    };
    assert_eq!(offers().as_deref(), Some("2.0.0.32"));
    assert!(shop.run(&format!("rollout 50% --channel stable {WHO}")).await);
    assert!(!shop.run(&format!("rollout 20 --channel stable {WHO}")).await, "taken away");
    assert!(shop.run(&format!("rollout 100 --channel stable {WHO}")).await);
    assert_eq!(offers().as_deref(), Some("2.0.0.33"));

    assert!(shop.run("halt --channel stable --by ann --reason it_crashes").await);
    assert_eq!(shop.plan(Channel::Stable).halted.as_deref(), Some("it crashes"));
    assert_eq!(offers().as_deref(), Some("2.0.0.32"));
    assert!(!shop.run(&format!("halt --channel stable {WHO}")).await, "twice");
    assert!(shop.run(&format!("resume --channel stable {WHO}")).await);
    assert_eq!(offers().as_deref(), Some("2.0.0.33"));
    assert!(!shop.run(&format!("resume --channel stable {WHO}")).await, "twice");

    assert!(shop.run(&format!("rollback --channel stable {WHO}")).await);
    let plan = shop.plan(Channel::Stable);
    assert_eq!(plan.release.build.as_str(), "2.0.0.32");
    assert_eq!(plan.withdrawn_build.as_ref().unwrap().as_str(), "2.0.0.33");
    assert!(!shop.run(&format!("rollback --channel stable {WHO}")).await, "nothing before it");
    // What was taken back is not promoted a second time.
    assert!(!shop.run(&format!("promote {WHO}")).await);
    let manifest = shop.make_with("2.0.0.34", |_| {});
    assert!(shop.run(&format!("publish {manifest} --channel beta {WHO}")).await);
    assert!(shop.run(&format!("promote {WHO}")).await);
    let plan = shop.plan(Channel::Stable);
    assert_eq!((plan.withdrawn_build, plan.release.build.as_str()), (None, "2.0.0.34"));
    assert!(shop.run("history").await);
    assert!(shop.run("check --offline").await);
}

type Change = Box<dyn FnOnce(&mut serde_json::Value)>;

/// What may be amiss with a release, and how it comes about.
fn mistakes() -> Vec<(&'static str, Change)> {
    let date = |text: &'static str| {
        move |value: &mut serde_json::Value| {
            value["release_date"] = json!(text);
        }
    };
    vec![
        ("an old build", Box::new(|value| value["build"] = json!("2.0.0.31"))),
        ("the same build", Box::new(|value| value["build"] = json!("2.0.0.32"))),
        ("a numeric build", Box::new(|value| value["build"] = json!(3300))),
        ("a wrong size", Box::new(|value| value["artifact"]["size"] = json!(5))),
        ("a wrong digest", Box::new(|value| value["artifact"]["sha256"] = json!("0".repeat(64)))),
        ("no signature", Box::new(|value| value["artifact"]["ed25519"] = json!(null))),
        ("another signature", {
            let other = super::key().sign(b"other");
            Box::new(move |value| value["artifact"]["ed25519"] = json!(other))
        }),
        ("no notes", Box::new(|value| value["notes"] = json!(null))),
        ("a misspelt key", Box::new(|value| value["crtical"] = json!(true))),
        ("a date ahead", Box::new(date("2036-01-01T00:00:00Z"))),
        ("a date before the last one", Box::new(date("2025-01-01T00:00:00Z"))),
        (
            "a phasing that is over",
            Box::new(|value| value["phased_rollout_interval"] = json!(3600)),
        ),
        ("Apple's processors only", Box::new(|value| value["artifact"]["arch"] = json!("arm64"))),
        (
            "a file that is not there",
            Box::new(|value| {
                value["artifact"]["url"] =
                    json!("https://localhost/updates/downloads/Nexy-2.0.0.33-b.zip");
            }),
        ),
        (
            "the file of another version",
            Box::new(|value| {
                value["artifact"]["url"] =
                    json!("https://localhost/updates/downloads/Nexy-2.0.0.32.zip");
            }),
        ),
        ("an http address", {
            Box::new(|value| value["artifact"]["url"] = json!("http://localhost/a.zip"))
        }),
        ("a roll-out in the manifest", Box::new(|value| value["rollout_percent"] = json!(5))),
    ]
}

#[tokio::test]
async fn the_gate_refuses_whatever_is_amiss() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::with_beta("2.0.0.32");
    let before = shop.plan(Channel::Beta);
    for (what, change) in mistakes() {
        let manifest = shop.make_with("2.0.0.33", change);
        let done = shop.run(&format!("publish {manifest} --channel beta {WHO}")).await;
        assert!(!done, "{what} was published");
        assert_eq!(shop.plan(Channel::Beta), before, "{what}");
        assert!(!shop.place().audit_path().exists(), "{what}");
    }
    let manifest = shop.make_with("2.0.0.33", |value| {
        value["phased_rollout_interval"] = json!(3600);
        value["artifact"]["arch"] = json!("arm64");
    });
    let line = format!("publish {manifest} --channel beta {WHO} --clients-know-hardware");
    assert!(shop.run(&format!("{line} --release-date now")).await);
}

#[tokio::test]
async fn signed_feeds_stay_signed_and_halting_needs_no_key() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::with_beta("2.0.0.32");
    let key = shop.path("key.txt").display().to_string();
    let manifest = shop.make_with("2.0.0.33", |_| {});
    assert!(shop.run(&format!("publish {manifest} --channel beta {WHO} --key {key}")).await);
    let feeds = shop.plan(Channel::Beta).signed_feeds.unwrap();
    let public = super::key().public().unwrap().into();
    for (feed, build) in [(&feeds.with_release, "2.0.0.33"), (&feeds.without_release, "2.0.0.32")] {
        feed::verify(feed, &public).unwrap();
        assert_eq!(feed::check(feed).unwrap()[0].version, build);
    }
    assert!(shop.run(&format!("halt --channel beta {WHO}")).await);
    assert_eq!(shop.plan(Channel::Beta).signed_feeds, Some(feeds));
    assert!(shop.run(&format!("resume --channel beta {WHO}")).await);
    assert!(!shop.run(&format!("rollback --channel beta {WHO}")).await, "unsigned");
    let manifest = shop.make_with("2.0.0.34", |_| {});
    assert!(!shop.run(&format!("publish {manifest} --channel beta {WHO}")).await, "unsigned");
    let other = shop.path("other.txt").display().to_string();
    assert!(shop.run(&format!("rollback --channel beta {WHO} --key {key}")).await);
    fs::write(&other, nexy_releases::SecretKey::from_seed(&[1; 32]).to_text().unwrap()).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&other, private).unwrap();
    let line = format!("publish {manifest} --channel beta {WHO} --key");
    assert!(!shop.run(&format!("{line} {other}")).await, "another key");
    assert!(shop.run(&format!("{line} {key}")).await);
}

#[tokio::test]
async fn signing_fills_in_a_manifest_that_then_passes() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::new();
    let manifest = shop.make_with("2.0.0.33", |value| {
        for name in ["size", "sha256", "ed25519"] {
            value["artifact"].as_object_mut().unwrap().remove(name);
        }
    });
    let key = shop.path("key.txt").display().to_string();
    let file = shop.dist().join("Nexy-2.0.0.33.zip");
    let line = format!("sign --key {key} {} --into {manifest}", file.display());
    // `sign` knows no place.
    let words = ["nexyctl", "release"].into_iter().chain(line.split(' '));
    let cli = <crate::cli::Cli as clap::Parser>::try_parse_from(words).unwrap();
    assert_eq!(cli.run().await, std::process::ExitCode::SUCCESS);
    let made = super::manifest(&shop.make("2.0.0.33"));
    assert_eq!(json_of(manifest.as_ref())["artifact"], made["artifact"]);
    assert!(shop.run(&format!("gate {manifest} --channel alpha")).await);
    let signature = made["artifact"]["ed25519"].as_str().unwrap();
    assert!(shop.run(&format!("verify {} {signature}", file.display())).await);
    fs::write(&file, "other").unwrap();
    assert!(!shop.run(&format!("verify {} {signature}", file.display())).await);
}

#[tokio::test]
async fn a_log_that_was_tampered_with_is_told() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::with_beta("2.0.0.32");
    for percent in [100, 100] {
        assert!(shop.run(&format!("rollout {percent} --channel beta {WHO}")).await);
    }
    assert!(shop.run("history").await);
    let path = shop.place().audit_path();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("ann", "bob", 1)).unwrap();
    assert!(!shop.run("history").await);
    assert!(!shop.run("check --offline").await);
    // A last line that was cut off is a line of its own, and told.
    fs::write(&path, text.get(..text.len() - 9).unwrap()).unwrap();
    assert!(shop.run(&format!("rollout 100 --channel beta {WHO}")).await);
    let log = Log::read(&path).unwrap();
    assert_eq!(log.broken, [4]);
    assert_eq!(log.entries.len(), 5);
}

#[tokio::test]
async fn approvals_are_about_exactly_one_release() {
    nexy_runtime::install_tls_provider();
    let shop = Shop::with_beta("2.0.0.32");
    let place = shop.place();
    let release = shop.plan(Channel::Beta).release;
    let count = |by: &str| {
        crate::release::approve::count(&place, &release, Channel::Beta, by).unwrap().len()
    };
    assert_eq!(count("ann"), 0);
    for by in ["bob", "bob", "ann"] {
        assert!(shop.run(&format!("approve --channel beta --by {by} --reason fine")).await);
    }
    assert_eq!((count("ann"), count("cid")), (1, 2));
    let other = nexy_releases::Manifest { critical: true, ..release.clone() };
    let approved = crate::release::approve::count(&place, &other, Channel::Beta, "ann").unwrap();
    assert!(approved.is_empty());
}
