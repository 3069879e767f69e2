use serde_json::{Value, json};

use super::{Kind, hours, whole};

fn check(kind: Kind, text: &str, expected: impl Into<Option<Value>>) {
    assert_eq!(kind.read(text), expected.into(), "{kind:?} reads {text:?}");
}

#[test]
fn reads_what_people_write_into_variables() {
    for (text, on) in [("true", true), ("1", true), ("ON", true), ("False", false), ("0", false)] {
        check(Kind::Switch, text, json!(on));
        check(Kind::Feature, text, json!(on));
    }
    check(Kind::Switch, "yes", None);
    check(Kind::Switch, "25%", None);
    check(Kind::Feature, "25%", json!({ "percent": 25 }));
    check(Kind::Feature, "101%", None);
    check(whole(1, 9), " 9 ", json!(9));
    check(whole(1, 9), "10", None);
    check(Kind::Decimal { min: 0.0, max: 2.0 }, "0.4", json!(0.4));
    check(Kind::Decimal { min: 0.0, max: 2.0 }, "NaN", None);
    check(Kind::Addresses, "a:1, [::1]:2", json!(["a:1", "[::1]:2"]));
    check(Kind::Addresses, "a:1,", None);
    check(Kind::Choices(&["a", "b"]), "B,a", json!(["b", "a"]));
    check(Kind::Choices(&["a", "b"]), "a,a", None);
    check(Kind::Rising { min: 1, max: 9 }, "1, 5,9", json!([1, 5, 9]));
    for text in ["", "0,5", "5,5", "5,1", "5,10", "5,a"] {
        check(Kind::Rising { min: 1, max: 9 }, text, None);
    }
}

#[test]
fn reads_pairs_of_names_and_values() {
    let read = |text| {
        let owned = super::pairs(text)?;
        Some(owned.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>())
    };
    for (text, expected) in [
        ("", Some(vec![])),
        ("a=b", Some(vec!["a: b"])),
        (" a.b = c d ,x=%2C%d0%94=", Some(vec!["a.b: c d", "x: ,Д="])),
        ("a=,", Some(vec!["a: "])),
        ("a", None),
        ("=b", None),
        ("a=%2", None),
        ("a=%zz", None),
        ("a=%ff", None),
    ] {
        let expected = expected.map(|pairs| pairs.into_iter().map(str::to_owned).collect());
        assert_eq!(read(text), expected, "{text:?}");
    }
    check(Kind::Pairs, "team=voice", json!("team=voice"));
    check(Kind::Pairs, "team", None);
}

#[test]
fn checks_hosts_and_addresses() {
    for text in ["localhost", "127.0.0.1", "::1", "[::1]", "worker_1.internal", "auto"] {
        check(Kind::Host, text, json!(text));
    }
    for text in ["two words", "a/b", "http://a", "a:1"] {
        check(Kind::Host, text, None);
    }
    for text in ["localhost:1", "[::1]:65535"] {
        check(Kind::Address, text, json!(text));
    }
    for text in ["localhost", "localhost:0", "localhost:65536", "::1:80", ":80"] {
        check(Kind::Address, text, None);
    }
}

#[test]
fn checks_urls() {
    let web = Kind::Url(&["http", "https"]);
    check(web, "http://127.0.0.1:1/v1/", json!("http://127.0.0.1:1/v1"));
    for text in ["127.0.0.1:1", "ftp://a", "http://", "http:///v1", "http://u@h", "http://a b"] {
        check(web, text, None);
    }
    check(Kind::Url(&["https"]), "http://a", None);
    check(Kind::SecretUrl(&["sqlite"]), "sqlite::memory:", json!("sqlite::memory:"));
    check(Kind::SecretUrl(&["sqlite"]), "mysql://a", None);
}

#[test]
fn checks_zones_levels_and_keys() {
    check(Kind::Timezone, "europe/berlin", json!("Europe/Berlin"));
    check(Kind::Timezone, "CET-1CEST", None);
    check(Kind::LogFilter, "INFO", json!("info"));
    check(Kind::LogFilter, "info,nexy_worker::turn=Debug", json!("info,nexy_worker::turn=debug"));
    check(Kind::LogFilter, "loud", None);
    check(Kind::LogFilter, "info,=debug", None);
    let key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    check(Kind::PublicKey, key, json!(key));
    check(Kind::PublicKey, "c2hvcnQ=", None);
}

#[test]
fn yaml_values_need_their_own_type() {
    assert_eq!(Kind::Port.accept(&json!("80")), None);
    assert_eq!(Kind::Text.accept(&json!(2.0)), None);
    assert_eq!(Kind::Switch.accept(&json!(1)), None);
    assert_eq!(Kind::Addresses.accept(&json!("a:1")), None);
    assert_eq!(Kind::Addresses.accept(&json!([])), None);
    assert_eq!(Kind::Rising { min: 1, max: 9 }.accept(&json!([])), None);
    assert_eq!(Kind::Decimal { min: 0.0, max: 2.0 }.accept(&json!(1)), Some(json!(1.0)));
}

#[test]
fn a_span_of_time_becomes_a_duration() {
    assert_eq!(hours(0, 9).to_field(&json!(2)), json!({ "secs": 7200, "nanos": 0 }));
}
