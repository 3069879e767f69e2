use std::collections::HashMap;

use crate::observe::{
    decision_log::Record,
    sheet::{Cell, Sheet},
};

/// A table that counts records by some of their words.
pub(super) struct Grouping {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// Of the words; a column of counts follows.
    pub(super) columns: &'static [&'static str],
    /// The groups that a record belongs to, and how much it counts in each.
    pub(super) of: fn(&Record<'_>) -> Vec<Group>,
}

/// The words of a group, and a count.
pub(super) type Group = (Vec<String>, u64);

/// Counts of a grouping, in bounded memory.
pub(super) struct Groups {
    grouping: &'static Grouping,
    counts: HashMap<Vec<String>, u64>,
}

/// Far more than a healthy service has; what comes after is counted together.
const MOST: usize = 500;
const OTHERS: &str = "(others)";

// === impl Groups ===

impl Groups {
    pub(super) fn new(grouping: &'static Grouping) -> Self {
        Self { grouping, counts: HashMap::new() }
    }

    pub(super) fn take(&mut self, record: &Record<'_>) {
        for (words, count) in (self.grouping.of)(record) {
            if self.counts.len() < MOST || self.counts.contains_key(&words) {
                *self.counts.entry(words).or_default() += count;
            } else {
                let others = vec![OTHERS.to_owned(); words.len()];
                *self.counts.entry(others).or_default() += count;
            }
        }
    }

    /// The most frequent first.
    pub(super) fn sheet(&self) -> Sheet {
        let columns: Vec<_> = self.grouping.columns.iter().copied().chain(["count"]).collect();
        let mut sheet = Sheet::new(self.grouping.key, self.grouping.title, &columns);
        let mut rows: Vec<_> = self.counts.iter().collect();
        rows.sort_by(|(left, most), (right, more)| more.cmp(most).then_with(|| left.cmp(right)));
        for (words, count) in rows {
            let words = words.iter().map(|word| match word.as_str() {
                "" => Cell::Nothing,
                word => Cell::Text(word.to_owned()),
            });
            sheet.row(words.chain([Cell::Count(*count)]).collect::<Vec<_>>());
        }
        sheet
    }
}

/// One group of these words.
pub(super) fn one<const N: usize>(words: [&str; N]) -> Vec<Group> {
    some(words, 1)
}

/// One group of these words that counts so much.
pub(super) fn some<const N: usize>(words: [&str; N], count: u64) -> Vec<Group> {
    vec![(words.iter().map(|word| (*word).to_owned()).collect(), count)]
}
