//! The bounded queue between a call and its client.
//!
//! Its receiving end is the response stream that the server polls when the
//! client has room. The frames of a turn that was stopped, or that a new
//! question replaced, are dropped at that end: from that moment none of them
//! can leave any more, however many were queued. Everything else leaves in
//! order, and the status comes last.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use nexy_interrupt_handling::RunningTurn;
use nexy_proto::streaming::{StreamResponse, stream_response::Content};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, metadata::MetadataMap};

use super::End;
use crate::{coordinator::StreamPermit, refusal::Refusal};

/// One message for the client, and the turn that it belongs to.
#[derive(Debug)]
pub(crate) struct Frame {
    /// `None`: the call's own, never dropped.
    turn: Option<Audible>,
    response: StreamResponse,
}

/// Whether the frames of a turn may leave, shared by the turn and its frames.
#[derive(Debug, Clone)]
pub(crate) struct Audible(Arc<AtomicBool>);

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
    /// What is still to tell when the queue is over; `None` until then.
    ending: Option<Ending>,
    told: bool,
}

/// The client is gone.
#[derive(Debug)]
pub(crate) struct Gone;

/// What is left of a call that has ended: an end that its client has not read.
#[derive(Debug)]
pub(crate) struct Tail(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    ending: Mutex<Ending>,
    holds: Mutex<Holds>,
    /// Cancelled when the client has read the end, or is gone.
    read: CancellationToken,
}

/// How the stream ends.
#[derive(Debug, Default)]
struct Ending {
    /// Frames that had no room in the queue any more.
    rest: VecDeque<Frame>,
    status: Option<Status>,
}

/// What a call keeps until its client has the end.
#[derive(Debug, Default)]
struct Holds {
    /// What an interrupt waits for, and silences.
    turn: Option<(RunningTurn, Audible)>,
    /// Given back when there is a bad end, or when the client has a good one. A
    /// client that stopped reading does not occupy a place for ever.
    permit: Option<StreamPermit>,
}

/// Makes a queue of so many frames.
pub(crate) fn queue(capacity: usize, permit: Option<StreamPermit>) -> (FrameSender, FrameStream) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    let shared = Arc::new(Shared {
        ending: Mutex::default(),
        holds: Mutex::new(Holds { turn: None, permit }),
        read: CancellationToken::new(),
    });
    let stream = FrameStream {
        queue: receiver,
        shared: Arc::clone(&shared),
        sent_any: false,
        ending: None,
        told: false,
    };
    (FrameSender { queue: sender, shared }, stream)
}

// === impl Frame ===

impl Frame {
    pub(crate) fn of_turn(turn: &Audible, response: StreamResponse) -> Self {
        Self { turn: Some(turn.clone()), response }
    }

    pub(crate) fn of_call(response: StreamResponse) -> Self {
        Self { turn: None, response }
    }

    fn may_leave(&self) -> bool {
        self.turn.as_ref().is_none_or(|turn| turn.0.load(Ordering::Acquire))
    }
}

// === impl Audible ===

impl Audible {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// From now on no frame of the turn leaves.
    pub(crate) fn silence(&self) {
        self.0.store(false, Ordering::Release);
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

    /// Sends those of the pending frames that there is room for; whether any was
    /// sent.
    pub(crate) fn send_ready(&self, pending: &mut VecDeque<Frame>) -> bool {
        let before = pending.len();
        while !pending.is_empty()
            && let Ok(room) = self.queue.try_reserve()
            && let Some(frame) = pending.pop_front()
        {
            room.send(frame);
        }
        pending.len() < before
    }

    /// Resolves when the client is gone.
    pub(crate) async fn closed(&self) {
        self.queue.closed().await;
    }

    /// Lets whoever interrupts the turn wait until the client has the end.
    pub(crate) fn hold_until_sent(&self, turn: RunningTurn, audible: Audible) {
        self.shared.holds().turn = Some((turn, audible));
    }

    /// Ends the stream after what is queued and the rest.
    pub(crate) fn finish(self, end: End, rest: VecDeque<Frame>, trailers: &MetadataMap) -> Tail {
        let mut status = match end {
            End::Done => Status::new(Code::Ok, ""),
            End::Refused(refusal) | End::Failed(refusal) => {
                self.shared.holds().permit = None;
                refusal.to_status()
            }
            // Nobody is there to read it.
            End::Vanished => {
                self.shared.holds().permit = None;
                Status::cancelled("")
            }
        };
        status.metadata_mut().as_mut().extend(trailers.clone().into_headers());
        *self.shared.ending() = Ending { rest, status: Some(status) };
        // Dropping the sender afterwards wakes the stream.
        Tail(Arc::clone(&self.shared))
    }
}

// === impl FrameStream ===

impl Stream for FrameStream {
    type Item = Result<StreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.told {
            return Poll::Ready(None);
        }
        if this.ending.is_none() {
            while let Some(frame) = ready!(this.queue.poll_recv(cx)) {
                if let Some(message) = this.live(frame) {
                    return Poll::Ready(Some(Ok(message)));
                }
            }
            this.ending = Some(std::mem::take(&mut *this.shared.ending()));
        }
        Poll::Ready(Some(this.last_words()))
    }
}

impl FrameStream {
    /// The message of a frame, unless its turn is over.
    fn live(&mut self, frame: Frame) -> Option<StreamResponse> {
        let may_leave = frame.may_leave();
        self.sent_any |= may_leave;
        may_leave.then_some(frame.response)
    }

    /// The rest of the frames, the error of a stream that has told nothing
    /// else, and the status.
    fn last_words(&mut self) -> Result<StreamResponse, Status> {
        let mut ending = self.ending.take().unwrap_or_default();
        while let Some(frame) = ending.rest.pop_front() {
            if let Some(message) = self.live(frame) {
                self.ending = Some(ending);
                return Ok(message);
            }
        }
        let status =
            ending.status.get_or_insert_with(|| Refusal::ended_unexpectedly().to_status()).clone();
        if !self.sent_any && status.code() != Code::Ok {
            self.sent_any = true;
            let error = Content::ErrorMessage(status.message().to_owned());
            self.ending = Some(ending);
            return Ok(StreamResponse { content: Some(error) });
        }
        self.told = true;
        self.shared.let_go();
        Err(status)
    }
}

impl Drop for FrameStream {
    fn drop(&mut self) {
        self.shared.let_go();
    }
}

// === impl Tail ===

impl Tail {
    /// Resolves when the client has read the end, or is gone. A turn that is
    /// stopped meanwhile says no more.
    pub(crate) async fn read(&self) {
        let Self(shared) = self;
        let turn = shared
            .holds()
            .turn
            .as_ref()
            .map(|(turn, audible)| (turn.stop().clone(), audible.clone()));
        if let Some((stop, audible)) = turn {
            tokio::select! {
                biased;
                () = shared.read.cancelled() => return,
                () = stop.cancelled() => audible.silence(),
            }
        }
        shared.read.cancelled().await;
    }

    /// Waits for the client no longer.
    pub(crate) fn give_up(&self) {
        self.0.let_go();
    }
}

// === impl Shared ===

impl Shared {
    fn ending(&self) -> std::sync::MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self) -> std::sync::MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_go(&self) {
        drop(std::mem::take(&mut *self.holds()));
        self.read.cancel();
    }
}

#[cfg(test)]
mod tests;
