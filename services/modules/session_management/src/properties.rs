//! What holds for any input. Called by tests here and by the targets in fuzz/.

use crate::merge;

/// Pieces of recognised speech, one in a line, are put together without losing
/// what is there or what comes.
///
/// # Panics
/// When that does not hold.
pub fn collect_merge(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut buffer = String::new();
    for incoming in text.split('\n') {
        let merged = merge(&buffer, incoming);
        assert!(merged.starts_with(&buffer) || merged == incoming, "{merged:?}");
        assert!(merged.len() <= buffer.len() + incoming.len() + 1, "{merged:?}");
        let ends_with_it = folded(&merged).ends_with(&folded(incoming));
        assert!(ends_with_it || incoming.trim().is_empty(), "{merged:?} of {incoming:?}");
        assert_eq!(merge(&merged, &merged), merged);
        buffer = merged;
    }
}

/// As letters are compared, see [`merge`].
fn folded(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests;
