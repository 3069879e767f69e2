//! A device of the simulation: what it does, and what it checks.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use futures_util::future::join_all;
use nexy_proto::streaming::{
    InterruptRequest, InterruptResponse, RequestPhase, StreamRequest,
    streaming_service_client::StreamingServiceClient,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, transport::Channel};

use super::{
    Board,
    call::Call,
    heard::Heard,
    network,
    plan::{self, Act, How},
    script::{Ending, Script},
    services::KEEPALIVE,
};

/// How much later a device goes away that hears nothing.
const GIVES_UP: Duration = Duration::from_millis(500);

/// Behind this, a fault explains nothing that came before it.
const LONG: Duration = Duration::from_secs(1);

/// How often a device looks whether the others are done.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Until a device believes that an interrupt gets no answer.
const NO_ANSWER: Duration = Duration::from_millis(1000);

/// A device with one connection, as an app has it.
pub(super) struct Device {
    pub(super) name: String,
    pub(super) board: Arc<Board>,
    client: StreamingServiceClient<Channel>,
    pub(super) calls: RefCell<Vec<Rc<RefCell<Heard>>>>,
    pub(super) stops: RefCell<Vec<Stop>>,
    sessions: RefCell<u32>,
    number: u32,
}

/// An interrupt, from the question to its answer.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) said: Duration,
    /// Never, so far.
    pub(super) answered: Duration,
    /// `None` without an answer.
    pub(super) sessions: Option<Vec<String>>,
}

/// What a device does in a simulation.
pub(super) async fn run(number: u32, board: Arc<Board>) -> turmoil::Result {
    let endpoint = tonic::transport::Endpoint::from_static("http://gateway:50051")
        .connect_timeout(Duration::from_millis(500))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let device = Device {
        name: plan::device(number + 1),
        client: StreamingServiceClient::new(network::channel(&endpoint)),
        calls: RefCell::default(),
        stops: RefCell::default(),
        sessions: RefCell::new(0),
        number,
        board: Arc::clone(&board),
    };
    sleep(plan::READY).await;
    let lanes = board.plan.devices[number as usize].clone();
    join_all(lanes.into_iter().map(|acts| device.lane(acts))).await;
    device.judge_stops();
    board.done();
    while !board.is_quiet() {
        sleep(LOOK_AGAIN).await;
    }
    device.ask_everywhere_again().await;
    Ok(())
}

pub(super) fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

pub(super) fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

// === impl Device ===

impl Device {
    async fn lane(&self, acts: Vec<Act>) {
        for act in acts {
            sleep(ms(act.pause_ms)).await;
            let session = self.new_session();
            match act.how {
                How::Listen => drop(self.listen(&session, &act).await),
                How::Stop { after_ms, times } => self.stop(&session, &act, after_ms, times).await,
                How::HangUp { after_ms } => self.hang_up(&session, &act, after_ms).await,
                How::BargeIn { after_ms } => self.barge_in(&session, &act, after_ms).await,
                How::Twice { after_ms } => self.ask_twice(&session, &act, after_ms).await,
                How::InParts => self.ask_in_parts(&session, &act).await,
            }
        }
    }

    fn new_session(&self) -> String {
        let mut sessions = self.sessions.borrow_mut();
        *sessions += 1;
        self.session(*sessions)
    }

