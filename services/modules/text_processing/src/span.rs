//! The span of one request to a model. Names: OpenTelemetry semantic conventions
//! for generative AI. Numbers and closed names only: what is said stays out of
//! traces.

use std::future::Future;

use nexy_types::BoxFuture;
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use crate::{Delta, DeltaStream, Error};

/// Writes down how a reply goes.
pub(crate) struct Record {
    span: Span,
    started: Instant,
    is_first_token_told: bool,
}

/// A span that begins now.
pub(crate) fn begin(provider: &'static str, model: &str, max_tokens: u32) -> Span {
    tracing::info_span!(
        "llm",
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider,
        gen_ai.request.model = %model,
        gen_ai.request.max_tokens = max_tokens,
        gen_ai.response.time_to_first_chunk = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        error.type = Empty,
    )
}

/// Opens a reply in its span.
pub(crate) fn open(
    span: Span,
    opening: impl Future<Output = Result<DeltaStream, Error>> + Send + 'static,
) -> BoxFuture<'static, Result<DeltaStream, Error>> {
    let opened = async move {
        let opened = opening.await;
        if let Err(error) = &opened {
            Span::current().record("error.type", error.as_str());
        }
        opened
    };
    Box::pin(opened.instrument(span))
}

// === impl Record ===

impl Record {
    /// Of the current span.
    pub(crate) fn new(started: Instant) -> Self {
        Self { span: Span::current(), started, is_first_token_told: false }
    }

    pub(crate) fn item(&mut self, item: &Result<Delta, Error>) {
        let span = &self.span;
        match item {
            Ok(Delta::Text(_) | Delta::ToolCall(_)) if !self.is_first_token_told => {
                self.is_first_token_told = true;
                let seconds = self.started.elapsed().as_secs_f64();
                span.record("gen_ai.response.time_to_first_chunk", seconds);
            }
            Ok(Delta::Text(_) | Delta::ToolCall(_)) => {}
            Ok(Delta::Usage(usage)) => {
                span.record("gen_ai.usage.input_tokens", usage.input_tokens);
                span.record("gen_ai.usage.output_tokens", usage.output_tokens);
            }
            Ok(Delta::Finished(reason)) => {
                span.record("gen_ai.response.finish_reasons", reason.as_str());
            }
            Err(error) => {
                span.record("error.type", error.as_str());
            }
        }
    }
}
