//! The worker's side of a turn: asked once, and again elsewhere if the worker
//! breaks before it has said anything.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _, TryFutureExt as _};
use nexy_proto::worker::{RespondEvent, RespondRequest, respond_event::Event};
use nexy_runtime::grpc::{client_ended, client_span};
use nexy_telemetry::propagation;
use tokio::time::Instant;
use tonic::{Code, Request, Status};
use tracing::Span;

use crate::{
    coordinator::ModuleCoordinator,
    decisions::{TurnMoved, Who},
    refusal::Refusal,
    workers::{Chosen, may_pass_elsewhere},
};

/// How spans name the call, from the .proto file.
const RESPOND: &str = "/nexy.worker.v1.Worker/Respond";
/// The shortest time that a call can be given: gRPC knows no time-out of zero.
const AT_LEAST: Duration = Duration::from_millis(1);

type Events = Pin<Box<dyn Stream<Item = Result<RespondEvent, Status>> + Send>>;

/// The events of one turn. Dropping it cancels the worker's side.
pub(super) struct Source {
    modules: Arc<ModuleCoordinator>,
    worker: Chosen,
    events: Events,
    /// Kept until something of the reply is on its way to the client: from
    /// then on a second reply would contradict the first.
    request: Option<RespondRequest>,
    /// The number of the turn.
    turn: u64,
    tried: Vec<Arc<str>>,
    /// Whether being down is no reason to leave the worker any more.
    stays: bool,
    times: Times,
    /// Of the turn.
    span: Span,
    /// Of the call to the worker.
    asking: Span,
    who: Who,
}

/// What a turn asks of its worker.
pub(super) struct Asking {
    pub(super) modules: Arc<ModuleCoordinator>,
    pub(super) worker: Chosen,
    pub(super) request: RespondRequest,
    /// When the client's own time is up.
    pub(super) deadline: Option<Instant>,
    /// What the worker's side belongs to in the trace.
    pub(super) span: Span,
    pub(super) who: Who,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    /// The client's.
    deadline: Option<Instant>,
    /// The end of the turn's budget: workers share it, and none is asked after it.
    budget_ends: Instant,
}

/// Why a worker's side of a turn broke.
#[derive(Debug)]
enum Trouble {
    /// The stream ended without a terminal frame.
    BrokenOff,
    /// The call failed, or its connection.
    Status(Status),
    /// It does not answer to being asked how it is.
    Down,
}

// === impl Source ===

impl Source {
    pub(super) fn new(asking: Asking) -> Self {
        let Asking { modules, worker, request, deadline, span, who } = asking;
        let times =
            Times { deadline, budget_ends: Instant::now() + modules.settings.llm.turn_budget };
        let asking = call_span(&worker, &span);
        let events = events(&worker, request.clone(), times, &asking);
        let tried = vec![Arc::clone(worker.addr())];
        let turn = request.turn;
        let request = Some(request);
        Self {
            modules,
            worker,
            events,
            request,
            turn,
            tried,
            stays: false,
            times,
            span,
            asking,
            who,
        }
    }

    /// The next event, from whichever worker gives it. Cancel-safe.
    ///
    /// # Errors
    /// What the client is told when no worker can go on.
    pub(super) async fn next(&mut self) -> Result<RespondEvent, Refusal> {
        loop {
            let trouble = match self.event().await {
                // A frame of another turn has no business here, and proves nothing.
                Ok(event) if event.turn != self.turn => continue,
                Ok(event) => {
                    self.note(&event);
                    return Ok(event);
                }
                Err(trouble) => trouble,
            };
            self.blame(&trouble);
            if self.moves(&trouble) {
                continue;
            }
            match trouble {
                // Slow to say how it is, and nobody else is there: it may still
                // answer.
                Trouble::Down => self.stays = true,
                Trouble::BrokenOff | Trouble::Status(_) => return Err(trouble.refusal()),
            }
        }
    }

