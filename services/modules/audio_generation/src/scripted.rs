//! A voice that does what a test tells it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use nexy_types::{BoxFuture, SampleRate, SpeechRate};

use crate::{Error, PcmStream, Speech, SpeechSynthesizer, Utterance, reply::is_blank};

/// One thing that a [`ScriptedSynthesizer`] does. What stands before the first
/// audio happens before `synthesize` resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Waits.
    Wait(Duration),
    /// Delivers these bytes as one chunk.
    Pcm(Bytes),
    /// Delivers so much of an audible square wave as one chunk.
    Sound(Duration),
    /// Delivers so much silence as one chunk.
    Silence(Duration),
    /// Waits for ever.
    Stall,
    /// Fails.
    Fail(Error),
}

/// Plays scripts, one per utterance, in the order they were given. An utterance
/// without a script is [`Error::Unavailable`], one without words takes no script
/// and is [`Error::Silent`]. Clones share everything.
#[derive(Debug, Clone)]
pub struct ScriptedSynthesizer {
    name: &'static str,
    sample_rate: SampleRate,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    utterances: Mutex<Vec<Utterance>>,
    active: AtomicUsize,
    cancelled: AtomicUsize,
    warm_ups: AtomicUsize,
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Vec<Step>>,
    otherwise: Option<Vec<Step>>,
}

/// Counts a reply while it runs, and whether it was dropped before its end.
struct Running {
    shared: Arc<Shared>,
    over: bool,
}

// === impl ScriptedSynthesizer ===

impl ScriptedSynthesizer {
    /// A voice without a script.
    #[must_use]
    pub fn new(name: &'static str, sample_rate: SampleRate) -> Self {
        Self { name, sample_rate, shared: Arc::default() }
    }

    /// Adds the script of one more utterance.
    #[must_use]
    pub fn then(self, steps: impl Into<Vec<Step>>) -> Self {
        lock(&self.shared.script).next.push_back(steps.into());
        self
    }

    /// Sets the script of every utterance that has none of its own.
    #[must_use]
    pub fn always(self, steps: impl Into<Vec<Step>>) -> Self {
        lock(&self.shared.script).otherwise = Some(steps.into());
        self
    }

    /// What it was asked to say so far.
    #[must_use]
    pub fn utterances(&self) -> Vec<Utterance> {
        lock(&self.shared.utterances).clone()
    }

    /// How often it was warmed up.
    #[must_use]
    pub fn warm_ups(&self) -> usize {
        self.shared.warm_ups.load(Ordering::SeqCst)
    }

    /// Replies that are running now.
    #[must_use]
    pub fn active(&self) -> usize {
        self.shared.active.load(Ordering::SeqCst)
    }

    /// Replies that were dropped before their end.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    fn play(&self, steps: Vec<Step>) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let rate = self.sample_rate;
        let running = Running::new(Arc::clone(&self.shared));
        let begin = (running, VecDeque::from(steps));
        stream::unfold(begin, move |(mut running, mut steps)| async move {
            loop {
                let item = match steps.pop_front() {
                    Some(Step::Wait(time)) => {
                        tokio::time::sleep(time).await;
                        continue;
                    }
                    Some(Step::Stall) => std::future::pending().await,
                    Some(Step::Pcm(bytes)) => Ok(bytes),
                    Some(Step::Sound(time)) => Ok(square_wave(rate, time, 8000)),
                    Some(Step::Silence(time)) => Ok(square_wave(rate, time, 0)),
                    Some(Step::Fail(error)) => {
                        running.end();
                        steps.clear();
                        Err(error)
                    }
                    None => {
                        running.end();
                        return None;
                    }
                };
                return Some((item, (running, steps)));
            }
        })
    }
}

impl SpeechSynthesizer for ScriptedSynthesizer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn synthesize(&self, utterance: Utterance) -> BoxFuture<'static, Result<Speech, Error>> {
        let has_words = !is_blank(&utterance.text);
        lock(&self.shared.utterances).push(utterance);
        if !has_words {
            return Box::pin(async { Err(Error::Silent) });
        }
        let steps = {
            let mut script = lock(&self.shared.script);
            script.next.pop_front().or_else(|| script.otherwise.clone())
        };
        let sample_rate = self.sample_rate;
        let unscripted = vec![Step::Fail(Error::Unavailable { reason: "nothing is scripted" })];
        let mut pcm: PcmStream = Box::pin(self.play(steps.unwrap_or(unscripted)));
        Box::pin(async move {
            let first = pcm.next().await.ok_or(Error::Silent)??;
            let pcm = Box::pin(stream::iter([Ok(first)]).chain(pcm));
            Ok(Speech { sample_rate, rate_left: SpeechRate::NORMAL, pcm })
        })
    }

    /// Takes for ever, as a provider does that cannot be reached.
    fn warm_up(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.shared.warm_ups.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }
}

/// A square wave of about 200 Hz; amplitude 0 is silence.
fn square_wave(rate: SampleRate, time: Duration, amplitude: i16) -> Bytes {
    let samples = time.as_micros() * u128::from(rate.hz()) / 1_000_000;
    let half_period = u128::from(rate.hz() / 400).max(1);
    let mut pcm = BytesMut::new();
    for sample in 0..samples {
        let is_up = (sample / half_period) % 2 == 0;
        pcm.put_i16_le(if is_up { amplitude } else { -amplitude });
    }
    pcm.freeze()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Running ===

impl Running {
    fn new(shared: Arc<Shared>) -> Self {
        shared.active.fetch_add(1, Ordering::SeqCst);
        Self { shared, over: false }
    }

    const fn end(&mut self) {
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.active.fetch_sub(1, Ordering::SeqCst);
        if !self.over {
            self.shared.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests;
