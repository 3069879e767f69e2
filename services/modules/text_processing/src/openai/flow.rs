//! Moves a reply from the connection to its reader, on time.

use std::{collections::VecDeque, time::Duration};

use futures_util::stream;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span};

use super::reply::{Progress, Reply};
use crate::{
    Delta, DeltaStream, Error, Wait,
    sse::{Decoder, Event},
};

/// An accepted request and its limits.
pub(super) struct Setup {
    pub(super) answer: reqwest::Response,
    pub(super) started: Instant,
    pub(super) first_token_by: Instant,
    pub(super) stall_timeout: Duration,
    pub(super) max_event_bytes: usize,
}

struct Flow {
    answer: reqwest::Response,
    decoder: Decoder,
    events: VecDeque<Event>,
    reply: Reply,
    started: Instant,
    first_token_by: Instant,
    stall_timeout: Duration,
    /// How much longer the next event may be waited for. A reader's own pauses
    /// do not count, and neither do comments.
    patience: Duration,
    is_first_token_told: bool,
    span: Span,
}

/// What the connection gave.
enum Input {
    Bytes,
    End,
}

/// The deltas of an accepted request. Whoever drops the stream drops the
/// connection.
pub(super) fn deltas(setup: Setup) -> DeltaStream {
    let flow = Flow::new(setup, Span::current());
    Box::pin(stream::unfold(Some(flow), |flow| async move {
        let mut flow = flow?;
        let span = flow.span.clone();
        let item = flow.next().instrument(span).await;
        flow.record(&item);
        let is_last = matches!(item, Err(_) | Ok(Delta::Finished(_)));
        Some((item, (!is_last).then_some(flow)))
    }))
}

// === impl Flow ===

impl Flow {
    fn new(setup: Setup, span: Span) -> Self {
        Self {
            answer: setup.answer,
            decoder: Decoder::new(setup.max_event_bytes),
            events: VecDeque::new(),
            reply: Reply::new(setup.max_event_bytes),
            started: setup.started,
            first_token_by: setup.first_token_by,
            stall_timeout: setup.stall_timeout,
            patience: setup.stall_timeout,
            is_first_token_told: false,
            span,
        }
    }

    async fn next(&mut self) -> Result<Delta, Error> {
        loop {
            if let Some(delta) = self.reply.next() {
                return Ok(delta);
            }
            match self.events.pop_front() {
                Some(event) => self.take(event)?,
                None => self.read().await?,
            }
        }
    }

    fn take(&mut self, event: Event) -> Result<(), Error> {
        self.patience = self.stall_timeout;
        let data = event.map_err(|_| Error::Malformed("event is too large"))?;
        match self.reply.accept(&data)? {
            Progress::More => Ok(()),
            Progress::Done => self.reply.close(),
        }
    }

    /// Waits for the next bytes. After the model's own end the rest of the
    /// stream is a courtesy: a server that keeps it open, or breaks it, has still
    /// given a whole reply.
    async fn read(&mut self) -> Result<(), Error> {
        let input = match self.receive().await {
            Ok(input) => input,
            Err(error) => return self.reply.close().map_err(|_| error),
        };
        match input {
            Input::Bytes => Ok(()),
            Input::End => {
                self.decoder.finish(&mut self.events);
                while let Some(event) = self.events.pop_front() {
                    self.take(event)?;
                }
                self.reply.close()
            }
        }
    }

    async fn receive(&mut self) -> Result<Input, Error> {
        let asked = Instant::now();
        let (limit, wait) = if self.reply.has_begun() {
            (self.patience, Wait::Stall)
        } else {
            (self.first_token_by.saturating_duration_since(asked), Wait::FirstToken)
        };
        let received =
            timeout(limit, self.answer.chunk()).await.map_err(|_| Error::Timeout(wait))?;
        self.patience = self.patience.saturating_sub(asked.elapsed());
        match received {
            Ok(Some(bytes)) => {
                self.decoder.feed(&bytes, &mut self.events);
                Ok(Input::Bytes)
            }
            Ok(None) => Ok(Input::End),
            Err(_) => Err(Error::Truncated),
        }
    }

    /// Numbers and closed names only: what is said stays out of traces.
    fn record(&mut self, item: &Result<Delta, Error>) {
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
