//! The Prometheus text format 0.0.4, read back
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;

/// All samples of one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page {
    samples: BTreeMap<String, Vec<Sample>>,
}

/// One value of a family.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// Durations in buckets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bounds in seconds, rising, the last one infinite; with the number of
    /// durations up to each.
    buckets: Vec<(f64, f64)>,
}

// === impl Page ===

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// The first line that is none of this format, counted from 1.
    pub(crate) fn parse(text: &str) -> Result<Self, usize> {
        let mut page = Self::default();
        for (place, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, sample) = sample(line).ok_or(place + 1)?;
            page.samples.entry(name.to_owned()).or_default().push(sample);
        }
        Ok(page)
    }

    /// The samples of a name.
    pub(crate) fn samples(&self, name: &str) -> &[Sample] {
        self.samples.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The sum of the samples with these labels among theirs; 0 without any.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name).iter().filter(|it| it.has(labels)).map(|it| it.value).sum()
    }

    /// The histogram with these labels among its own, added up; none when the
    /// page has no such one.
    pub(crate) fn histogram(&self, name: &str, labels: &[(&str, &str)]) -> Option<Histogram> {
        let mut buckets = Vec::<(f64, f64)>::new();
        let rows = self.samples(&format!("{name}_bucket"));
        for row in rows.iter().filter(|row| row.has(labels)) {
            let bound = row.label("le").and_then(number)?;
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, count)) => *count += row.value,
                None => buckets.push((bound, row.value)),
            }
        }
        buckets.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let is_whole = buckets.last().is_some_and(|(bound, _)| bound.is_infinite());
        is_whole.then_some(Histogram { buckets })
    }

    /// Whether a counter is less than on an earlier page, or gone: its process was
    /// started anew.
    pub(crate) fn has_fallen(&self, earlier: &Self, name: &str) -> bool {
        let now = self.samples(name);
        earlier.samples(name).iter().any(|before| {
            let same = now.iter().find(|now| now.labels == before.labels);
            same.is_none_or(|now| now.value < before.value)
        })
    }

    /// What was counted after an earlier page. A sample that has fallen has begun
    /// anew with its process, as Prometheus takes it, unless it may fall: those
    /// of the given names stay as they are.
    pub(crate) fn since(&self, earlier: &Self, gauges: &[&str]) -> Self {
        let mut page = self.clone();
        let counters = page.samples.iter_mut().filter(|(name, _)| !gauges.contains(&name.as_str()));
        for (name, samples) in counters {
            let before = earlier.samples(name);
            for sample in samples {
                let before = before.iter().find(|before| before.labels == sample.labels);
                let before = before.map_or(0.0, |before| before.value);
                if before <= sample.value {
                    sample.value -= before;
                }
            }
        }
        page
    }
}

// === impl Sample ===

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.label(name) == Some(value))
    }
}

// === impl Histogram ===

impl Histogram {
    /// How many durations there are.
    pub(crate) fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }

    /// A quantile in seconds, by linear interpolation inside its bucket, as
    /// `histogram_quantile` of Prometheus does it: in the last bucket, which has
    /// no end, the greatest bound. `None` of nothing.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        let rank = self.count() * quantile;
        if self.count() <= 0.0 {
            return None;
        }
        let (mut from, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if *count >= rank && bound.is_finite() {
                let inside = count - below;
                let share = if inside > 0.0 { (rank - below) / inside } else { 0.0 };
                return Some(from + (bound - from) * share);
            }
            if bound.is_finite() {
                (from, below) = (*bound, *count);
            }
        }
        Some(from)
    }

    /// Added up with one of the same bounds.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for (bound, count) in &other.buckets {
            match self.buckets.iter_mut().find(|(known, _)| known.total_cmp(bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => self.buckets.push((*bound, *count)),
            }
        }
        self.buckets.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        self
    }
}

/// `name{label="value",…} value [timestamp]`.
fn sample(line: &str) -> Option<(&str, Sample)> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    if !is_name(name, ":_") {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = number(words.next()?)?;
    let is_timed = words.next().is_none_or(|time| time.parse::<i64>().is_ok());
    (is_timed && words.next().is_none()).then_some((name, Sample { labels, value }))
}

/// The labels up to the closing brace, and what is behind it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, behind) = rest.split_once('=')?;
        let name = name.trim();
        let (value, behind) = quoted(behind.trim_start().strip_prefix('"')?)?;
        if !is_name(name, "_") {
            return None;
        }
        labels.push((name.to_owned(), value));
        rest = behind.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(behind) => behind,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// A value up to its closing quote without its escapes, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(place + 1..)?)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

/// Letters, digits, and what else such a name may have; no digit first.
fn is_name(text: &str, signs: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    text.chars().all(fits) && text.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

/// As Go writes and reads floating-point numbers; it knows `+Inf` and `NaN`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests;
