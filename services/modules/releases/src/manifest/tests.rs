use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MAX_MANIFEST_BYTES, Manifest, may_replace};

/// The example of the contract.
fn example() -> Value {
    json!({
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
        "critical": false,
        "auto_install": true,
        "notes_url": "https://example.com/notes/2.0.0.32",
        "release_date": "2026-02-26T19:57:35+00:00",
    })
}

/// Every key at once.
fn full() -> Value {
    let mut manifest = example();
    let mut arm64 = example()["artifact"].clone();
    arm64["url"] = json!("https://example.com/updates/downloads/Nexy-2.0.0.32-arm64.dmg");
    arm64["arch"] = json!("arm64");
    let more = json!({
        "alternatives": [arm64],
        "critical": true,
        "critical_below": "1.9.0.4",
        "informational": { "versions": ["1.3.0.1"], "below": ["1.2"] },
        "link": "https://example.com/nexy",
        "phased_rollout_interval": 86_400,
        "minimum_update_version": "1.0",
        "minimum_autoupdate_version": "1.5",
        "ignore_skipped_upgrades_below": "1.6",
        "notes_signature": { "ed25519": example()["artifact"]["ed25519"], "size": 70 },
        "translations": [{
            "lang": "pt-BR",
            "notes_url": "https://example.com/notes/pt",
            "notes_signature": { "ed25519": example()["artifact"]["ed25519"], "size": 71 },
        }],
        "full_notes_url": "https://example.com/notes",
    });
    manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    manifest["artifact"]["max_os"] = json!("15.9");
    manifest["artifact"]["installation_type"] = json!("application");
    manifest["artifact"]["deltas"] = json!([{
        "from": "2.0.0.31",
        "url": "https://example.com/updates/downloads/Nexy-31-32.delta",
        "size": 5,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ed25519": example()["artifact"]["ed25519"],
        "executable_size": 123,
        "locales": ["de", "pt_BR"],
    }]);
    manifest
}

fn with(pointer: &str, value: Value) -> Value {
    let mut manifest = example();
    *manifest.pointer_mut(pointer).unwrap() = value;
    manifest
}

fn without(pointer: &str) -> Value {
    let mut manifest = example();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    manifest.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    manifest
}

fn parse(manifest: &Value) -> Result<Manifest, Vec<crate::Problem>> {
    Manifest::parse(manifest.to_string().as_bytes())
}

#[track_caller]
fn refused(manifest: &Value, key: &str, reason: &str) {
    let problems = parse(manifest).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("not one problem: {problems:?}") };
    assert_eq!(problem.key, key);
    assert!(problem.reason.contains(reason), "{problem}");
}

#[test]
fn takes_the_example_and_gives_it_back() {
    let manifest = parse(&example()).unwrap();
    assert_eq!(manifest.build.as_str(), "2.0.0.32");
    assert_eq!(manifest.artifact.file_name.as_str(), "Nexy-2.0.0.32.dmg");
    assert_eq!(manifest.release_date.to_string(), "2026-02-26T19:57:35Z");
    let written = serde_json::to_vec(&manifest).unwrap();
    assert_eq!(Manifest::parse(&written).unwrap(), manifest);
}

#[test]
fn refuses_numbers_where_versions_stand() {
    for key in ["version", "build"] {
        for number in [json!(3200), json!(2.0), json!(2)] {
            refused(&with(&format!("/{key}"), number), key, "not the number");
        }
        refused(&with(&format!("/{key}"), json!("3200")), key, "CFBundleVersion");
        refused(&with(&format!("/{key}"), json!("2.0-beta")), key, "CFBundleVersion");
        refused(&with(&format!("/{key}"), json!(null)), key, "must be a string, not null");
        refused(&without(&format!("/{key}")), key, "is missing");
    }
}

#[test]
fn refuses_each_broken_value_with_its_key_and_the_reason() {
    let sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0";
    for (pointer, value, reason) in [
        ("/artifact/type", json!("exe"), "one of dmg"),
        ("/artifact/url", json!("http://example.com/a.dmg"), "https"),
        ("/artifact/url", json!("a.dmg"), "https"),
        ("/artifact/url", json!("https://example.com/"), "file name"),
        ("/artifact/url", json!("https://example.com/..%2Fa.dmg"), "file name"),
        ("/artifact/url", json!("https://example.com/a.zip"), "must end with .dmg"),
        ("/artifact/size", json!(0), "length in bytes"),
        ("/artifact/size", json!(-5), "length in bytes"),
        ("/artifact/size", json!(1.5), "length in bytes"),
        ("/artifact/size", json!("275899820"), "not a string"),
        ("/artifact/sha256", json!(sha), "64 hex"),
        ("/artifact/sha256", json!(format!("{sha}g")), "64 hex"),
        ("/artifact/sha256", json!(""), "64 hex"),
        ("/artifact/arch", json!("ppc"), "one of universal2"),
        ("/artifact/min_os", json!(11.0), "must be a string"),
        ("/artifact/min_os", json!("Big Sur"), "macOS version"),
        ("/artifact/ed25519", json!("lol"), "base64 of 64 bytes"),
        ("/artifact/ed25519", json!(7), "must be a string"),
        ("/artifact", json!("Nexy.dmg"), "must be an object"),
        ("/critical", json!("no"), "true or false"),
        ("/critical", json!(null), "true or false"),
        ("/auto_install", json!(1), "true or false"),
        ("/notes_url", json!("http://example.com/notes"), "https"),
        ("/release_date", json!("2026-02-26"), "RFC 3339"),
        ("/release_date", json!("2026-02-26 19:57:35Z"), "RFC 3339"),
        ("/release_date", json!("2026-02-26T19:57:35"), "RFC 3339"),
        ("/release_date", json!("2026-02-30T19:57:35Z"), "RFC 3339"),
        ("/release_date", json!("2026-02-26T19:57:35+00:00[UTC]"), "RFC 3339"),
        ("/release_date", json!(1_772_135_855), "must be a string"),
    ] {
        let key = pointer.trim_start_matches('/').replace('/', ".");
        refused(&with(pointer, value), &key, reason);
    }
}

