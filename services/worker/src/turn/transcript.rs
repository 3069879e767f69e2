//! What turns have said so far, so that one that is cut off is remembered too:
//! "the first one" means something after a barge-in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexy_memory_management::{Exchange, Handle as Memory};
use nexy_text_processing::CUT_OFF;
use nexy_types::HardwareId;

/// The turns that run in this process and are to be remembered, by device.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<HardwareId, Vec<Arc<Transcript>>>>);

/// What a turn was asked and the segments that were sent. User content.
#[derive(Default)]
pub(super) struct Transcript {
    prompt: String,
    sent: Mutex<String>,
}

/// A turn that may be remembered: when it is dropped before its end, as cut off
/// where it was.
pub(super) struct Remembering<'a> {
    running: &'a Running,
    memory: &'a Memory,
    device: HardwareId,
    transcript: Arc<Transcript>,
    is_over: bool,
}

// === impl Running ===

impl Running {
    /// What running turns of a device have said so far. A device that asks the
    /// next question has interrupted them, though that may not be known here yet.
    pub(super) fn said_to(&self, device: &HardwareId) -> Vec<Exchange> {
        let running = self.lock();
        running.get(device).into_iter().flatten().filter_map(|turn| turn.cut_off()).collect()
    }

    pub(super) fn begin<'a>(
        &'a self,
        memory: &'a Memory,
        device: HardwareId,
        prompt: String,
    ) -> Remembering<'a> {
        let transcript = Arc::new(Transcript { prompt, sent: Mutex::default() });
        self.lock().entry(device.clone()).or_default().push(Arc::clone(&transcript));
        Remembering { running: self, memory, device, transcript, is_over: false }
    }

    fn end(&self, device: &HardwareId, transcript: &Arc<Transcript>) {
        let mut running = self.lock();
        if let Some(turns) = running.get_mut(device) {
            turns.retain(|turn| !Arc::ptr_eq(turn, transcript));
            if turns.is_empty() {
                running.remove(device);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HardwareId, Vec<Arc<Transcript>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Transcript ===

impl Transcript {
    /// One more segment is on its way.
    pub(super) fn add(&self, segment: &str) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if !sent.is_empty() {
            sent.push(' ');
        }
        sent.push_str(segment);
    }

    /// `None` while nothing was sent: there is nothing to come back to.
    fn cut_off(&self) -> Option<Exchange> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = (!sent.is_empty()).then(|| format!("{sent}{CUT_OFF}"))?;
        Some(Exchange { prompt: self.prompt.clone(), reply })
    }
}

// === impl Remembering ===

impl Remembering<'_> {
    pub(super) fn transcript(&self) -> Arc<Transcript> {
        Arc::clone(&self.transcript)
    }

    /// The turn came to its end. A whole reply is remembered; one that failed is
    /// not: nobody chose where it broke off, and the question will be asked again.
    pub(super) fn end(mut self, reply: Option<&String>) {
        self.is_over = true;
        if let Some(reply) = reply.cloned() {
            let exchange = Exchange { prompt: self.transcript.prompt.clone(), reply };
            self.memory.remember(self.device.clone(), exchange);
        }
    }
}

impl Drop for Remembering<'_> {
    /// Remembered before it is forgotten as running: who asks between sees it
    /// twice and not never.
    fn drop(&mut self) {
        if !self.is_over
            && let Some(exchange) = self.transcript.cut_off()
        {
            self.memory.remember(self.device.clone(), exchange);
        }
        self.running.end(&self.device, &self.transcript);
    }
}
