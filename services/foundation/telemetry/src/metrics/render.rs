//! The Prometheus text format, version 0.0.4:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::{
    borrow::Cow,
    fmt::{Display, Write},
};

use super::reading::{Buckets, Reading, Sample, Samples};

type Labels = [(&'static str, Cow<'static, str>)];

/// HELP, TYPE and samples of one name.
pub(super) fn render(out: &mut String, reading: &Reading) {
    let name = reading.name;
    match &reading.samples {
        Samples::Counter(rows) => {
            head(out, reading, "counter");
            rows.iter().for_each(|row| sample(out, name, &row.labels, row.value));
        }
        Samples::Billionths(rows) => {
            head(out, reading, "counter");
            rows.iter().for_each(|row| sample(out, name, &row.labels, decimal(row.value, 9)));
        }
        Samples::Gauge(rows) => {
            head(out, reading, "gauge");
            rows.iter().for_each(|row| sample(out, name, &row.labels, row.value));
        }
        Samples::Histogram { bounds, rows } => {
            head(out, reading, "histogram");
            rows.iter().for_each(|row| histogram(out, name, bounds, row));
        }
    }
}

fn head(out: &mut String, reading: &Reading, kind: &str) {
    let name = reading.name;
    let help = reading.help.replace('\\', "\\\\").replace('\n', "\\n");
    out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
}

fn histogram(out: &mut String, name: &str, bounds: &[u64], row: &Sample<Buckets>) {
    let Sample { labels, value: filled } = row;
    let mut below = 0;
    let ends = bounds.iter().map(|bound| seconds(*bound));
    for (count, end) in filled.counts.iter().zip(ends.chain(["+Inf".to_owned()])) {
        below += count;
        let mut bucket = labels.clone();
        bucket.push(("le", end.into()));
        sample(out, &format!("{name}_bucket"), &bucket, below);
    }
    sample(out, &format!("{name}_sum"), labels, seconds(filled.sum_micros));
    sample(out, &format!("{name}_count"), labels, below);
}

fn sample(out: &mut String, name: &str, labels: &Labels, value: impl Display) {
    out.push_str(name);
    for (position, (label, text)) in labels.iter().enumerate() {
        out.push(if position == 0 { '{' } else { ',' });
        out.push_str(label);
        out.push_str("=\"");
        escape(out, text);
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
    // A String takes any write.
    let _ = writeln!(out, " {value}");
}

fn seconds(micros: u64) -> String {
    decimal(micros, 6)
}

/// Parts of a unit as whole units in decimal digits, without rounding: 500 with
/// six places is `0.0005`.
fn decimal(parts: u64, places: usize) -> String {
    let digits = format!("{parts:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let text = format!("{whole}.{fraction}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
