//! Moves a reply from the connection to its reader, on time.

use std::{collections::VecDeque, time::Duration};

use futures_util::stream;
use tokio::time::{Instant, timeout};

use crate::{
    Delta, DeltaStream, Error, Wait,
    span::Record,
    sse::{Decoder, Event},
};

/// How long the end of a connection is waited for once its reply is whole. Not
/// a setting: it decides only whether the connection can be used again, and a
/// server that means to keep it sends its end together with the last event.
const LINGER: Duration = Duration::from_millis(50);

/// How long usage and the mark of the end are waited for once the model has said
/// that it is done: the last sentence waits with them.
const BOOKKEEPING: Duration = Duration::from_secs(1);

/// One reply of one wire format, put together from the data of its events.
/// Plain and synchronous.
pub(crate) trait Reply: Send + 'static {
    /// Takes the data of one event.
    fn accept(&mut self, data: &str) -> Result<Progress, Error>;

    /// No more events come: the reply is whole if the model had finished.
    fn close(&mut self) -> Result<(), Error>;

    /// The next piece that is ready to be passed on.
    fn next(&mut self) -> Option<Delta>;

    /// Words, or a part of a function call, have come in.
    fn has_begun(&self) -> bool;

    /// The model has said that it is done: no words follow, whatever else does.
    fn is_done(&self) -> bool;
}

/// Whether more events may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

/// An accepted request and its limits.
pub(crate) struct Setup<R> {
    pub(crate) answer: reqwest::Response,
    pub(crate) reply: R,
    pub(crate) started: Instant,
    pub(crate) first_token_by: Instant,
    pub(crate) stall_timeout: Duration,
    pub(crate) max_event_bytes: usize,
}

struct Flow<R> {
    answer: reqwest::Response,
    decoder: Decoder,
    events: VecDeque<Event>,
    reply: R,
    first_token_by: Instant,
    stall_timeout: Duration,
    /// How much longer the next event may be waited for. A reader's own pauses
    /// do not count, and neither do comments.
    patience: Duration,
    record: Record,
}

/// How far a stream of deltas is.
enum Stage<R> {
    // Boxed: moved for every delta.
    Telling(Box<Flow<R>>),
    Finished(reqwest::Response),
    Over,
}

/// What the connection gave.
enum Input {
    Bytes,
    End,
}

/// The deltas of an accepted request. Whoever drops the stream drops the
/// connection; whoever reads it to its end leaves it to the next request.
pub(crate) fn deltas<R: Reply>(setup: Setup<R>) -> DeltaStream {
    let flow = Stage::Telling(Box::new(Flow::new(setup)));
    Box::pin(stream::unfold(flow, |stage| async move {
        match stage {
            Stage::Telling(mut flow) => {
                let item = flow.next().await;
                flow.record.item(&item);
                let next = match item {
                    Ok(Delta::Finished(_)) => Stage::Finished(flow.answer),
                    Ok(_) => Stage::Telling(flow),
                    Err(_) => Stage::Over,
                };
                Some((item, next))
            }
            Stage::Finished(answer) => {
                linger(answer).await;
                None
            }
            Stage::Over => None,
        }
    }))
}

/// Reads on to the end of the connection, which is then free for others.
async fn linger(mut answer: reqwest::Response) {
    let rest = async { while let Ok(Some(_)) = answer.chunk().await {} };
    // A connection that stays open is closed by dropping it.
    let _in_time = timeout(LINGER, rest).await;
}

// === impl Flow ===

impl<R: Reply> Flow<R> {
    fn new(setup: Setup<R>) -> Self {
        Self {
            answer: setup.answer,
            decoder: Decoder::new(setup.max_event_bytes),
            events: VecDeque::new(),
            reply: setup.reply,
            first_token_by: setup.first_token_by,
            stall_timeout: setup.stall_timeout,
            patience: setup.stall_timeout,
            record: Record::new(setup.started),
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
        let (limit, wait) = if self.reply.is_done() {
            (self.patience.min(BOOKKEEPING), Wait::Stall)
        } else if self.reply.has_begun() {
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
}
