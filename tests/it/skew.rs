//! Services of different versions, one apart: while they are being replaced one
//! by one, an older and a newer one talk to each other.
//!
//! The other version is played on the wire: what it sends holds fields and kinds
//! of events that this version has never heard of, or lacks what it expects.

use anyhow::Context as _;
use bytes::Bytes;
use nexy_proto::{
    streaming::{WelcomeRequest, welcome_response},
    update::{self, LatestRequest, LatestResponse},
    worker::{
        Action, AudioFormat, Completed, Failed, Listener, ModuleStatus, Outcome, RespondEvent,
        RespondRequest, StatusRequest, StatusResponse, WelcomeCompleted, WelcomeEvent,
        WelcomeMetadata, respond_event::Event, welcome_event,
    },
};
use nexy_testkit::stack::{Reply, Stack, free_port, question};
use prost::Message;
use tonic::Code;

use crate::{
    support::{assert_refused, eventually, gateway_json},
    wire::{Additions, Peer, Served, additions, call, newer},
};

const RESPOND: &str = "/nexy.worker.v1.Worker/Respond";
const WELCOME: &str = "/nexy.worker.v1.Worker/Welcome";
const STATUS: &str = "/nexy.worker.v1.Worker/Status";
const LATEST: &str = "/nexy.update.v1.Update/Latest";

/// Half a second of nothing in particular.
const PCM: [u8; 480] = [7; 480];

/// An event of a kind that this version does not have, of a turn.
#[derive(Clone, PartialEq, Message)]
struct LaterEvent {
    #[prost(uint64, tag = "1")]
    turn: u64,
    #[prost(message, optional, tag = "40")]
    thought: Option<Additions>,
}

/// What a later version adds within the event `completed`.
#[derive(Clone, PartialEq, Message)]
struct LaterCompleted {
    #[prost(message, optional, tag = "5")]
    completed: Option<LaterOutcome>,
}

#[derive(Clone, PartialEq, Message)]
struct LaterOutcome {
    #[prost(message, optional, tag = "1")]
    outcome: Option<Additions>,
    #[prost(message, optional, tag = "41")]
    verdict: Option<Additions>,
}

/// What a later version adds within the first field of a message.
#[derive(Clone, PartialEq, Message)]
struct LaterFirst {
    #[prost(message, optional, tag = "1")]
    first: Option<Additions>,
}

/// What a later version adds to a question and its listener.
#[derive(Clone, PartialEq, Message)]
struct LaterQuestion {
    #[prost(message, optional, tag = "6")]
    listener: Option<Additions>,
    /// The user speaks and types at once, say.
    #[prost(message, repeated, tag = "42")]
    more: Vec<Additions>,
}

fn turn_of(request: &[u8]) -> u64 {
    RespondRequest::decode(request).map(|request| request.turn).unwrap_or_default()
}

fn event(turn: u64, event: Event) -> RespondEvent {
    RespondEvent { turn, event: Some(event) }
}

fn later_event(turn: u64) -> Vec<u8> {
    LaterEvent { turn, thought: Some(additions()) }.encode_to_vec()
}

fn module(state: &str) -> ModuleStatus {
    ModuleStatus { name: "pipeline".into(), state: state.into(), reason: String::new() }
}

/// A worker that this gateway takes for ready, and nothing more yet.
fn worker(state: &'static str) -> Peer {
    Peer::default().on(STATUS, move |_| {
        let status = StatusResponse { version: "9.0.0".into(), modules: vec![module(state)] };
        vec![newer(&status)]
    })
}

/// A gateway in front of such a worker.
async fn in_front_of(worker: Peer) -> anyhow::Result<(Stack, Served)> {
    let worker = worker.serve().await?;
    let stack = Stack::builder().env("WORKER_ADDRS", &worker.addr).without_worker().start().await?;
    stack.wait_ready().await?;
    Ok((stack, worker))
}

/// A reply that came whole from a worker of another version.
#[track_caller]
fn assert_reply(reply: &Reply) {
    assert!(reply.is_complete(), "{:?} {:?}", reply.status, reply.outline);
    assert_eq!(reply.outline, ["text", "audio", "text", "audio", "end"]);
    assert_eq!(reply.text(), "It is ten o'clock. Good night.");
    assert_eq!(reply.pcm(), [PCM, PCM].concat());
    assert_eq!(reply.chunks[0].channels, 1);
}

