//! The defaults that are compiled in, and the comments that document them.

use std::collections::BTreeMap;

use crate::{
    problem::{Origin, Problem},
    tree::Tree,
};

/// Every key with its default.
const UNIFIED_CONFIG: &str = include_str!("../../../../config/unified_config.yaml");

/// The assistant's commands.
pub(crate) const COMMANDS: &str = include_str!("../../../../config/commands.yaml");

/// The defaults.
pub(crate) fn defaults() -> Result<Tree, Problem> {
    Tree::parse(Origin::Default, UNIFIED_CONFIG)
}

/// The comment above each section and key, by path.
///
/// Relies on how the file is written: two blanks per level, one key per line,
/// and a comment directly above what it explains. Tests hold it to that.
pub(crate) fn comments() -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let mut section: Vec<&str> = Vec::new();
    let mut pending: Vec<&str> = Vec::new();
    for line in UNIFIED_CONFIG.lines() {
        let text = line.trim_start();
        let level = (line.len() - text.len()) / 2;
        if let Some(comment) = text.strip_prefix('#') {
            pending.push(comment.trim());
            continue;
        }
        if let Some((name, _)) = text.split_once(':') {
            section.truncate(level);
            section.push(name);
            if !pending.is_empty() {
                comments.insert(section.join("."), pending.join(" "));
            }
        }
        pending.clear();
    }
    comments
}
