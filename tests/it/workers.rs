//! Several workers behind one gateway: dying, stalling, being replaced.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use nexy_proto::{
    streaming::{
        UsageRequest, WelcomeRequest, streaming_service_client::StreamingServiceClient,
        welcome_response::Content,
    },
    worker::{
        Completed, RespondEvent, RespondRequest, StoreUsageResponse, WelcomeCompleted,
        WelcomeEvent, WelcomeMetadata, respond_event::Event, welcome_event,
    },
};
use nexy_testkit::{
    chat_server::Script,
    stack::{Builder, Process, Reply, Stack, free_port, question},
};
use prost::Message as _;
use tokio::task::JoinSet;
use tonic::{Code, Status, transport::Channel};

use crate::{
    support::{
        Call, Fakes, Lanes, SOON, active_streams, ask, assert_refused, assert_whole, eventually,
        gateway_json,
    },
    wire::{Peer, Served},
};

/// What a worker says when a turn reaches it.
const RESPOND: &str = "/nexy.worker.v1.Worker/Respond";

const STORE_USAGE: &str = "/nexy.worker.v1.Worker/StoreUsage";
const WELCOME: &str = "/nexy.worker.v1.Worker/Welcome";

/// Long enough to find out which worker has the turn, and to break it.
const THINKING: Duration = Duration::from_secs(2);

/// A stack with workers of its own.
pub(crate) struct Crew {
    pub(crate) stack: Stack,
    pub(crate) workers: Vec<Worker>,
}

pub(crate) struct Worker {
    environment: Vec<(String, String)>,
    addr: String,
    pub(crate) process: Option<Process>,
}

// === impl Crew ===

impl Crew {
    pub(crate) async fn of(workers: usize, builder: Builder) -> anyhow::Result<Self> {
        let ports = (0..workers).map(|_| Ok((free_port()?, free_port()?)));
        let ports = ports.collect::<anyhow::Result<Vec<_>>>()?;
        let addrs: Vec<_> = ports.iter().map(|(grpc, _)| format!("127.0.0.1:{grpc}")).collect();
        let stack = builder.env("WORKER_ADDRS", addrs.join(",")).without_worker().start().await?;
        let mut crew = Self { workers: Vec::new(), stack };
        for (addr, (grpc, http)) in addrs.into_iter().zip(ports) {
            let mut environment = crew.stack.environment().to_vec();
            environment.push(("WORKER_PORT".to_owned(), grpc.to_string()));
            environment.push(("WORKER_HTTP_PORT".to_owned(), http.to_string()));
            crew.workers.push(Worker { environment, addr, process: None });
        }
        for worker in &mut crew.workers {
            worker.start()?;
        }
        for worker in &crew.workers {
            crew.until_state(&worker.addr, "ready").await?;
        }
        Ok(crew)
    }

    /// Waits until the gateway takes a worker for this.
    async fn until_state(&self, addr: &str, state: &str) -> anyhow::Result<()> {
        let mut told = serde_json::Value::Null;
        let what = format!("{addr} is {state}");
        let reached = eventually(&what, async || {
            told = gateway_json(&self.stack, "/status").await?["workers"].take();
            let workers = told.as_array().context("workers")?;
            Ok(workers.iter().any(|worker| worker["addr"] == addr && worker["state"] == state))
        });
        let reached = reached.await;
        reached.with_context(|| format!("{told:#}"))
    }

    /// Waits until a turn is with a worker, and tells which one it is.
    pub(crate) async fn with_the_turn(&mut self) -> anyhow::Result<&mut Worker> {
        let mut found = None;
        eventually("a worker has the turn", async || {
            found = self.workers.iter().position(Worker::has_been_asked);
            Ok(found.is_some())
        })
        .await?;
        self.workers.get_mut(found.context("it was found")?).context("a worker")
    }

    /// The lines of the gateway with this decision.
    fn decisions(&self, decision: &str) -> anyhow::Result<usize> {
        let lines = self.stack.decisions()?;
        Ok(lines.iter().filter(|line| line.decision == decision).count())
    }