#[tokio::test]
async fn what_a_newer_worker_adds_costs_no_turn() -> anyhow::Result<()> {
    let answer = |request: &[u8]| {
        let turn = turn_of(request);
        let format = AudioFormat { sample_rate: 24_000, channels: 1 };
        let outcome = Outcome { llm: "later".into(), tts: "later".into(), ..Outcome::default() };
        let completed = Completed { outcome: Some(outcome), waiting: None };
        let inner = LaterOutcome { outcome: Some(additions()), verdict: Some(additions()) };
        let last = LaterCompleted { completed: Some(inner) }.encode_to_vec();
        let last = [newer(&event(turn, Event::Completed(completed))), last].concat();
        vec![
            later_event(turn),
            newer(&event(turn, Event::AudioFormat(format))),
            newer(&event(turn, Event::Text("It is ten o'clock.".into()))),
            later_event(turn),
            newer(&event(turn, Event::Audio(Bytes::from_static(&PCM)))),
            later_event(turn),
            newer(&event(turn, Event::Text("Good night.".into()))),
            newer(&event(turn, Event::Audio(Bytes::from_static(&PCM)))),
            last,
        ]
    };
    let (stack, _worker) = in_front_of(worker("thriving").on(RESPOND, answer)).await?;
    for _ in 0..3 {
        let reply = stack.ask("What time is it?").await?;
        assert_reply(&reply);
        assert_eq!(reply.chunks[0].sample_rate, 24_000);
        assert_eq!(reply.trailer("nexy-providers"), Some("llm=later;tts=later"));
    }
    let mut told = Vec::new();
    eventually("each turn has told it", async || {
        told = stack.decisions()?;
        told.retain(|line| line.decision == "unknown_event");
        Ok(told.len() >= 3)
    })
    .await?;
    assert_eq!(told.len(), 3, "once for each turn: {told:?}");
    assert!(told.iter().all(|line| line.text("session_id").is_some() && !line.is_loud()));
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_worker_that_lacks_what_came_later_serves_as_before() -> anyhow::Result<()> {
    let answer = |request: &[u8]| {
        let turn = turn_of(request);
        [
            Event::Text("It is ten o'clock.".into()),
            Event::Audio(Bytes::from_static(&PCM)),
            Event::Text("Good night.".into()),
            Event::Audio(Bytes::from_static(&PCM)),
            Event::Completed(Completed::default()),
        ]
        .map(|of| event(turn, of).encode_to_vec())
        .to_vec()
    };
    let older = Peer::default().on(STATUS, |_| {
        let status = StatusResponse { modules: vec![module("ready")], ..Default::default() };
        vec![status.encode_to_vec()]
    });
    let (stack, _worker) = in_front_of(older.on(RESPOND, answer)).await?;
    let reply = stack.ask("What time is it?").await?;
    assert_reply(&reply);
    // What the settings promise, and no provider that nobody named.
    assert_eq!(reply.chunks[0].sample_rate, 48_000);
    assert_eq!((reply.trailer("nexy-providers"), reply.trailer("nexy-degraded")), (None, None));
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_failure_with_a_later_name_is_a_failure_and_nothing_worse() -> anyhow::Result<()> {
    let answer = |request: &[u8]| {
        let failed = Failed { error_type: "bored".into(), message: "no".into(), outcome: None };
        vec![newer(&event(turn_of(request), Event::Failed(failed)))]
    };
    let (stack, _worker) = in_front_of(worker("ready").on(RESPOND, answer)).await?;
    let reply = stack.ask("What time is it?").await?;
    assert_eq!(assert_refused(&reply, Code::Internal, "internal"), "no");
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn a_reply_is_never_whole_by_an_event_that_nobody_knows() -> anyhow::Result<()> {
    let answer = |request: &[u8]| {
        let turn = turn_of(request);
        let text = event(turn, Event::Text("It is ten".into()));
        vec![newer(&text), later_event(turn)]
    };
    let (stack, _worker) = in_front_of(worker("ready").on(RESPOND, answer)).await?;
    let reply = stack.ask("What time is it?").await?;
    assert_refused(&reply, Code::Unavailable, "unavailable");
    stack.stop(&["worker_state", "worker_ejected"]).await
}

#[tokio::test]
async fn a_greeting_of_a_newer_worker_is_spoken_past_what_nobody_knows() -> anyhow::Result<()> {
    use welcome_event::Event;
    let greeting = |of: Event| newer(&WelcomeEvent { event: Some(of) });
    let answer = move |_: &[u8]| {
        let later = LaterEvent { turn: 0, thought: Some(additions()) }.encode_to_vec();
        let metadata = WelcomeMetadata { method: "later".into(), duration_sec: 0.5, format: None };
        vec![
            later.clone(),
            greeting(Event::Metadata(metadata)),
            later,
            greeting(Event::Audio(Bytes::from_static(&PCM))),
            greeting(Event::Completed(WelcomeCompleted {})),
        ]
    };
    let (stack, _worker) = in_front_of(worker("ready").on(WELCOME, answer)).await?;
    let mut client = stack.client().await?;
    let mut answers = client.generate_welcome_audio(WelcomeRequest::default()).await?.into_inner();
    let mut came = Vec::new();
    while let Some(answer) = answers.message().await? {
        came.push(match answer.content.context("content")? {
            welcome_response::Content::Metadata(metadata) => metadata.method,
            welcome_response::Content::AudioChunk(chunk) => chunk.audio_data.len().to_string(),
            welcome_response::Content::EndMessage(_) => "end".to_owned(),
            welcome_response::Content::ErrorMessage(text) => text,
        });
    }
    assert_eq!(came, ["later", "480", "end"]);
    stack.stop(&["worker_state"]).await
}

/// The events of a turn that a real worker answers.
async fn respond(addr: &str, request: Vec<u8>) -> anyhow::Result<Vec<Event>> {
    let events = call(addr, RESPOND, request).await?;
    let events = events.iter().map(|bytes| RespondEvent::decode(&bytes[..]));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    assert!(events.iter().all(|event| event.turn == 7), "{events:?}");
    Ok(events.into_iter().filter_map(|event| event.event).collect())
}

#[track_caller]
fn assert_answered(events: &[Event]) {
    let texts = events.iter().filter(|event| matches!(event, Event::Text(_))).count();
    let audio = events.iter().filter(|event| matches!(event, Event::Audio(_))).count();
    assert!(texts > 0 && audio > 0, "{} events", events.len());
    assert!(matches!(events.last(), Some(Event::Completed(_))), "{:?}", events.last());
}

#[tokio::test]
async fn a_worker_answers_an_older_and_a_newer_gateway() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let addr = format!("127.0.0.1:{}", stack.ports.worker_grpc);
    let asked = question("device-1", "How are you?");
    let oldest = RespondRequest {
        turn: 7,
        hardware_id: asked.hardware_id,
        session_id: asked.session_id,
        prompt: asked.prompt,
        ..RespondRequest::default()
    };
    assert_answered(&respond(&addr, oldest.encode_to_vec()).await?);

    let listener = Listener {
        // In a time zone that this version's data does not have yet.
        timezone: "Mars/Olympus".into(),
        ..Listener::default()
    };
    let waiting = Action { command: "send_mail".into(), args_json: "{}".into() };
    let newest =
        RespondRequest { listener: Some(listener), waiting: Some(waiting), ..oldest.clone() };
    let later = LaterQuestion { listener: Some(additions()), more: vec![additions(); 3] };
    let newest = [newer(&newest), later.encode_to_vec()].concat();
    assert_answered(&respond(&addr, newest).await?);

    // A method that came later is refused as such, and nothing else suffers.
    let later = call(&addr, "/nexy.worker.v1.Worker/Rehearse", newer(&oldest)).await;
    assert_eq!(later.expect_err("a refusal").code(), Code::Unimplemented);
    let status = call(&addr, STATUS, newer(&StatusRequest {})).await?;
    assert!(!StatusResponse::decode(&status[0][..])?.modules.is_empty());
    assert_answered(&respond(&addr, oldest.encode_to_vec()).await?);
    stack.stop(&[]).await
}

/// A gateway whose update server answers like this, and the release that it
/// tells.
async fn told(answer: Vec<u8>) -> anyhow::Result<(String, String)> {
    let update = Peer::default().on(LATEST, move |_| vec![answer.clone()]).serve().await?;
    let stack = Stack::builder().env("UPDATE_GRPC_ADDR", &update.addr);
    // Nobody asks the real one.
    let stack = stack.env("UPDATE_GRPC_PORT", free_port()?.to_string()).start().await?;
    let mut health = serde_json::Value::Null;
    eventually("the release is told", async || {
        health = gateway_json(&stack, "/health").await?;
        Ok(health["latest_version"].is_string())
    })
    .await?;
    stack.stop(&[]).await?;
    let text = |name: &str| health[name].as_str().unwrap_or_default().to_owned();
    Ok((text("latest_version"), text("latest_build")))
}

#[tokio::test]
async fn a_gateway_understands_an_older_and_a_newer_update_server() -> anyhow::Result<()> {
    let release = update::Release { version: "2.0.0".into(), build: "32".into() };
    let newest = newer(&LatestResponse { release: Some(release.clone()) });
    let newest = [newest, LaterFirst { first: Some(additions()) }.encode_to_vec()].concat();
    assert_eq!(told(newest).await?, ("2.0.0".to_owned(), "32".to_owned()));
    let without_build = update::Release { build: String::new(), ..release };
    let oldest = LatestResponse { release: Some(without_build) }.encode_to_vec();
    assert_eq!(told(oldest).await?, ("2.0.0".to_owned(), String::new()));
    Ok(())
}

#[tokio::test]
async fn an_update_server_answers_an_older_and_a_newer_gateway() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let addr = format!("127.0.0.1:{}", stack.ports.update_grpc);
    let stable = newer(&LatestRequest { channel: "stable".into() });
    for request in [Vec::new(), stable] {
        let answer = call(&addr, LATEST, request).await?;
        assert_eq!(LatestResponse::decode(&answer[0][..])?, LatestResponse { release: None });
    }
    // A channel that came later is none of this version's.
    let nightly = newer(&LatestRequest { channel: "nightly".into() });
    let refused = call(&addr, LATEST, nightly).await.expect_err("a refusal");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let later = call(&addr, "/nexy.update.v1.Update/Roadmap", Vec::new()).await;
    assert_eq!(later.expect_err("a refusal").code(), Code::Unimplemented);
    stack.stop(&[]).await
}
