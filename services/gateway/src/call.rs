//! One StreamAudio call: requests in, the frames of one turn after another out.
//!
//! The call is one task with one loop over everything that can happen to it.
//! Frames leave through a bounded queue ([`frames`]); while that is full the
//! worker's stream is not read, so a listener who does not read slows the
//! worker down instead of growing memory here.

mod end;
mod frames;
mod log;
mod source;
mod turn;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use http::HeaderMap;
use nexy_backpressure::{IdleWatch, MessageRate};
use nexy_proto::streaming::{
    StreamRequest, StreamResponse, stream_response::Content, turn_event::Kind,
};
use nexy_runtime::Shutdown;
use nexy_types::ErrorType;
use tokio::time::{Instant, sleep_until};
use tonic::{Status, Streaming};
use tracing::Instrument as _;

pub(crate) use self::{
    end::End,
    frames::{FrameSender, FrameStream, queue},
    turn::Guards,
};
use self::{
    end::{Over, idle, interrupted, leaving, over},
    frames::{Frame, Tail},
    log::TurnLog,
    turn::{Step, Turn},
};
use crate::{
    clock,
    convert::{self, Question},
    coordinator::ModuleCoordinator,
    decisions::{Named, Who},
    options::Options,
    refusal::Refusal,
    screenshot::Screenshot,
    validate::{self, Incoming, Phase},
};

/// The answer to a COLLECT.
const COLLECT_ACCEPTED: &str = "COLLECT_ACCEPTED";

/// What the end message of a reply says.
const REPLY_COMPLETED: &str = "REPLY_COMPLETED";

/// How close to its own deadline a client's reset counts as the deadline.
const DEADLINE_SLACK: Duration = Duration::from_millis(50);

/// A StreamAudio call that was admitted.
pub(crate) struct Call {
    modules: Arc<ModuleCoordinator>,
    shutdown: Shutdown,
    inbound: Streaming<StreamRequest>,
    out: FrameSender,
    options: Options,
    /// The head of the call, for the trace context in it.
    head: HeaderMap,
    deadline: Option<Instant>,
    rate: MessageRate,
    idle: IdleWatch,
    /// The turn that runs.
    turn: Option<Turn>,
    /// The log of the last turn, for the trailers.
    last: Option<TurnLog>,
    /// Frames that wait for room in the queue: those of one step at most.
    pending: VecDeque<Frame>,
    turns: u32,
    half_closed: bool,
}

/// What a call starts with.
pub(crate) struct Opening {
    pub(crate) modules: Arc<ModuleCoordinator>,
    pub(crate) shutdown: Shutdown,
    pub(crate) inbound: Streaming<StreamRequest>,
    pub(crate) out: FrameSender,
    pub(crate) options: Options,
    pub(crate) head: HeaderMap,
    pub(crate) deadline: Option<Duration>,
}

/// What the loop woke up for.
enum Event {
    End(End),
    Message(Result<Option<StreamRequest>, Status>),
    Step(Step),
    Sent,
}

/// Ends a call before its first message is read.
pub(crate) fn refuse(out: FrameSender, head: &HeaderMap, refusal: Refusal) {
    let end = End::Refused(refusal);
    let log = TurnLog::of_empty_call(head, &end);
    // It has no permit that anybody would have to wait for.
    let _tail = out.finish(end, VecDeque::new(), &log.trailers());
}

// === impl Call ===

impl Call {
    pub(crate) fn new(opening: Opening) -> Self {
        let Opening { modules, shutdown, inbound, out, options, head, deadline } = opening;
        let now = Instant::now();
        let limits = &modules.settings.backpressure;
        Self {
            rate: MessageRate::new(limits.max_message_rate_per_second),
            idle: IdleWatch::new(limits.idle_timeout, limits.grace_period, now.into_std()),
            deadline: deadline.and_then(|within| now.checked_add(within)),
            modules,
            shutdown,
            inbound,
            out,
            options,
            head,
            turn: None,
            last: None,
            pending: VecDeque::new(),
            turns: 0,
            half_closed: false,
        }
    }