    /// Stops everything; what is left of the workers must have nothing to say
    /// against it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for worker in &mut self.workers {
            if let Some(mut process) = worker.process.take() {
                process.leave(SOON).await?;
            }
        }
        self.stack.stop(&["worker_state", "turn_moved"]).await
    }
}

// === impl Worker ===

impl Worker {
    fn start(&mut self) -> anyhow::Result<()> {
        self.process = Some(Process::spawn("nexy-worker", &[], &self.environment)?);
        Ok(())
    }

    /// Has it leave, and starts another in its place.
    pub(crate) async fn replace(&mut self) -> anyhow::Result<()> {
        let mut leaving = self.process.take().context("it runs")?;
        leaving.signal("TERM")?;
        ensure!(leaving.wait_exit(SOON).await?.success(), "it leaves in peace");
        self.start()
    }

    fn has_been_asked(&self) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| process.lines().iter().any(|line| line.contains(RESPOND)))
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        self.process.as_ref().context("it runs")?.signal(signal)
    }
}

/// A gateway that has seen that all of these are ready.
async fn in_front_of(peers: &[Served]) -> anyhow::Result<Stack> {
    let addrs: Vec<_> = peers.iter().map(|peer| peer.addr.as_str()).collect();
    let builder = Stack::builder().env("WORKER_ADDRS", addrs.join(",")).without_worker();
    let stack = builder.start().await?;
    eventually("all are ready", async || {
        let told = gateway_json(&stack, "/status").await?;
        let workers = told["workers"].as_array().context("workers")?;
        Ok(workers.iter().all(|worker| worker["state"] == "ready"))
    })
    .await?;
    Ok(stack)
}

async fn report(mut client: StreamingServiceClient<Channel>) -> anyhow::Result<()> {
    let usage = UsageRequest { hardware_id: "device-1".to_owned(), ..UsageRequest::default() };
    ensure!(client.report_usage(usage).await?.into_inner().success, "the report is not accepted");
    Ok(())
}

/// Hears a greeting to its end: what of it came last.
async fn greet(mut client: StreamingServiceClient<Channel>) -> anyhow::Result<Option<Content>> {
    let asked = WelcomeRequest { text: "Good morning".to_owned(), ..WelcomeRequest::default() };
    let mut greeting = client.generate_welcome_audio(asked).await?.into_inner();
    let mut last = None;
    while let Some(message) = tokio::time::timeout(SOON, greeting.message()).await?? {
        last = message.content;
    }
    Ok(last)
}

#[tokio::test]
async fn a_turn_moves_when_its_worker_dies_before_a_word() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["It is ten o'clock."]).first_delay(THINKING)).await?;
    let mut crew = Crew::of(2, fakes.stack()).await?;
    let call = Call::ask(&crew.stack, question("device-1", "What time is it?")).await?;
    eventually("the model is asked", async || Ok(!fakes.chat.requests().is_empty())).await?;
    crew.with_the_turn().await?.process.take().context("it runs")?.kill();
    let reply = call.rest().await?;
    assert_whole(&reply);
    assert_eq!(reply.text(), "It is ten o'clock.");
    assert_eq!(crew.decisions("turn_moved")?, 1);
    assert_eq!(fakes.chat.requests().len(), 2, "each worker asked the model once");
    crew.stop().await
}

