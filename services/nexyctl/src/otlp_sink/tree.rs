//! A trace as plain text: one span a line, children indented below. Nothing is
//! drawn, so that a screen reader reads it as it is.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use super::{
    span::{Event, Span, SpanId, text},
    store::milliseconds,
};

/// Attributes that say where code stands, or what the span's name says already.
const NOISE: [&str; 9] =
    ["code.", "thread.", "busy_ns", "idle_ns", "target", "level", "scope", "method", "rpc.system"];

/// Renders spans that are sorted by start.
pub(super) fn render(spans: &[Span]) -> String {
    let Some(first) = spans.first() else { return String::new() };
    let end_ns = spans.iter().map(|span| span.end_ns).max().unwrap_or(first.end_ns);
    let mut tree = Tree {
        spans,
        origin_ns: first.start_ns,
        children: HashMap::new(),
        shown: vec![false; spans.len()],
        text: format!(
            "Trace {}: {} spans, {:.1} ms.\n",
            first.trace_id,
            spans.len(),
            milliseconds(first.start_ns, end_ns)
        ),
    };
    let known: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
    let mut roots = Vec::new();
    for (place, span) in spans.iter().enumerate() {
        match span.parent.filter(|parent| known.contains(parent)) {
            Some(parent) => tree.children.entry(parent).or_default().push(place),
            None => roots.push(place),
        }
    }
    // Spans that name each other as parents hang below no root.
    for place in roots.into_iter().chain(0..spans.len()) {
        tree.show(place);
    }
    tree.text
}

struct Tree<'a> {
    spans: &'a [Span],
    /// The start of the trace.
    origin_ns: u64,
    /// Places in `spans`.
    children: HashMap<SpanId, Vec<usize>>,
    shown: Vec<bool>,
    text: String,
}

// === impl Tree ===

impl Tree<'_> {
    /// A span and what hangs below it. Not recursive: the depth is up to the
    /// sender.
    fn show(&mut self, root: usize) {
        let mut waiting = vec![(root, 0)];
        while let Some((place, depth)) = waiting.pop() {
            let (Some(span), Some(shown)) = (self.spans.get(place), self.shown.get_mut(place))
            else {
                continue;
            };
            if std::mem::replace(shown, true) {
                continue;
            }
            self.line(span, depth);
            let children = self.children.get(&span.span_id).map_or(&[][..], Vec::as_slice);
            waiting.extend(children.iter().rev().map(|child| (*child, depth + 1)));
        }
    }

    fn line(&mut self, span: &Span, depth: usize) {
        let Span { service, name, start_ns, end_ns, .. } = span;
        let indent = "  ".repeat(depth);
        let at = milliseconds(self.origin_ns, *start_ns);
        let took = milliseconds(*start_ns, *end_ns);
        // Writing to a String cannot fail, here and below.
        let _ = write!(self.text, "{indent}{name} ({service}): at {at:.1} ms, took {took:.1} ms");
        if let Some(message) = &span.error {
            let _ = write!(self.text, ", failed: {message}");
        }
        self.attributes(&span.attributes);
        self.text.push('\n');
        for event in &span.events {
            self.event(event, depth + 1);
        }
    }

    fn event(&mut self, event: &Event, depth: usize) {
        let indent = "  ".repeat(depth);
        let at = milliseconds(self.origin_ns, event.at_ns);
        let _ = write!(self.text, "{indent}event {}: at {at:.1} ms", event.name);
        self.attributes(&event.attributes);
        self.text.push('\n');
    }

    fn attributes(&mut self, attributes: &serde_json::Map<String, serde_json::Value>) {
        let telling =
            attributes.iter().filter(|(key, _)| !NOISE.iter().any(|place| key.starts_with(place)));
        for (key, value) in telling {
            let _ = write!(self.text, ", {key} {}", text(value));
        }
    }
}
