//! What versions that are in use understand: `proto/baseline/VERSION.txt`, the
//! contracts of that version as text.
//!
//! Services are replaced one by one and clients never all at once, so what a
//! version says must not change its meaning for the next one. A message, field,
//! number, type, name, enum value or RPC may be added; none may go, move or turn
//! into another. A blessed snapshot does not help against this: baselines are
//! never written again.

use std::collections::BTreeSet;

use nexy_testkit::stack::workspace_root;

use super::contracts;

/// The first version, so that its baseline cannot get lost.
const FIRST: &str = "0.1.0.txt";

/// Each line of a text of contracts with what it stands below.
fn rows(text: &str) -> BTreeSet<String> {
    let (mut file, mut section) = ("", "");
    let mut rows = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with("file ") {
            (file, section) = (line, "");
        } else if !line.starts_with(' ') {
            section = line;
        }
        rows.insert(format!("{file} / {section} / {}", line.trim()));
    }
    rows
}

/// What an earlier text of contracts has and a later one has not.
fn lost(earlier: &str, later: &str) -> Vec<String> {
    rows(earlier).difference(&rows(later)).cloned().collect()
}

#[test]
fn nothing_that_an_earlier_version_says_has_changed() {
    let folder = workspace_root().join("proto/baseline");
    let files = std::fs::read_dir(&folder).expect("read proto/baseline");
    let mut baselines: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    baselines.sort();
    assert!(baselines.contains(&folder.join(FIRST)), "{FIRST} is missing: {baselines:?}");
    let now = contracts();
    for baseline in baselines {
        let earlier = std::fs::read_to_string(&baseline).expect("read a baseline");
        assert!(rows(&earlier).len() > 50, "{} is cut short", baseline.display());
        let lost = lost(&earlier, &now);
        assert!(lost.is_empty(), "{} had these: {lost:#?}", baseline.display());
    }
}

#[test]
fn what_is_added_is_fine_and_what_goes_is_noticed() {
    let earlier = "file a.proto package a proto3\nservice S\n  Ask(Q) returns (A)\n\
                   message Q\n  1 text string\n  2 size uint32\nenum Kind\n  0 NONE\n";
    let check = |from: &str, to: &str, expected: &[&str]| {
        let later = earlier.replace(from, to);
        let lost = lost(earlier, &later);
        let ends: Vec<&str> = lost.iter().filter_map(|row| row.rsplit(" / ").next()).collect();
        assert_eq!(ends, expected, "{from} -> {to}");
    };
    check("  2 size", "  3 more bytes\n  2 size", &[]);
    check("enum Kind", "message R\n  1 text bytes\nenum Kind", &[]);
    check("  0 NONE", "  0 NONE\n  1 SOME", &[]);
    check("  2 size uint32\n", "", &["2 size uint32"]);
    check("2 size", "3 size", &["2 size uint32"]);
    check("uint32", "uint64", &["2 size uint32"]);
    check("2 size uint32", "2 size optional uint32", &["2 size uint32"]);
    check("1 text", "1 words", &["1 text string"]);
    check("0 NONE", "0 NOTHING", &["0 NONE"]);
    check("Ask(Q)", "Ask(stream Q)", &["Ask(Q) returns (A)"]);
    // The same number in another message is no consolation.
    check("message Q", "message R", &["1 text string", "2 size uint32", "message Q"]);
}