#[tokio::test]
async fn a_frame_of_another_turn_does_not_keep_a_turn_from_moving() -> anyhow::Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    let answer = {
        let asked = Arc::clone(&asked);
        move |request: &[u8]| {
            let turn = RespondRequest::decode(request).map(|asked| asked.turn).unwrap_or_default();
            let text = |turn, text: &str| {
                let event = Some(Event::Text(text.to_owned()));
                RespondEvent { turn, event }.encode_to_vec()
            };
            let completed = Some(Event::Completed(Completed::default()));
            match asked.fetch_add(1, Ordering::Relaxed) {
                // Whoever is asked first mixes up turns, and breaks off.
                0 => vec![text(turn + 1, "of another turn")],
                _ => vec![
                    text(turn, "It is ten o'clock."),
                    RespondEvent { turn, event: completed }.encode_to_vec(),
                ],
            }
        }
    };
    let peer = || Peer::worker().on(RESPOND, answer.clone());
    let peers = [peer().serve().await?, peer().serve().await?];
    let stack = in_front_of(&peers).await?;
    let reply = stack.ask("What time is it?").await?;
    assert!(reply.is_complete(), "{:?} {:?}", reply.status, reply.outline);
    assert_eq!(reply.texts, ["It is ten o'clock."]);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    stack.stop(&["worker_state", "turn_moved"]).await
}

#[tokio::test]
async fn a_turn_moves_when_its_worker_does_not_move() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["It is ten o'clock."]).first_delay(THINKING)).await?;
    let builder = fakes.stack().env("WORKER_CONNECT_TIMEOUT_MS", "300");
    let mut crew = Crew::of(2, builder).await?;
    let call = Call::ask(&crew.stack, question("device-1", "What time is it?")).await?;
    // As a machine that swaps does: the connection stands, and nothing comes.
    let stalled = crew.with_the_turn().await?;
    stalled.signal("STOP")?;
    let addr = stalled.addr.clone();
    assert_whole(&call.rest().await?);
    assert_eq!(crew.decisions("turn_moved")?, 1);
    // It comes back by itself.
    for worker in crew.workers.iter().filter(|worker| worker.addr == addr) {
        worker.signal("CONT")?;
    }
    crew.until_state(&addr, "ready").await?;
    crew.stop().await
}

#[tokio::test]
async fn a_turn_does_not_move_once_something_was_said() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(20))).await?;
    let mut crew = Crew::of(2, fakes.stack()).await?;
    let mut call = Call::ask(&crew.stack, question("device-1", "Talk")).await?;
    call.until(|reply| !reply.texts.is_empty()).await?;
    crew.with_the_turn().await?.process.take().context("it runs")?.kill();
    let reply = call.end().await?;
    assert_refused(&reply, Code::Unavailable, "unavailable");
    assert_eq!(crew.decisions("turn_moved")?, 0);
    assert_eq!(fakes.chat.requests().len(), 1);

    fakes.chat.state().set_default(Script::text(["Still here."]));
    assert_whole(&ask(&crew.stack, question("device-1", "Are you there?")).await?);
    crew.stop().await
}

#[tokio::test]
async fn turns_are_shared_out() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Done."]).first_delay(THINKING)).await?;
    let crew = Crew::of(2, fakes.stack()).await?;
    let mut turns = JoinSet::new();
    for turn in 0..6 {
        let mut client = crew.stack.client().await?;
        turns.spawn(async move {
            Reply::of(&mut client, question(&format!("device-{turn}"), "Go")).await
        });
    }
    eventually("all run", async || Ok(active_streams(&crew.stack).await? == 6)).await?;
    while let Some(reply) = turns.join_next().await {
        assert_whole(&reply??);
    }
    for worker in &crew.workers {
        let lines = worker.process.as_ref().context("it runs")?.lines();
        let asked = lines
            .iter()
            .filter(|line| line.contains(RESPOND) && line.contains("decision=start"))
            .count();
        assert_eq!(asked, 3, "{lines:#?}");
    }
    crew.stop().await
}

#[tokio::test]
async fn replacing_every_worker_loses_no_turn() -> anyhow::Result<()> {
    let reply = Script::text(["It is ten ", "o'clock. The sun ", "is up already."])
        .token_delay(Duration::from_millis(100));
    let fakes = Fakes::saying(reply).await?;
    let mut crew = Crew::of(2, fakes.stack()).await?;
    let mut lanes = Lanes::default();
    for _ in 0..4 {
        lanes.ask_on(crew.stack.client().await?);
    }
    for place in 0..crew.workers.len() {
        let worker = crew.workers.get_mut(place).context("a worker")?;
        worker.replace().await?;
        let addr = worker.addr.clone();
        crew.until_state(&addr, "ready").await?;
    }
    lanes.stop().await?;
    crew.stop().await
}