#[test]
fn takes_what_may_be_left_out() {
    for pointer in ["/critical", "/auto_install", "/notes_url", "/artifact/ed25519"] {
        let manifest = parse(&without(pointer)).unwrap();
        assert!(!manifest.critical);
        assert!(manifest.auto_install);
    }
    // An empty signature is no signature: it must never reach a feed.
    assert_eq!(parse(&with("/artifact/ed25519", json!(""))).unwrap().artifact.ed25519, None);
    assert_eq!(parse(&with("/notes_url", json!(null))).unwrap().notes_url, None);
}

#[test]
fn takes_every_key_and_gives_it_back() {
    let manifest = full();
    let written = serde_json::to_value(parse(&manifest).unwrap()).unwrap();
    assert_eq!(parse(&written).unwrap(), parse(&manifest).unwrap());
    for key in manifest.as_object().unwrap().keys() {
        assert!(written.get(key).is_some(), "{key} is lost");
    }
    let keys: Vec<_> = parse(&manifest).unwrap().claims().into_iter().map(|one| one.key).collect();
    assert_eq!(keys, ["artifact", "artifact.deltas[0]", "alternatives[0]"]);
}

/// The full manifest with another value; a key that it has not is added.
fn full_with(pointer: &str, value: Value) -> Value {
    let mut manifest = full();
    match pointer {
        "/notes" => manifest["notes"] = value,
        _ => *manifest.pointer_mut(pointer).unwrap() = value,
    }
    manifest
}

#[track_caller]
fn among_its_problems(manifest: &Value, key: &str, reason: &str) {
    let problems = parse(manifest).unwrap_err();
    let found = problems.iter().find(|problem| problem.key == key);
    let found = found.unwrap_or_else(|| panic!("{key} is not named: {problems:?}"));
    assert!(found.reason.contains(reason), "{found}");
}

#[test]
fn refuses_conditions_that_contradict_each_other() {
    for (manifest, key, reason) in [
        (full_with("/critical", json!(false)), "critical_below", "unless critical"),
        (full_with("/critical_below", json!("2.0.0.33")), "critical_below", "newer than build"),
        (full_with("/critical_below", json!(2)), "critical_below", "not the number"),
        (full_with("/link", json!(null)), "link", "informational"),
        (full_with("/informational", json!("yes")), "informational", "must be an object"),
        (
            full_with("/informational", json!({ "below": ["x"] })),
            "informational.below",
            "CFBundleVersion",
        ),
        (
            full_with("/informational", json!({ "below": "2.0" })),
            "informational.below",
            "must be an array",
        ),
        (
            full_with("/phased_rollout_interval", json!(0)),
            "phased_rollout_interval",
            "from 1 to 2592000",
        ),
        (
            full_with("/phased_rollout_interval", json!("1d")),
            "phased_rollout_interval",
            "whole number",
        ),
        (
            full_with("/notes", json!({ "format": "html", "text": "<p>New</p>" })),
            "notes",
            "beside notes_url",
        ),
        (full_with("/notes_url", json!(null)), "notes_signature", "without notes_url"),
        (full_with("/auto_install", json!(false)), "minimum_autoupdate_version", "auto_install"),
        (
            full_with("/minimum_update_version", json!("3.0")),
            "minimum_update_version",
            "newer than build",
        ),
    ] {
        among_its_problems(&manifest, key, reason);
    }
}

