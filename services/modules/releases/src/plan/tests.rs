use serde_json::{Value, json};

use super::{Plan, Variant};
use crate::{Channel, InstallId, SecretKey, feed, feed::FeedInfo};

const INFO: FeedInfo<'_> = FeedInfo {
    title: "Nexy",
    link: "https://example.com/",
    description: "Updates of Nexy",
    language: "en",
};

fn release(build: &str) -> Value {
    json!({
        "version": build,
        "build": build,
        "artifact": {
            "type": "dmg",
            "url": format!("https://example.com/updates/downloads/Nexy-{build}.dmg"),
            "size": 5,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "arch": "universal2",
            "min_os": "11.0",
        },
        "release_date": "2026-02-05T21:57:35+02:00",
    })
}

fn staged(build: &str, more: Value) -> Value {
    let mut plan = release(build);
    plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    plan
}

fn parse(plan: &Value) -> Plan {
    Plan::parse(plan.to_string().as_bytes()).unwrap()
}

#[test]
fn a_plain_manifest_is_a_release_for_everybody() {
    let plan = parse(&release("2.0"));
    assert_eq!(plan.variant(None), Variant::With);
    assert_eq!(plan.current().unwrap().build.as_str(), "2.0");
    let text = plan.to_json().unwrap();
    assert_eq!(Plan::parse(text.as_bytes()).unwrap(), plan);
    assert!(!text.contains("rollout"), "{text}");
}

#[test]
fn every_key_is_given_back() {
    let more = json!({
        "rollout_percent": 25, "halted": "it crashes", "previous": release("1.9"),
        "withdrawn_build": "2.3", "signed_feeds": { "with": "a", "without": "b" },
    });
    let plan = parse(&staged("2.0", more));
    assert_eq!(Plan::parse(plan.to_json().unwrap().as_bytes()).unwrap(), plan);
    assert_eq!(plan.claims().len(), 2);
    assert_eq!(plan.claims()[1].key, "previous.artifact");
}

#[test]
fn says_who_gets_which_feed() {
    let staged = |more: Value| parse(&staged("2.0", more));
    let tenth = staged(json!({ "rollout_percent": 10, "previous": release("1.9") }));
    let with =
        (0..1000).filter(|n| tenth.variant(InstallId::parse(&format!("id-{n}"))) == Variant::With);
    assert!((50..150).contains(&with.count()));
    assert_eq!(tenth.variant(None), Variant::Without);
    assert_eq!(tenth.current().unwrap().build.as_str(), "1.9");
    let phased = staged(json!({ "rollout_percent": 10, "phased_rollout_interval": 3600 }));
    assert_eq!(phased.variant(None), Variant::With);
    let none = staged(json!({ "rollout_percent": 0, "phased_rollout_interval": 3600 }));
    assert_eq!(none.variant(None), Variant::Without);
    assert_eq!(none.current(), None);
    let halted = staged(json!({ "halted": "it crashes", "previous": release("1.9") }));
    assert_eq!(halted.variant(None), Variant::Without);
    assert_eq!(halted.variant(InstallId::parse("id-1")), Variant::Without);
}

#[test]
fn refuses_plans_that_contradict_themselves() {
    for (more, key) in [
        (json!({ "previous": release("2.0") }), "previous.build"),
        (json!({ "previous": release("2.1") }), "previous.build"),
        (json!({ "previous": 5 }), "previous"),
        (json!({ "previous": { "build": 5 } }), "previous.version"),
        (json!({ "withdrawn_build": "2.0" }), "withdrawn_build"),
        (json!({ "withdrawn_build": 3 }), "withdrawn_build"),
        (json!({ "rollout_percent": 101 }), "rollout_percent"),
        (json!({ "rollout_percent": -1 }), "rollout_percent"),
        (json!({ "rollout_percent": "10" }), "rollout_percent"),
        (json!({ "halted": true }), "halted"),
        (json!({ "signed_feeds": { "with": "" } }), "signed_feeds.without"),
    ] {
        let problems = Plan::parse(staged("2.0", more.clone()).to_string().as_bytes()).unwrap_err();
        assert_eq!(problems[0].key, key, "{more}: {problems:?}");
    }
}

#[test]
fn names_keys_that_mean_nothing() {
    let mut plan = staged("2.0", json!({ "rollout": 5, "x_note": 1, "previous": release("1.0") }));
    plan["artifact"]["minos"] = json!("11");
    plan["previous"]["crtical"] = json!(true);
    let unknown = Plan::unknown_keys(plan.to_string().as_bytes());
    let keys: Vec<_> = unknown.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["artifact.minos", "previous.crtical", "rollout"]);
    parse(&plan);
}

#[test]
fn a_channel_goes_back_only_by_saying_so() {
    let check = |old: Value, new: Value, key: Option<&str>| {
        let problem = parse(&new).may_follow(&parse(&old)).err();
        assert_eq!(problem.as_ref().map(|problem| problem.key.as_str()), key, "{problem:?}");
    };
    let back = staged("1.9", json!({ "withdrawn_build": "2.0" }));
    check(release("2.0"), release("1.9"), Some("build"));
    check(release("2.0"), back.clone(), None);
    check(release("2.0"), staged("1.9", json!({ "withdrawn_build": "1.95" })), Some("build"));
    check(back.clone(), staged("1.9", json!({ "withdrawn_build": "2.0", "critical": true })), None);
    check(back.clone(), release("1.9"), Some("build"));
    check(back.clone(), release("2.0"), Some("build"));
    check(back.clone(), release("1.95"), Some("build"));
    check(back, release("2.1"), None);
    let mut other = release("2.0");
    other["artifact"]["sha256"] = json!("0".repeat(64));
    check(release("2.0"), other, Some("artifact.sha256"));
    check(release("2.0"), staged("2.0", json!({ "halted": "x" })), None);
}

#[test]
fn serves_signed_feeds_as_they_are_and_only_true_ones() {
    let key = SecretKey::from_seed(&[1; 32]);
    let public = key.public().unwrap().into();
    let plain = parse(&staged("2.0", json!({ "previous": release("1.9") })));
    let feed = |plan: &Plan, variant| plan.feed(variant, INFO, Channel::Beta, Some(&public));
    let [with, without] =
        Variant::ALL.map(|variant| feed::sign(&feed(&plain, variant).unwrap(), &key));
    let signed = |with: &str, without: &str| {
        let feeds = json!({ "with": with, "without": without });
        parse(&staged("2.0", json!({ "previous": release("1.9"), "signed_feeds": feeds })))
    };
    let good = signed(&with, &without);
    assert_eq!(feed(&good, Variant::With).unwrap(), with);
    assert_eq!(feed(&good, Variant::Without).unwrap(), without);
    let refused = |plan: &Plan, variant| feed(plan, variant).unwrap_err();
    let swapped = signed(&without, &with);
    assert_eq!(refused(&swapped, Variant::With).key, "signed_feeds.with");
    assert_eq!(refused(&swapped, Variant::Without).key, "signed_feeds.without");
    let forged = signed(&with.replace("Nexy 2.0", "Nexy 2.1"), &without);
    assert!(refused(&forged, Variant::With).reason.contains("does not verify"));
    let other = feed::sign(feed::content(&with), &SecretKey::from_seed(&[2; 32]));
    assert!(refused(&signed(&other, &without), Variant::With).reason.contains("does not verify"));
}
