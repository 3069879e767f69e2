//! A model that does what it is told, for tests of everything that uses models.

use std::{
    collections::VecDeque,
    future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use nexy_types::{BoxFuture, ImageFormat};
use tokio::time::{Instant, timeout_at};

use crate::{ChatRequest, Delta, DeltaStream, Error, FinishReason, LanguageModel, Wait};

/// One thing that a scripted model does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Says this.
    Delta(Delta),
    /// Waits, by tokio's clock.
    Delay(Duration),
    /// Fails: as the first step before the reply has begun, else inside it.
    Error(Error),
    /// Never goes on.
    Hang,
}

/// Plays one script for every request, or a queue of them. A script that ends
/// without [`Delta::Finished`] is a reply that was cut off.
pub struct ScriptedModel {
    name: &'static str,
    formats: Vec<ImageFormat>,
    state: Arc<State>,
}

struct State {
    scripts: Mutex<VecDeque<Vec<Step>>>,
    requests: Mutex<Vec<Arc<ChatRequest>>>,
    open_replies: AtomicUsize,
}

/// A model that bounds its waits, as clients of real ones do, around one that
/// does not.
pub struct Impatient {
    /// The model that is waited for.
    pub model: Arc<dyn LanguageModel>,
    /// From the request to the first delta.
    pub first_token: Duration,
    /// Between two deltas.
    pub stall: Duration,
}

/// What remains of one script while it is played.
struct Play {
    steps: std::vec::IntoIter<Step>,
    state: Arc<State>,
}

// === impl Step ===

impl Step {
    /// Says these words.
    pub fn text(words: impl Into<String>) -> Self {
        Self::Delta(Delta::Text(words.into()))
    }

    /// Ends the reply well.
    #[must_use]
    pub const fn stop() -> Self {
        Self::Delta(Delta::Finished(FinishReason::Stop))
    }
}

// === impl ScriptedModel ===

impl ScriptedModel {
    /// Plays `steps` for every request.
    #[must_use]
    pub fn new(name: &'static str, steps: Vec<Step>) -> Self {
        Self::queue(name, [steps])
    }

    /// Plays one script after the other; the last one again and again.
    #[must_use]
    pub fn queue(name: &'static str, scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let state = State {
            scripts: Mutex::new(scripts.into_iter().collect()),
            requests: Mutex::default(),
            open_replies: AtomicUsize::new(0),
        };
        Self { name, formats: Vec::new(), state: Arc::new(state) }
    }

    /// Says `text` word by word and ends well.
    #[must_use]
    pub fn saying(name: &'static str, text: &str) -> Self {
        let words = text.split_inclusive(' ').map(Step::text);
        Self::new(name, words.chain([Step::stop()]).collect())
    }

    /// Reads these kinds of images; without it, none.
    #[must_use]
    pub fn reading(mut self, formats: &[ImageFormat]) -> Self {
        self.formats = formats.to_vec();
        self
    }

    /// What was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<ChatRequest>> {
        self.state.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replies that are neither over nor dropped.
    #[must_use]
    pub fn open_replies(&self) -> usize {
        self.state.open_replies.load(Ordering::SeqCst)
    }
}

impl LanguageModel for ScriptedModel {
    fn name(&self) -> &'static str {
        self.name
    }

    fn image_formats(&self) -> &[ImageFormat] {
        &self.formats
    }

    fn reply(&self, request: Arc<ChatRequest>) -> BoxFuture<'static, Result<DeltaStream, Error>> {
        let steps = self.state.take_script(request);
        if let Some(Step::Error(error)) = steps.first() {
            let error = error.clone();
            return Box::pin(future::ready(Err(error)));
        }
        let play = Play::start(steps, Arc::clone(&self.state));
        Box::pin(future::ready(Ok(play.into_stream())))
    }
}

// === impl Impatient ===

impl LanguageModel for Impatient {
    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn image_formats(&self) -> &[ImageFormat] {
        self.model.image_formats()
    }

    fn reply(&self, request: Arc<ChatRequest>) -> BoxFuture<'static, Result<DeltaStream, Error>> {
        let (opening, stall) = (self.model.reply(request), self.stall);
        let first_token_by = Instant::now() + self.first_token;
        Box::pin(async move {
            let opened = timeout_at(first_token_by, opening).await;
            let stream = opened.unwrap_or(Err(Error::Timeout(Wait::FirstToken)))?;
            let waiting = Some((stream, first_token_by, Wait::FirstToken));
            let deltas: DeltaStream =
                Box::pin(stream::unfold(waiting, move |waiting| async move {
                    let (mut stream, until, wait) = waiting?;
                    match timeout_at(until, stream.next()).await {
                        Ok(Some(item)) => {
                            Some((item, Some((stream, Instant::now() + stall, Wait::Stall))))
                        }
                        Ok(None) => None,
                        Err(_) => Some((Err(Error::Timeout(wait)), None)),
                    }
                }));
            Ok(deltas)
        })
    }
}

// === impl State ===

impl State {
    fn take_script(&self, request: Arc<ChatRequest>) -> Vec<Step> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if scripts.len() > 1 {
            scripts.pop_front().unwrap_or_default()
        } else {
            scripts.front().cloned().unwrap_or_default()
        }
    }
}

// === impl Play ===

impl Play {
    fn start(steps: Vec<Step>, state: Arc<State>) -> Self {
        state.open_replies.fetch_add(1, Ordering::SeqCst);
        Self { steps: steps.into_iter(), state }
    }

    fn into_stream(self) -> DeltaStream {
        Box::pin(stream::unfold(Some(self), |play| async move {
            let mut play = play?;
            let item = play.next().await;
            let is_last = matches!(item, Err(_) | Ok(Delta::Finished(_)));
            Some((item, (!is_last).then_some(play)))
        }))
    }

    async fn next(&mut self) -> Result<Delta, Error> {
        loop {
            match self.steps.next() {
                Some(Step::Delta(delta)) => return Ok(delta),
                Some(Step::Delay(delay)) => tokio::time::sleep(delay).await,
                Some(Step::Error(error)) => return Err(error),
                Some(Step::Hang) => future::pending().await,
                None => return Err(Error::Truncated),
            }
        }
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.state.open_replies.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