#[tokio::test]
async fn reports_and_greetings_go_elsewhere_when_a_worker_dies() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Never asked."])).await?;
    let builder = fakes
        .stack()
        // Nobody but the calls themselves finds out in time.
        .env("WORKER_STATUS_INTERVAL_MS", "3000")
        // Many find out at once.
        .env("WORKER_EJECT_AFTER_FAILURES", "100");
    let mut crew = Crew::of(2, builder).await?;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(crew.stack.client().await?);
    }
    crew.workers[0].process.take().context("it runs")?.kill();
    let mut calls = JoinSet::new();
    for client in clients {
        let other = client.clone();
        calls.spawn(async move { report(client).await.context("report") });
        calls.spawn(async move {
            let last = greet(other).await.context("greet")?;
            ensure!(matches!(last, Some(Content::EndMessage(_))), "{last:?}");
            Ok(())
        });
    }
    while let Some(done) = calls.join_next().await {
        done??;
    }
    crew.stop().await
}

#[tokio::test]
async fn a_report_goes_to_the_worker_that_has_room_and_is_stored_once() -> anyhow::Result<()> {
    let stored = Arc::new(AtomicUsize::new(0));
    let store = {
        let stored = Arc::clone(&stored);
        move |_: &[u8]| {
            stored.fetch_add(1, Ordering::Relaxed);
            vec![StoreUsageResponse {}.encode_to_vec()]
        }
    };
    let full = Peer::worker().refusing(STORE_USAGE, || Status::unavailable("no room for it"));
    let peers = [full.serve().await?, Peer::worker().on(STORE_USAGE, store).serve().await?];
    let stack = in_front_of(&peers).await?;
    for _ in 0..12 {
        report(stack.client().await?).await?;
    }
    assert_eq!(stored.load(Ordering::Relaxed), 12);
    // To have no room is nothing against a worker.
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_report_that_a_worker_refused_is_not_offered_to_another() -> anyhow::Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    let peer = || {
        let asked = Arc::clone(&asked);
        Peer::worker().refusing(STORE_USAGE, move || {
            asked.fetch_add(1, Ordering::Relaxed);
            Status::internal("it may be stored")
        })
    };
    let peers = [peer().serve().await?, peer().serve().await?];
    let stack = in_front_of(&peers).await?;
    report(stack.client().await?).await.expect_err("a refusal");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_greeting_moves_until_something_of_it_was_said() -> anyhow::Result<()> {
    let event = |event| WelcomeEvent { event: Some(event) }.encode_to_vec();
    let metadata = event(welcome_event::Event::Metadata(WelcomeMetadata::default()));
    let completed = event(welcome_event::Event::Completed(WelcomeCompleted {}));
    let broken_off = vec![metadata.clone()];
    let whole = vec![metadata, completed];
    for (first, second, is_whole, times_asked) in
        [(vec![], whole.clone(), true, 2), (broken_off, whole, false, 1)]
    {
        let asked = Arc::new(AtomicUsize::new(0));
        let peer = || {
            let (asked, first, second) = (Arc::clone(&asked), first.clone(), second.clone());
            Peer::worker().on(WELCOME, move |_| match asked.fetch_add(1, Ordering::Relaxed) {
                0 => first.clone(),
                _ => second.clone(),
            })
        };
        let peers = [peer().serve().await?, peer().serve().await?];
        let stack = in_front_of(&peers).await?;
        assert_eq!(greet(stack.client().await?).await.is_ok(), is_whole);
        assert_eq!(asked.load(Ordering::Relaxed), times_asked);
        stack.stop(&[]).await?;
    }
    Ok(())
}