    async fn event(&mut self) -> Result<RespondEvent, Trouble> {
        let may_leave = self.request.is_some() && !self.stays;
        tokio::select! {
            biased;
            // What the worker says counts for more than what is said of it.
            event = self.events.next() => match event {
                Some(Ok(event)) => Ok(event),
                Some(Err(status)) => Err(Trouble::Status(status)),
                None => Err(Trouble::BrokenOff),
            },
            // Nothing was said yet, so another one may say it.
            () = self.worker.down(), if may_leave => Err(Trouble::Down),
        }
    }

    fn note(&mut self, event: &RespondEvent) {
        match event.event {
            Some(Event::Text(_) | Event::Audio(_) | Event::Action(_)) => self.request = None,
            Some(Event::Completed(_) | Event::Failed(_)) => {
                client_ended(&self.asking, Code::Ok);
                self.worker.served();
            }
            // A "one moment" is not part of the reply.
            Some(Event::Bridge(_) | Event::AudioFormat(_)) | None => {}
        }
    }

    fn blame(&self, trouble: &Trouble) {
        client_ended(&self.asking, trouble.code());
        match trouble {
            Trouble::Status(status) => self.worker.blame(status.code()),
            Trouble::BrokenOff => self.worker.failed(),
            // It is known already.
            Trouble::Down => {}
        }
    }

    /// Asks another worker, if there is one and the turn may be asked again.
    fn moves(&mut self, trouble: &Trouble) -> bool {
        if !trouble.may_pass_elsewhere() || Instant::now() >= self.times.budget_ends {
            return false;
        }
        let Some(request) = &self.request else { return false };
        let Some(other) = self.modules.workers.choose_but(&self.tried) else { return false };
        let moved = TurnMoved {
            who: self.who.clone(),
            from: self.worker.addr().to_string(),
            to: other.addr().to_string(),
            reason: trouble.as_str(),
        };
        self.span.in_scope(|| nexy_telemetry::emit(&moved));
        self.asking = call_span(&other, &self.span);
        self.events = events(&other, request.clone(), self.times, &self.asking);
        self.tried.push(Arc::clone(other.addr()));
        self.worker = other;
        true
    }
}

fn call_span(worker: &Chosen, turn: &Span) -> Span {
    turn.in_scope(|| client_span(RESPOND, worker.addr()))
}

fn events(worker: &Chosen, mut request: RespondRequest, times: Times, span: &Span) -> Events {
    request.budget_ms = times.budget_ms();
    let mut request = Request::new(request);
    if let Some(deadline) = times.deadline {
        request.set_timeout(deadline.saturating_duration_since(Instant::now()).max(AT_LEAST));
    }
    propagation::inject(span, request.metadata_mut().as_mut());
    let mut client = worker.client();
    async move { client.respond(request).await }
        .map_ok(tonic::Response::into_inner)
        .try_flatten_stream()
        .boxed()
}

// === impl Times ===

impl Times {
    /// What is left of the turn's budget; never 0, which is unset.
    fn budget_ms(self) -> u32 {
        let left = self.budget_ends.saturating_duration_since(Instant::now());
        u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
    }
}

// === impl Trouble ===

impl Trouble {
    /// Whether another worker may do better with the same request.
    fn may_pass_elsewhere(&self) -> bool {
        match self {
            Self::BrokenOff | Self::Down => true,
            Self::Status(status) => may_pass_elsewhere(status.code()),
        }
    }

    /// As the convention of RPCs sees it.
    fn code(&self) -> Code {
        match self {
            Self::BrokenOff => Code::Unknown,
            Self::Down => Code::Unavailable,
            Self::Status(status) => status.code(),
        }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::BrokenOff => "broken_off",
            Self::Down => "down",
            Self::Status(_) => "call_failed",
        }
    }

    fn refusal(&self) -> Refusal {
        match self {
            Self::BrokenOff => Refusal::unavailable("the worker broke off the reply"),
            Self::Down => Refusal::unavailable("the worker cannot be reached"),
            Self::Status(status) => Refusal::of_peer(status),
        }
    }
}
