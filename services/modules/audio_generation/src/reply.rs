use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use nexy_types::{BoxFuture, SampleRate, SpeechRate};
use tokio::time::{Instant, Sleep};
use tracing::{Instrument, Span, field};

use crate::{Error, PcmStream, Speech, Stage, Utterance};

/// Audio every utterance is allowed, whatever its length.
const LONGEST_BASE: Duration = Duration::from_secs(30);

/// Audio that one character is allowed on top: ten times what slow speech takes.
const LONGEST_PER_CHAR: Duration = Duration::from_secs(1);

/// Bytes in a sample of 16-bit mono PCM.
const SAMPLE_BYTES: u64 = 2;

/// How long a reply may keep its listener waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until the first byte of audio.
    pub(crate) first_byte: Duration,
    /// Between two chunks of audio.
    pub(crate) stall: Duration,
}

/// Audio that has a known rate, but no first byte yet.
pub(crate) struct Opened {
    pub(crate) sample_rate: SampleRate,
    /// See [`Speech`].
    pub(crate) rate_left: SpeechRate,
    pub(crate) pcm: PcmStream,
}

/// The audio of a reply while it arrives.
struct Arriving {
    pcm: Option<PcmStream>,
    first: Option<Bytes>,
    record: Record,
    stall_timeout: Duration,
    stall: Pin<Box<Sleep>>,
    waiting: bool,
    bytes_left: u64,
}

/// What the span of a reply says in the end. A reply that is dropped before its
/// end was cancelled.
struct Record {
    span: Span,
    bytes: u64,
    outcome: &'static str,
}

/// Runs `opening` in a `tts` span that closes with the last byte, waits for the
/// first byte, and bounds both waits and the length of the audio. A text without
/// words, and audio that ends before its first byte, is [`Error::Silent`]; for
/// the former nobody is asked.
pub(crate) fn spoken(
    provider: &'static str,
    utterance: &Utterance,
    patience: Patience,
    opening: impl Future<Output = Result<Opened, Error>> + Send + 'static,
) -> BoxFuture<'static, Result<Speech, Error>> {
    let span = tracing::info_span!(
        "tts",
        provider,
        first_byte_ms = field::Empty,
        audio_bytes = field::Empty,
        outcome = field::Empty
    );
    let longest = longest(utterance);
    let has_words = !is_blank(&utterance.text);
    let mut record = Record { span: span.clone(), bytes: 0, outcome: "cancelled" };
    let work = async move {
        let began = Instant::now();
        let first = async {
            if !has_words {
                return Err(Error::Silent);
            }
            let mut opened = opening.await?;
            let first = first_bytes(&mut opened.pcm).await?;
            Ok((opened, first))
        };
        let timed = tokio::time::timeout(patience.first_byte, first).await;
        let (opened, first) = timed
            .unwrap_or(Err(Error::Timeout { stage: Stage::FirstByte }))
            .inspect_err(|error| record.outcome = error.label())?;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        record.span.record("first_byte_ms", millis);
        Ok(Speech {
            sample_rate: opened.sample_rate,
            rate_left: opened.rate_left,
            pcm: Box::pin(Arriving::new(opened, first, record, patience.stall, longest)),
        })
    };
    Box::pin(work.instrument(span))
}

/// Whether nothing of a text can be said.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}

/// The longest audio that is believed for an utterance.
fn longest(utterance: &Utterance) -> Duration {
    let chars = u32::try_from(utterance.text.chars().count()).unwrap_or(u32::MAX);
    LONGEST_BASE.saturating_add(LONGEST_PER_CHAR.saturating_mul(chars))
}

/// The first chunk that has something in it.
async fn first_bytes(pcm: &mut PcmStream) -> Result<Bytes, Error> {
    loop {
        match pcm.next().await {
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(chunk) => return chunk,
            None => return Err(Error::Silent),
        }
    }
}

// === impl Arriving ===

impl Arriving {
    fn new(
        opened: Opened,
        first: Bytes,
        record: Record,
        stall_timeout: Duration,
        longest: Duration,
    ) -> Self {
        let samples = longest.as_secs().saturating_mul(u64::from(opened.sample_rate.hz()));
        Self {
            pcm: Some(opened.pcm),
            first: Some(first),
            record,
            stall_timeout,
            stall: Box::pin(tokio::time::sleep(stall_timeout)),
            waiting: false,
            bytes_left: samples.saturating_mul(SAMPLE_BYTES),
        }
    }

    /// The next chunk, or a time-out. Only the time in which somebody waits for
    /// audio counts: a listener who reads slowly is not a stalled voice.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(pcm) = self.pcm.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(item) = pcm.as_mut().poll_next(cx) {
            self.waiting = false;
            return Poll::Ready(item);
        }
        if !self.waiting {
            self.waiting = true;
            self.stall.as_mut().reset(Instant::now() + self.stall_timeout);
        }
        ready!(self.stall.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::Timeout { stage: Stage::Stall })))
    }

    /// Counts a chunk against the longest reply that is believed.
    fn admit(&mut self, chunk: Bytes) -> Result<Bytes, Error> {
        let bytes = chunk.len() as u64;
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Error::Endless)?;
        self.record.bytes += bytes;
        Ok(chunk)
    }

    /// Stops the voice at once and keeps how it ended.
    fn end(&mut self, outcome: &'static str) {
        self.pcm = None;
        self.record.outcome = outcome;
    }
}

impl Stream for Arriving {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.pcm.is_none() {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_chunk(cx)).map(|chunk| chunk.and_then(|c| self.admit(c)));
        match &item {
            Some(Ok(_)) => {}
            Some(Err(error)) => self.end(error.label()),
            None => self.end("ok"),
        }
        Poll::Ready(item)
    }
}

// === impl Record ===

impl Drop for Record {
    fn drop(&mut self) {
        self.span.record("audio_bytes", self.bytes);
        self.span.record("outcome", self.outcome);
    }
}

#[cfg(test)]
mod tests;
