//! Cargo.lock.

use super::sources::read;

/// The versions of a package that are locked.
pub(super) fn versions(package: &str) -> Vec<String> {
    let lock = read("Cargo.lock");
    let entries = lock.split("[[package]]");
    let named = entries.filter(|entry| field(entry, "name") == Some(package));
    named.filter_map(|entry| field(entry, "version").map(str::to_owned)).collect()
}

fn field<'e>(entry: &'e str, name: &str) -> Option<&'e str> {
    let line = entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"'))
}
