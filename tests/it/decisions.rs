//! What the decision log says is a contract with everything that reads it.

use std::collections::BTreeSet;

use crate::layout::sources::{File, files, read, without_comments};

#[test]
fn every_decision_is_in_the_guide() {
    let guide = read("Docs/OPERATIONS.md");
    let mut unknown = BTreeSet::new();
    for file in sources() {
        for name in names(&file.text) {
            if !guide.contains(&format!("`{name}`")) {
                unknown.insert(format!("{}: {name}", file.path));
            }
        }
    }
    assert!(unknown.is_empty(), "not in Docs/OPERATIONS.md: {unknown:#?}");
}

/// The sources of the product, without their tests and comments.
fn sources() -> Vec<File> {
    let sources = files(&["services"], &["rs"]).into_iter();
    let sources =
        sources.filter(|file| !file.path.ends_with("/tests.rs") && !file.path.contains("/tests/"));
    let bare = |file: File| File { text: without_comments(&file.text), ..file };
    sources.map(bare).collect()
}

/// The names of decisions that are written out where they are made.
fn names(text: &str) -> BTreeSet<&str> {
    let methods = text.split("fn decision(&self) -> &'static str {").skip(1);
    let fields = text.split("decision: ").skip(1);
    let by_macro = text.lines().filter(|line| line.starts_with("decision!("));
    let by_macro = by_macro.filter_map(|line| line.split_once("|_| ")).map(|(_, rest)| rest);
    methods.chain(fields).chain(by_macro).filter_map(literal).collect()
}

/// The name that a text begins with.
fn literal(text: &str) -> Option<&str> {
    let (name, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    (is_name && !name.is_empty()).then_some(name)
}