#[test]
fn translations_are_of_the_same_form_and_each_of_its_own_language() {
    let text = json!({ "format": "html", "text": "<p>Novo</p>" });
    let url = "https://example.com/notes/pt";
    for (translations, key, reason) in [
        (json!([{ "lang": "pt-BR" }]), "translations[0].notes_url", "exactly if"),
        (json!([{ "lang": "pt-BR", "notes": text }]), "translations[0].notes", "exactly if"),
        (json!([{ "notes_url": url }]), "translations[0].lang", "is missing"),
        (json!([{ "lang": "en", "notes_url": url }]), "translations[0].lang", "already"),
        (
            json!([{ "lang": "de", "notes_url": url }, { "lang": "de", "notes_url": url }]),
            "translations[1].lang",
            "already",
        ),
        (json!([{ "lang": "deu_DE", "notes_url": url }]), "translations[0].lang", "a language"),
        (json!([{ "lang": "de", "notes_url": "x" }]), "translations[0].notes_url", "https://"),
        (json!({ "lang": "de" }), "translations", "must be an array"),
    ] {
        among_its_problems(&full_with("/translations", translations), key, reason);
    }
    let mut embedded = without("/notes_url");
    embedded["notes"] = json!({ "format": "html", "text": "<p>New</p>" });
    embedded["translations"] = json!([{ "lang": "pt-BR", "notes": text }]);
    assert_eq!(parse(&embedded).unwrap().translations.len(), 1);
    embedded["notes"] = json!(null);
    among_its_problems(&embedded, "translations[0].notes", "exactly if");
}

#[test]
fn refuses_files_that_contradict_each_other() {
    let delta = full()["artifact"]["deltas"][0].clone();
    for (manifest, key, reason) in [
        (full_with("/artifact/max_os", json!("10.9")), "artifact.max_os", "older than min_os"),
        (
            full_with("/artifact/installation_type", json!("magic")),
            "artifact.installation_type",
            "one of",
        ),
        (
            full_with("/artifact/deltas", json!([delta, delta])),
            "artifact.deltas",
            "one delta for each",
        ),
        (
            full_with("/artifact/deltas/0/from", json!("2.0.0.32")),
            "deltas from 2.0.0.32",
            "from an older",
        ),
        (
            full_with("/artifact/deltas/0/url", json!("https://example.com/a.zip")),
            "artifact.deltas[0].url",
            "must end with .delta",
        ),
        (
            full_with("/artifact/deltas/0/locales", json!(["../x"])),
            "artifact.deltas[0].locales",
            "names of locales",
        ),
        (
            full_with("/alternatives/0/arch", json!("ppc")),
            "alternatives[0].arch",
            "one of universal2",
        ),
        (full_with("/alternatives", json!({})), "alternatives", "must be an array"),
        (full_with("/alternatives/0", json!(5)), "alternatives[0]", "must be an object"),
    ] {
        among_its_problems(&manifest, key, reason);
    }
    let mut twice = full();
    twice["alternatives"][0]["url"] = twice["artifact"]["url"].clone();
    refused(&twice, "alternatives[0].url", "stands there already");
    let mut package = example();
    package["artifact"]["type"] = json!("pkg");
    package["artifact"]["url"] = json!("https://example.com/Nexy.pkg");
    package["artifact"]["installation_type"] = json!("application");
    refused(&package, "artifact.installation_type", "is a pkg");
}

#[test]
fn embedded_notes_are_text_and_no_address() {
    let notes = |format: &str, text: &str| {
        let mut manifest = without("/notes_url");
        manifest["notes"] = json!({ "format": format, "text": text });
        manifest
    };
    assert!(parse(&notes("markdown", "# New")).is_ok());
    refused(&notes("rtf", "New"), "notes.format", "one of html");
    refused(&notes("html", " "), "notes.text", "not be empty");
    refused(&notes("html", "https://example.com/notes"), "notes.text", "use notes_url");
}

#[test]
fn names_every_problem_at_once() {
    let manifest = json!({
        "version": 2, "artifact": { "type": "exe", "url": "ftp://x", "size": -1 }, "critical": 1,
    });
    let keys =
        parse(&manifest).unwrap_err().into_iter().map(|problem| problem.key).collect::<Vec<_>>();
    let expected = [
        "version",
        "build",
        "artifact.type",
        "artifact.url",
        "artifact.size",
        "artifact.sha256",
        "artifact.arch",
        "artifact.min_os",
        "critical",
        "release_date",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn refuses_what_is_no_json_object() {
    let long = vec![b' '; usize::try_from(MAX_MANIFEST_BYTES).unwrap() + 1];
    for bytes in [&b""[..], b"{", b"[]", b"\"manifest\"", b"\xff\xfe", &long] {
        let problems = Manifest::parse(bytes).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].key, "manifest");
    }
}

#[test]
fn versions_never_go_backwards_in_a_channel() {
    let other_bytes = json!("0".repeat(64));
    let check = |old: Value, new: Value, expected: Option<&str>| {
        let problem = may_replace(&parse(&old).unwrap(), &parse(&new).unwrap()).err();
        assert_eq!(problem.as_ref().map(|problem| problem.key.as_str()), expected, "{problem:?}");
    };
    check(example(), example(), None);
    check(example(), with("/critical", json!(true)), None);
    check(example(), with("/build", json!("2.0.0.33")), None);
    check(example(), with("/build", json!("2.0.0.4")), Some("build"));
    check(example(), with("/build", json!("1.9")), Some("build"));
    check(example(), with("/build", json!("2.0.0.32b1")), Some("build"));
    check(example(), with("/artifact/sha256", other_bytes), Some("artifact.sha256"));
}

proptest! {
    #[test]
    fn reading_any_bytes_ends(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Manifest::parse(&bytes).is_err());
    }
}