    /// Runs the call to its end, leaves the last status in the queue, and waits
    /// until the client has read it; no longer than for any other silence.
    pub(crate) async fn run(mut self) {
        let end = loop {
            let ended = match self.event().await {
                Event::End(end) => Some(end),
                Event::Sent => {
                    self.moved();
                    None
                }
                Event::Step(step) => self.take_steps(step).err(),
                Event::Message(message) => {
                    self.moved();
                    self.take_message(message).await.err()
                }
            };
            if let Some(end) = ended.or_else(|| self.is_over().then_some(End::Done)) {
                break end;
            }
        };
        let limits = &self.modules.settings.backpressure;
        let patience = Instant::now() + limits.idle_timeout + limits.grace_period;
        let until = self.deadline.map_or(patience, |deadline| deadline.min(patience));
        let force = self.shutdown.force().clone();
        let tail = self.finish(end);
        tokio::select! {
            biased;
            // The client has it, or is gone.
            () = tail.read() => {}
            // The process leaves and waits no longer.
            () = force.cancelled() => {}
            // It does not read.
            () = sleep_until(until) => {}
        }
        tail.give_up();
    }

    /// Waits for the next thing that happens. Cancel-safe in every arm.
    async fn event(&mut self) -> Event {
        let closes_at = Instant::from_std(self.idle.closes_at());
        let busy = self.turn.is_some();
        let stop = self.turn.as_ref().map(Turn::stop);
        tokio::select! {
            biased;
            over = over(&self.shutdown, stop, self.deadline, &self.out) => {
                Event::End(self.end_of(over))
            }
            // A frame has room: it goes before anything new is read.
            sent = self.out.send_first(&mut self.pending), if !self.pending.is_empty() => match sent {
                Ok(()) => Event::Sent,
                Err(frames::Gone) => Event::End(self.gone()),
            },
            // The client says something, perhaps in the middle of a turn.
            // Not while its own answers pile up unread.
            message = self.inbound.message(), if !self.half_closed && !self.is_clogged() => {
                Event::Message(message)
            }
            // The worker has something for the client.
            step = turn::next(self.turn.as_mut()), if busy && self.pending.is_empty() => {
                Event::Step(step)
            }
            // The process leaves, and nothing runs here that could finish.
            () = self.shutdown.drain().cancelled(), if !busy && self.pending.is_empty() => {
                Event::End(End::Refused(leaving()))
            }
            // Nothing has moved for too long.
            () = sleep_until(closes_at) => Event::End(End::Refused(idle())),
        }
    }

    fn is_over(&self) -> bool {
        self.half_closed && self.turn.is_none() && self.pending.is_empty()
    }

    /// Whether the client asks on without reading what it is told.
    fn is_clogged(&self) -> bool {
        self.pending.len() >= self.modules.settings.grpc.frame_buffer
    }

    fn moved(&mut self) {
        self.idle.moved(clock::now());
    }

    async fn take_message(
        &mut self,
        message: Result<Option<StreamRequest>, Status>,
    ) -> Result<(), End> {
        let request = match message {
            Ok(Some(request)) => request,
            Ok(None) => {
                self.half_closed = true;
                return Ok(());
            }
            Err(status) => return Err(self.broken_inbound(&status)),
        };
        let mut log = TurnLog::start(validate::identity(&request), &self.head);
        let admission = tracing::info_span!(parent: log.span(), "admission");
        match self.accept(request, &mut log).instrument(admission).await {
            // A question's log is with its turn now.
            Ok(()) if log.is_handed_over() => Ok(()),
            Ok(()) => {
                log.complete();
                // The trailers are those of the last turn, if there was one.
                if self.turns == 0 {
                    self.last = Some(log);
                }
                Ok(())
            }
            Err(end) => {
                log.end_as(&end);
                self.last = Some(log);
                Err(end)
            }
        }
    }

