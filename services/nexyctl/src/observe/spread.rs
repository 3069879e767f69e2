use std::collections::BTreeMap;

/// How often each value was met, in bounded memory.
///
/// Values below [`EXACT`] are kept as they are, greater ones are rounded down by
/// less than a thousandth. So a percentile in milliseconds is exact up to four
/// seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread {
    counts: BTreeMap<u64, u64>,
    count: u64,
}

/// Values below are not rounded; of greater ones as many leading bits are kept.
const EXACT: u64 = 4096;

// === impl Spread ===

impl Spread {
    pub(crate) fn add(&mut self, value: u64) {
        let beyond = (EXACT.leading_zeros() + 1).saturating_sub(value.leading_zeros());
        *self.counts.entry(value >> beyond << beyond).or_default() += 1;
        self.count += 1;
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The least value which so many percent of all do not exceed: the nearest
    /// rank, a value that was met. `None` of nothing.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1);
        let mut below = 0;
        let mut values = self.counts.iter();
        let found = values.find(|(_, count)| {
            below += u128::from(**count);
            below >= rank
        });
        found.map(|(value, _)| *value)
    }

    pub(crate) fn max(&self) -> Option<u64> {
        self.counts.last_key_value().map(|(value, _)| *value)
    }
}

#[cfg(test)]
mod tests;