    fn session(&self, number: u32) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.number * 1000 + number)
    }

    fn question(&self, session: &str, script: Script) -> StreamRequest {
        StreamRequest {
            prompt: script.to_string(),
            hardware_id: self.name.clone(),
            session_id: session.to_owned(),
            ..StreamRequest::default()
        }
    }

    /// Asks, hears everything, and is told the end.
    async fn listen(&self, session: &str, act: &Act) -> Call {
        let mut call = self.ask(session, act.script, act.deadline_ms).await;
        call.requests = None;
        call.hear_all(self).await;
        self.judge(&call, true);
        call
    }

    async fn stop(&self, session: &str, act: &Act, after_ms: u32, times: u32) {
        let mut call = self.ask(session, act.script, act.deadline_ms).await;
        call.requests = None;
        let stopping = async {
            sleep(ms(after_ms)).await;
            let stops = (0..times).map(|time| async move {
                sleep(ms(time * (after_ms % 3) * 10)).await;
                self.interrupt().await
            });
            join_all(stops).await
        };
        let (stopped, ()) = tokio::join!(stopping, call.hear_all(self));
        self.judge(&call, false);
        // Right afterwards, in the same session.
        let is_stopped = stopped
            .into_iter()
            .flatten()
            .any(|answer| answer.interrupted_sessions.iter().any(|stopped| stopped == session));
        let again = self.ask(session, Script::short(act.script.nonce + 1), 1500).await;
        self.must_be_served(again, is_stopped, "behind an interrupt").await;
    }

    async fn hang_up(&self, session: &str, act: &Act, after_ms: u32) {
        let mut call = self.ask(session, act.script, act.deadline_ms).await;
        let _over = timeout(ms(after_ms), call.hear_all(self)).await;
        call.heard.borrow_mut().hang_up(now());
        self.board.count("hung up");
    }

    async fn barge_in(&self, session: &str, act: &Act, after_ms: u32) {
        let mut call = self.ask(session, act.script, act.deadline_ms).await;
        let _over = timeout(ms(after_ms), call.hear_all(self)).await;
        let nonce = act.script.nonce + 1;
        let next = Script { nonce, ending: Ending::Whole, spoiled_by: None, ..act.script };
        if let Some(requests) = call.requests.take() {
            call.heard.borrow_mut().scripts.push(next);
            // A call that is over takes no more.
            let _over = requests.try_send(self.question(session, next));
        }
        call.hear_all(self).await;
        self.judge(&call, false);
        if call.heard.borrow().turn == 2 {
            self.board.count("barged in");
        }
    }

    async fn ask_twice(&self, session: &str, act: &Act, after_ms: u32) {
        let mut first = self.ask(session, act.script, act.deadline_ms).await;
        first.requests = None;
        let second = async {
            sleep(ms(after_ms)).await;
            let script = Script::short(act.script.nonce + 1);
            let mut second = self.ask(session, script, 1500).await;
            second.requests = None;
            second.hear_all(self).await;
            self.judge(&second, false);
            second
        };
        let (second, ()) = tokio::join!(second, first.hear_all(self));
        self.judge(&first, false);
        let is_disturbed = self.is_disturbed(first.began);
        let refused = second.heard.borrow().was_refused_as("session_busy");
        if refused {
            self.board.count("busy");
        }
        // One of the two was refused, or one came after the other.
        let (first, second) = (first.heard.borrow(), second.heard.borrow());
        let overlap = first.goes_on_within(&second) || second.goes_on_within(&first);
        if overlap && !is_disturbed {
            self.violation("two turns of a session at the same time", &first);
        }
    }

    async fn ask_in_parts(&self, session: &str, act: &Act) {
        let whole = self.question(session, act.script);
        let (half, _) = whole.prompt.split_at(whole.prompt.len() / 2);
        let part = StreamRequest {
            phase: RequestPhase::Collect as i32,
            chunk_seq: 1,
            chunk_text: Some(half.to_owned()),
            prompt: String::new(),
            ..whole.clone()
        };
        let mut call = self.open(session, act.script, part, act.deadline_ms).await;
        if let Some(requests) = call.requests.take() {
            let commit = StreamRequest { phase: RequestPhase::Commit as i32, ..whole };
            let _over = requests.try_send(commit);
        }
        call.hear_all(self).await;
        self.judge(&call, true);
        if call.heard.borrow().collected == 1 {
            self.board.count("collected");
        }
    }

    async fn ask(&self, session: &str, script: Script, deadline_ms: u32) -> Call {
        self.open(session, script, self.question(session, script), deadline_ms).await
    }

    async fn open(
        &self,
        session: &str,
        script: Script,
        first: StreamRequest,
        deadline_ms: u32,
    ) -> Call {
        let heard = Rc::new(RefCell::new(Heard::new(session, script)));
        self.calls.borrow_mut().push(Rc::clone(&heard));
        let (requests, to_send) = mpsc::channel(4);
        let _room = requests.try_send(first);
        let mut request = Request::new(ReceiverStream::new(to_send));
        request.set_timeout(ms(deadline_ms));
        request.metadata_mut().insert("nexy-events", "turn".parse().unwrap());
        let (began, deadline) = (now(), ms(deadline_ms));
        let gives_up = began + deadline + GIVES_UP;
        let (requests, responses) = (Some(requests), None);
        let mut call = Call { heard, began, deadline, gives_up, requests, responses };
        self.board.note(&self.name, || format!("asks {session} for {script} in {deadline:?}"));
        let mut client = self.client.clone();
        match timeout(call.gives_up.saturating_sub(now()), client.stream_audio(request)).await {
            Ok(Ok(answer)) => call.responses = Some(answer.into_inner()),
            Ok(Err(status)) => call.end(self, Some(&status)),
            Err(_) => call.give_up(self),
        }
        call
    }

    async fn interrupt(&self) -> Option<InterruptResponse> {
        let mut client = self.client.clone();
        let said = now();
        // What the device knows to run when it says stop.
        let running: Vec<_> = self
            .calls
            .borrow()
            .iter()
            .filter(|call| call.borrow().over.is_none() && call.borrow().is_open)
            .map(|call| (Rc::clone(call), call.borrow().turn))
            .collect();
        let place = self.stops.borrow().len();
        self.stops.borrow_mut().push(Stop { said, answered: Duration::MAX, sessions: None });
        let request = InterruptRequest { hardware_id: self.name.clone() };
        let answer = timeout(NO_ANSWER, client.interrupt_session(request)).await;
        let answer = answer.ok().and_then(Result::ok).map(tonic::Response::into_inner);
        let answered = now();
        let sessions = answer.as_ref().map(|answer| answer.interrupted_sessions.clone());
        self.board.note(&self.name, || format!("said stop at {said:?}: {sessions:?}"));
        self.stops.borrow_mut()[place] = Stop { said, answered, sessions };
        let answer = answer?;
        if answer.success == answer.interrupted_sessions.is_empty() {
            self.board.violation(format!("{}: {answer:?}", self.name));
        }
        self.board.count(if answer.success { "interrupted" } else { "nothing to interrupt" });
        for (call, turn) in running {
            let mut heard = call.borrow_mut();
            if answer.interrupted_sessions.contains(&heard.session) {
                heard.silenced = Some((turn, answered));
            } else if !self.board.plan.is_disturbed(&self.name, said, answered + LONG) {
                // It had completed, or is over for a reason of its own.
                heard.overdue = Some((turn, answered));
            }
        }
        Some(answer)
    }

    /// A question that nothing stands in the way of but what runs elsewhere.
    async fn must_be_served(&self, mut call: Call, is_free: bool, when: &str) {
        call.requests = None;
        call.hear_all(self).await;
        self.judge(&call, false);
        let heard = call.heard.borrow();
        if is_free && heard.was_refused_as("session_busy") {
            self.violation(&format!("busy {when}"), &heard);
        }
    }

    /// No lease, permit or buffer was left behind.
    async fn ask_everywhere_again(&self) {
        let sessions = *self.sessions.borrow();
        let asking = (1..=sessions).map(|number| async move {
            let session = self.session(number);
            let mut call = self.ask(&session, Script::short(1_000_000 + number), 1500).await;
            call.requests = None;
            call.hear_all(self).await;
            let heard = call.heard.borrow();
            if heard.completed != 1 {
                self.violation("not served though everything is quiet", &heard);
            }
        });
        join_all(asking).await;
    }

    pub(super) fn is_disturbed(&self, since: Duration) -> bool {
        self.board.plan.is_disturbed(&self.name, since, now())
    }

    /// The longest time that a message takes to the gateway.
    pub(super) fn way(&self) -> Duration {
        Duration::from_millis(self.board.plan.slowest_ms) + super::TICK
    }

    pub(super) fn violation(&self, what: &str, heard: &Heard) {
        self.board.violation(format!("{}: {what}: {heard:?}", self.name));
    }
}
