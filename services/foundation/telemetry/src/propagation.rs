//! W3C trace context in and out of HTTP headers (gRPC metadata is headers too).

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes a span the child of the caller's span, if the headers name a valid
/// one. To be called before anything is reported in the span: a span that has
/// begun keeps its parent.
pub fn set_parent(span: &tracing::Span, headers: &HeaderMap) {
    // From an empty context, or a span of this process would be the parent.
    let parent = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &HeaderExtractor(headers));
    if parent.span().span_context().is_valid() {
        // Refused only for a span that has begun, is disabled, or when no
        // subscriber is installed: the trace then starts here.
        let _ = span.set_parent(parent);
    }
}

/// Writes the current span's `traceparent` (and `tracestate`) into headers.
/// Writes nothing when there is no valid span.
pub fn inject_current(headers: &mut HeaderMap) {
    inject(&tracing::Span::current(), headers);
}

/// The same for a span that nobody has entered: leaving it would be taken for
/// its end.
pub fn inject(span: &tracing::Span, headers: &mut HeaderMap) {
    let context = span.context();
    TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
}

/// The trace id of the current span as 32 hex digits, when it is valid.
#[must_use]
pub fn trace_id() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span();
    Some(span.span_context())
        .filter(|span| span.is_valid())
        .map(SpanContext::trace_id)
        .map(|id| id.to_string())
}
