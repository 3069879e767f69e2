use std::collections::BTreeMap;

use super::CheckRecord;

#[test]
fn a_record_comes_back_as_it_was() {
    let misses = BTreeMap::from([("beta".to_owned(), 2), (CheckRecord::AUDIT_LOG.to_owned(), 0)]);
    let record = CheckRecord { at: "2026-02-05T19:57:35Z".parse().unwrap(), misses };
    let json = record.to_json().unwrap();
    assert_eq!(CheckRecord::parse(json.as_bytes()).unwrap(), record);
    assert!(json.contains(r#""at": "2026-02-05T19:57:35Z""#), "{json}");
}

#[test]
fn what_is_no_record_is_refused() {
    for json in ["", "{}", "[]", r#"{"at":"yesterday","misses":{}}"#, r#"{"misses":{"beta":-1}}"#] {
        assert!(CheckRecord::parse(json.as_bytes()).is_err(), "{json}");
    }
}
