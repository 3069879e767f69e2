//! A span as it is kept and shown.

use std::fmt;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    trace::v1::{ResourceSpans, Span as Wire, span::Event as WireEvent, status::StatusCode},
};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// 16 bytes, hexadecimal for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TraceId(u128);

/// 8 bytes, hexadecimal for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SpanId(u64);

/// What one service did in one piece of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Span {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) service: String,
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// The message of a failed one, often empty.
    pub(super) error: Option<String>,
    pub(super) attributes: Map<String, Value>,
    pub(super) events: Vec<Event>,
}

/// A moment within a span.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Event {
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) at_ns: u64,
    pub(super) attributes: Map<String, Value>,
}

// === impl TraceId ===

impl TraceId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl SpanId ===

impl SpanId {
    /// Empty and all zeros both mean none (OTLP).
    fn of(bytes: &[u8]) -> Option<Self> {
        let id = u64::from_be_bytes(bytes.try_into().ok()?);
        (id != 0).then_some(Self(id))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Span ===

impl Span {
    /// The spans of one service's message; those with a broken id are left out,
    /// as the specification asks.
    pub(super) fn all_of(message: ResourceSpans) -> impl Iterator<Item = Self> {
        let resource = message.resource.unwrap_or_default();
        let service = service_name(&resource.attributes);
        message
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
            .filter_map(move |span| Self::of(span, &service))
    }

    fn of(span: Wire, service: &str) -> Option<Self> {
        let trace_id = u128::from_be_bytes(span.trace_id.as_slice().try_into().ok()?);
        let status = span.status.unwrap_or_default();
        Some(Self {
            trace_id: TraceId(trace_id),
            span_id: SpanId::of(&span.span_id)?,
            parent: SpanId::of(&span.parent_span_id),
            service: service.to_owned(),
            name: span.name,
            start_ns: span.start_time_unix_nano,
            end_ns: span.end_time_unix_nano,
            error: (status.code == StatusCode::Error as i32).then_some(status.message),
            attributes: attributes(span.attributes),
            events: span.events.into_iter().map(Event::of).collect(),
        })
    }
}

// === impl Event ===

impl Event {
    fn of(event: WireEvent) -> Self {
        Self {
            name: event.name,
            at_ns: event.time_unix_nano,
            attributes: attributes(event.attributes),
        }
    }
}

fn attributes(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, json_of))).collect()
}

fn json_of(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(truth)) => Value::Bool(truth),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(json_of).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(attributes(list.values)),
        Some(Any::BytesValue(bytes)) => Value::String(format!("{} bytes", bytes.len())),
        Some(Any::StringValueStrindex(_)) | None => Value::Null,
    }
}

/// A value as people write it: text without quotes.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Who reports: `service.name` of the attributes of a resource.
pub(super) fn service_name(attributes: &[KeyValue]) -> String {
    let named = attributes.iter().find(|attribute| attribute.key == "service.name");
    named
        .and_then(|attribute| attribute.value.clone())
        .map_or_else(|| "unknown".to_owned(), |value| text(&json_of(value)))
}