    /// Does what a message asks for, or says why not.
    async fn accept(&mut self, request: StreamRequest, log: &mut TurnLog) -> Result<(), End> {
        if let Err(exceeded) = self.rate.admit(clock::now()) {
            nexy_telemetry::emit(&Named {
                decision: "rate_limit_exceeded",
                who: log.who().clone(),
            });
            return Err(Refusal::new(ErrorType::RateLimitExceeded, exceeded.to_string()).into());
        }
        let mut incoming = validate::stream_request(request, &self.modules.settings)?;
        let screenshot = match incoming.screenshot.take() {
            None => None,
            Some(base64) => Some(self.decoded(base64).await?),
        };
        match &incoming.phase {
            Phase::Collect { seq, text } => {
                self.modules.collect(&incoming, *seq, text, screenshot)?;
                self.pending.push_back(Frame::of_call(convert::response(Content::EndMessage(
                    COLLECT_ACCEPTED.to_owned(),
                ))));
                Ok(())
            }
            Phase::Ask { prompt } => {
                let prompt = prompt.clone();
                Ok(self.ask(incoming, prompt, screenshot, log)?)
            }
        }
    }

    /// A turn may still speak meanwhile, and be stopped.
    async fn decoded(&mut self, base64: String) -> Result<Screenshot, End> {
        let stop = self.turn.as_ref().map(Turn::stop);
        tokio::select! {
            biased;
            over = over(&self.shutdown, stop, self.deadline, &self.out) => Err(self.end_of(over)),
            decoded = self.modules.decode_screenshot(base64) => Ok(decoded?),
        }
    }

    /// Starts a turn, in place of the one that runs.
    fn ask(
        &mut self,
        incoming: Incoming,
        prompt: String,
        screenshot: Option<Screenshot>,
        log: &mut TurnLog,
    ) -> Result<(), Refusal> {
        let waiting = self.modules.take_waiting(&incoming.device);
        let flags = self.modules.live.snapshot().on_device(&incoming.device);
        if self.shutdown.is_draining() {
            return Err(leaving());
        }
        if !flags.answering_enabled() {
            return Err(Refusal::unavailable("answering is switched off"));
        }
        let merged = self.modules.merge_collected(&incoming, &prompt);
        let prompt = validate::prompt(merged.prompt, &self.modules.settings)?;
        self.barge_in();
        let guards = self.modules.begin_turn(&incoming)?;
        let worker = self
            .modules
            .workers
            .choose()
            .ok_or_else(|| Refusal::unavailable("no worker is ready"))?;
        // Only now is the turn certain to run: a refusal keeps the buffer.
        self.modules.forget_collected(&incoming);

        self.turns += 1;
        let transport = self.modules.transport(&self.options, &flags, &incoming.device);
        let request = convert::respond_request(Question {
            turn: guards.number,
            incoming: &incoming,
            prompt,
            screenshot: screenshot.or(merged.screenshot),
            options: &self.options,
            actions_enabled: transport.is_some(),
            waiting,
        });
        let turn = Turn::begin(turn::Beginning {
            modules: Arc::clone(&self.modules),
            index: self.turns,
            device: incoming.device,
            session: incoming.session,
            guards,
            worker,
            request,
            deadline: self.deadline,
            transport,
            format: convert::promised_format(&self.modules.settings),
            log: log.hand_over(),
        });
        self.announce(&turn, Kind::Started, "");
        self.turn = Some(turn);
        Ok(())
    }

