//! The bounded queue between a call and its client.
//!
//! Its receiving end is the response stream that the server polls when the
//! client has room. Two things can overtake what is queued: the end of the
//! call after an error, and the frames of a turn that a new question replaced.
//! So the moment a turn is stopped none of its frames can leave any more,
//! however many were queued.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::Stream;
use nexy_interrupt_handling::RunningTurn;
use nexy_proto::streaming::{StreamResponse, stream_response::Content};
use tokio::sync::mpsc;
use tonic::{Code, Status, metadata::MetadataMap};

use super::End;
use crate::coordinator::StreamPermit;

/// One message for the client, and the turn that it belongs to.
#[derive(Debug)]
pub(crate) struct Frame {
    /// 0: the call's own, never dropped.
    turn: u32,
    response: StreamResponse,
}

/// The call's end of the queue.
#[derive(Debug)]
pub(crate) struct FrameSender {
    queue: mpsc::Sender<Frame>,
    shared: Arc<Shared>,
}

/// The client's end of the queue.
#[derive(Debug)]
pub(crate) struct FrameStream {
    queue: mpsc::Receiver<Frame>,
    shared: Arc<Shared>,
    sent_any: bool,
    last: Last,
    permit: Option<StreamPermit>,
}

/// The client is gone.
#[derive(Debug)]
pub(crate) struct Gone;

#[derive(Debug, Default)]
struct Shared {
    /// Frames of earlier turns are dropped.
    live_from: AtomicU32,
    ending: Mutex<Ending>,
}

/// How the stream is to end, once that is known.
#[derive(Debug, Default)]
struct Ending {
    status: Option<Status>,
    /// Whether it overtakes what is queued.
    at_once: bool,
    /// Told before the status to a client that asked for turn events.
    event: Option<StreamResponse>,
    /// What an interrupt waits for: dropped when the client has the end.
    held: Option<RunningTurn>,
}

/// What is left to tell when the queue is over.
#[derive(Debug)]
enum Last {
    NotYet,
    Status(Status),
    Told,
}

/// Makes a queue of so many frames. The permit is given back with the stream.
pub(crate) fn queue(capacity: usize, permit: Option<StreamPermit>) -> (FrameSender, FrameStream) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    let shared = Arc::new(Shared::default());
    let stream = FrameStream {
        queue: receiver,
        shared: Arc::clone(&shared),
        sent_any: false,
        last: Last::NotYet,
        permit,
    };
    (FrameSender { queue: sender, shared }, stream)
}

// === impl Frame ===

impl Frame {
    pub(crate) fn of_turn(turn: u32, response: StreamResponse) -> Self {
        Self { turn, response }
    }

    pub(crate) fn of_call(response: StreamResponse) -> Self {
        Self { turn: 0, response }
    }

    pub(crate) fn turn(&self) -> u32 {
        self.turn
    }
}

// === impl FrameSender ===

impl FrameSender {
    /// Sends the first of the pending frames as soon as there is room. Nothing
    /// is lost when the future is dropped.
    pub(crate) async fn send_first(&self, pending: &mut VecDeque<Frame>) -> Result<(), Gone> {
        let room = self.queue.reserve().await.map_err(|_| Gone)?;
        if let Some(frame) = pending.pop_front() {
            room.send(frame);
        }
        Ok(())
    }

    /// Resolves when the client is gone.
    pub(crate) async fn closed(&self) {
        self.queue.closed().await;
    }

    /// From now on no frame of a turn before this one leaves.
    pub(crate) fn drop_before(&self, turn: u32) {
        self.shared.live_from.store(turn, Ordering::Release);
    }

    /// Lets whoever interrupted the turn wait until the client has the end.
    pub(crate) fn hold_until_sent(&self, turn: RunningTurn) {
        self.shared.lock().held = Some(turn);
    }

    /// A last message, told even when the end overtakes what is queued.
    pub(crate) fn last_event(&self, event: StreamResponse) {
        self.shared.lock().event = Some(event);
    }

    /// Ends the stream: in its turn when all went well, at once otherwise.
    pub(crate) fn finish(self, end: End, trailers: &MetadataMap) {
        let mut ending = self.shared.lock();
        let mut status = match end {
            End::Done => Status::new(Code::Ok, ""),
            End::Refused(refusal) => {
                ending.at_once = true;
                refusal.to_status()
            }
            // Nobody is there to read it.
            End::Vanished => {
                ending.at_once = true;
                Status::cancelled("")
            }
        };
        status.metadata_mut().as_mut().extend(trailers.clone().into_headers());
        ending.status = Some(status);
        // Dropping the sender afterwards wakes the stream.
    }
}

// === impl FrameStream ===

impl Stream for FrameStream {
    type Item = Result<StreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.last, Last::NotYet) {
                Last::Told => {
                    this.last = Last::Told;
                    return Poll::Ready(None);
                }
                Last::Status(status) => return Poll::Ready(Some(Err(this.tell(status)))),
                Last::NotYet => {}
            }
            if let Some((message, status)) = this.overtaking_end() {
                this.last = Last::Status(status);
                match message {
                    Some(message) => return Poll::Ready(Some(Ok(message))),
                    None => continue,
                }
            }
            match this.queue.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(frame)) if this.is_stale(&frame) => {}
                Poll::Ready(Some(frame)) => {
                    this.sent_any = true;
                    return Poll::Ready(Some(Ok(frame.response)));
                }
                Poll::Ready(None) => {
                    let status = this.shared.lock().status.take();
                    this.last = Last::Status(status.unwrap_or_else(ended_unexpectedly));
                }
            }
        }
    }
}

impl FrameStream {
    fn is_stale(&self, frame: &Frame) -> bool {
        frame.turn != 0 && frame.turn < self.shared.live_from.load(Ordering::Acquire)
    }

    /// An end that does not wait for the queue, and the message before it:
    /// the turn event that was asked for, or the error of a stream that has
    /// told nothing yet.
    fn overtaking_end(&mut self) -> Option<(Option<StreamResponse>, Status)> {
        let mut ending = self.shared.lock();
        if !ending.at_once {
            return None;
        }
        let status = ending.status.take()?;
        ending.at_once = false;
        let error = (!self.sent_any)
            .then(|| Content::ErrorMessage(status.message().to_owned()))
            .map(|content| StreamResponse { content: Some(content) });
        let message = error.or_else(|| ending.event.take());
        Some((message, status))
    }

    fn tell(&mut self, status: Status) -> Status {
        self.last = Last::Told;
        self.queue.close();
        self.permit = None;
        self.shared.lock().held = None;
        status
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call's task is gone without an end: it has panicked.
fn ended_unexpectedly() -> Status {
    let error = nexy_types::ErrorType::Internal;
    crate::refusal::Refusal::new(error, "the call ended unexpectedly").to_status()
}

#[cfg(test)]
mod tests;
