use std::fmt::{Display, Write};

/// `# HELP` and `# TYPE`.
pub(super) fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
}

/// One sample.
pub(super) fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: impl Display) {
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

/// Microseconds as seconds in decimal digits, without rounding: `0.0005`.
pub(super) fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
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