    /// A new question while a turn speaks: the listener has heard enough.
    fn barge_in(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.audible.silence();
            self.announce(&turn, Kind::Interrupted, "");
            turn.end_interrupted();
        }
    }

    /// Takes a step, and those behind it that are there already, as many as the
    /// queue holds. They leave together: what the worker says at once costs one
    /// wake-up and one write, not one for each frame.
    fn take_steps(&mut self, first: Step) -> Result<(), End> {
        let mut next = Some(first);
        while let Some(step) = next {
            self.take_step(step)?;
            let is_full = self.is_clogged();
            next = match &mut self.turn {
                Some(turn) if !is_full => turn.next().now_or_never(),
                _ => None,
            };
        }
        if self.out.send_ready(&mut self.pending) {
            self.moved();
        }
        Ok(())
    }

    fn take_step(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Nothing => Ok(()),
            Step::Frame(response) => {
                if let Some(turn) = &self.turn {
                    self.pending.push_back(Frame::of_turn(&turn.audible, *response));
                }
                Ok(())
            }
            Step::Completed(waiting) => {
                if let Some(turn) = self.turn.take() {
                    self.modules.settle_waiting(&turn.device, waiting);
                    let end = convert::response(Content::EndMessage(REPLY_COMPLETED.to_owned()));
                    self.pending.push_back(Frame::of_turn(&turn.audible, end));
                    self.announce(&turn, Kind::Completed, "");
                    self.last = Some(turn.end_completed());
                }
                Ok(())
            }
            Step::Failed(refusal) => Err(End::Failed(refusal)),
        }
    }

    fn announce(&mut self, turn: &Turn, kind: Kind, reason: &str) {
        if self.options.turn_events {
            let event = convert::turn_event(turn.index, kind, reason);
            self.pending.push_back(Frame::of_call(event));
        }
    }

    /// The client's stream broke, or carried something that is no message.
    fn broken_inbound(&self, status: &Status) -> End {
        match status.code() {
            tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => {
                End::Refused(Refusal::invalid("the message is larger than the limit of the server"))
            }
            tonic::Code::InvalidArgument | tonic::Code::Internal => {
                End::Refused(Refusal::invalid("the message cannot be read"))
            }
            _ => self.gone(),
        }
    }

    fn end_of(&self, over: Over) -> End {
        match over {
            Over::Leaving => End::Refused(leaving()),
            Over::Stopped => End::Refused(interrupted()),
            Over::OutOfTime => End::Refused(Refusal::deadline_exceeded()),
            Over::Gone => self.gone(),
        }
    }

    /// The client reset the call: when its time was up, or because it hung up.
    fn gone(&self) -> End {
        let at_deadline = self
            .deadline
            .is_some_and(|at| at.saturating_duration_since(Instant::now()) <= DEADLINE_SLACK);
        if at_deadline { End::Refused(Refusal::deadline_exceeded()) } else { End::Vanished }
    }

    fn finish(mut self, end: End) -> Tail {
        let log = match (self.turn.take(), self.last.take()) {
            (Some(turn), _) => self.cut(turn, &end),
            (None, Some(last)) => last,
            // Nothing was ever asked: one pair of lines all the same.
            (None, None) => TurnLog::of_empty_call(&self.head, &end),
        };
        if let End::Refused(Refusal { error: ErrorType::StreamIdleTimeout, .. }) = &end {
            let who = Who::clone(log.who());
            nexy_telemetry::emit(&Named { decision: "stream_idle_timeout", who });
        }
        self.out.finish(end, self.pending, &log.trailers())
    }

    /// Ends the turn that runs together with its call. From here on none of its
    /// frames leaves, unless it failed by itself.
    fn cut(&mut self, turn: Turn, end: &End) -> TurnLog {
        let (index, audible) = (turn.index, turn.audible.clone());
        let is_silent = !matches!(end, End::Failed(_));
        if is_silent {
            audible.silence();
        }
        if let (true, Some(refusal)) = (self.options.turn_events, end.refusal()) {
            self.pending.push_back(Frame::of_call(turn_ended(index, refusal)));
        }
        let (log, running) = turn.end(end);
        if is_silent {
            running.fall_silent();
        }
        self.out.hold_until_sent(running, audible);
        log
    }
}

fn turn_ended(index: u32, refusal: &Refusal) -> StreamResponse {
    let kind = match refusal.error {
        ErrorType::CancelledByUser => Kind::Interrupted,
        _ => Kind::Failed,
    };
    let reason = if kind == Kind::Failed { refusal.error.as_str() } else { "" };
    convert::turn_event(index, kind, reason)
}
