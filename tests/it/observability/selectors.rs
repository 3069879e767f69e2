//! Just enough of `PromQL`, and of the text format, to compare names and labels.

use std::collections::{BTreeMap, BTreeSet};

/// `name{label="value", …}` of an expression.
#[derive(Debug)]
pub(super) struct Selector {
    pub(super) name: String,
    matchers: Vec<Matcher>,
}

#[derive(Debug)]
struct Matcher {
    label: String,
    /// More than one where a pattern names alternatives.
    values: Vec<String>,
}

/// The samples of some services: labels by name.
#[derive(Debug, Default)]
pub(super) struct Page(BTreeMap<String, Vec<BTreeMap<String, String>>>);

// === impl Page ===

impl Page {
    /// Adds a text in the format of `/metrics`.
    pub(super) fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let end = line.find(['{', ' ']).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            let labels = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}'));
            let labels = labels.map_or_else(Vec::new, |(inside, _)| matchers(inside));
            let labels = labels
                .into_iter()
                .filter_map(|Matcher { label, mut values }| Some((label, values.pop()?)));
            self.0.entry(name.to_owned()).or_default().push(labels.collect());
        }
    }

    pub(super) fn has_label(&self, label: &str) -> bool {
        self.0.values().flatten().any(|labels| labels.contains_key(label))
    }

    /// What of a selector no sample has; each value is looked for on its own.
    pub(super) fn missing(&self, selector: &Selector, added: &[&str]) -> Option<String> {
        let Some(samples) = self.0.get(&selector.name) else {
            return Some(format!("nobody shows {}", selector.name));
        };
        let matchers = selector.matchers.iter();
        let own = matchers.filter(|matcher| !added.contains(&matcher.label.as_str()));
        own.flat_map(|matcher| matcher.values.iter().map(move |value| (&matcher.label, value)))
            .find(|(label, value)| !samples.iter().any(|labels| labels.get(*label) == Some(value)))
            .map(|(label, value)| format!("{} never has {label}=\"{value}\"", selector.name))
    }
}

/// Every selector of a metric or a recorded series of ours.
pub(super) fn selectors(text: &str) -> Vec<Selector> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let mut found = Vec::new();
    for (at, _) in text.match_indices("nexy") {
        let before = text[..at].chars().next_back();
        let rest = &text[at..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let is_ours = name.starts_with("nexy_") || name.starts_with("nexy:");
        if before.is_some_and(is_part) || !is_ours {
            continue;
        }
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let matchers = inside.map_or_else(Vec::new, |(inside, _)| matchers(inside));
        found.push(Selector { name: name.to_owned(), matchers });
    }
    found
}

/// The words of every list that begins so: `by (job, instance)`.
pub(super) fn word_lists(text: &str, begin: &str) -> BTreeSet<String> {
    let lists = text.split(begin).skip(1).filter_map(|rest| rest.split_once(')'));
    let words = lists.flat_map(|(list, _)| list.split(',')).map(|word| word.trim().to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// `label="value"`, also with `!=`, `=~` and `!~`, separated by commas.
fn matchers(text: &str) -> Vec<Matcher> {
    let parts = text.split_inclusive('"').collect::<Vec<_>>();
    let pairs = parts.chunks_exact(2);
    pairs
        .map(|pair| {
            let label = pair[0].trim_start_matches([',', ' ']);
            let is_pattern = label.contains('~');
            let label = label.trim_end_matches(['"', '=', '~', '!']).to_owned();
            let value = pair[1].trim_end_matches('"');
            let split = value.split(|c| is_pattern && c == '|').map(str::to_owned);
            Matcher { label, values: split.collect() }
        })
        .collect()
}
