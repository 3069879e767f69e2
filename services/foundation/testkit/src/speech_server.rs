//! A local server that speaks the OpenAI speech wire format.
//!
//! `POST /v1/audio/speech` answers with chunked, headerless 16-bit little-endian
//! mono PCM, or with whatever its [`Script`] says. Requests that the real service
//! would refuse (no input, more than 4096 characters, another format than `pcm`,
//! a wrong key, an unknown voice) are refused with the real error body.

mod audio;
mod connections;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub use audio::{Audio, echo, tone};
use connections::{Answers, Counted, Counts};

use crate::Waits;

/// Characters that `input` may have (OpenAI API reference, "Create speech").
const LONGEST_INPUT: usize = 4096;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub struct Script {
    /// What is spoken.
    pub audio: Audio,
    /// Its rate, in Hz. Not told to the client, as in real life.
    pub sample_rate: u32,
    /// Bytes in one chunk of the body.
    pub chunk_bytes: usize,
    /// Wait before the status line.
    pub head_after: Duration,
    /// Wait between the status line and the first chunk.
    pub first_chunk_after: Duration,
    /// Wait before every later chunk.
    pub chunk_every: Duration,
    /// How the body ends.
    pub ending: Ending,
    /// `Content-Type` of the audio; empty leaves the header out.
    pub content_type: String,
    /// `Content-Encoding` of the audio, which stays as it is; empty leaves the
    /// header out.
    pub content_encoding: &'static str,
    /// Answer with an error instead.
    pub refusal: Option<Refusal>,
    /// The key that a request must carry; any or none when this is `None`.
    pub key: Option<String>,
    /// The voices it knows; all when empty.
    pub voices: Vec<String>,
}

/// How the body of a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Complete,
    /// The connection is cut after so many bytes.
    CutAfter(usize),
    /// Nothing more comes after so many bytes, and the connection stays.
    StallAfter(usize),
}

/// An answer that is not audio.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
    /// More headers, such as `retry-after`.
    pub headers: Vec<(String, String)>,
}

/// What a client sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// All its headers.
    pub headers: HeaderMap,
    /// Its body; `null` when it is not what the interface takes.
    pub body: Value,
    /// The server's waits while it answered.
    pub waits: Waits,
}

/// The scripts and records of a server; the state of [`router`]. Clones share
/// everything.
#[derive(Debug, Clone)]
pub struct SpeechState {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    next: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<Request>>,
    answers: watch::Sender<Answers>,
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct SpeechServer {
    address: SocketAddr,
    state: SpeechState,
    counts: Counts,
    _server: JoinSet<()>,
}

/// The speech route, to be merged into a server that speaks more.
pub fn router(state: SpeechState) -> Router {
    Router::new().route("/v1/audio/speech", post(speak)).with_state(state)
}

/// `{"error": …}` as OpenAI words it.
#[must_use]
pub fn openai_error(kind: &str, code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

async fn speak(State(state): State<SpeechState>, headers: HeaderMap, body: String) -> Response {
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    state.answer(Request::new(headers, body), refused).await
}

/// What the real service would refuse.
fn refused(script: &Script, Request { headers, body, .. }: &Request) -> Option<Refusal> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let expected = script.key.as_ref().map(|key| format!("Bearer {key}"));
    if expected.is_some() && bearer != expected.as_deref() {
        return Some(Refusal::new(401, "invalid_request_error", "invalid_api_key"));
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let chars = text("input").chars().count();
    let voice_is_known =
        script.voices.is_empty() || script.voices.iter().any(|voice| voice == text("voice"));
    let speed = body.get("speed").map_or(Some(1.0), Value::as_f64);
    let accepted = (1..=LONGEST_INPUT).contains(&chars)
        && !text("model").is_empty()
        && text("response_format") == "pcm"
        && speed.is_some_and(|speed| (0.25..=4.0).contains(&speed))
        && voice_is_known;
    (!accepted).then(|| Refusal::new(400, "invalid_request_error", "invalid_value"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Request ===

impl Request {
    pub(crate) fn new(headers: HeaderMap, body: Value) -> Self {
        Self { headers, body, waits: Waits::default() }
    }
}

// === impl SpeechServer ===

impl SpeechServer {
    /// Starts a server on a free port of the loopback interface. Every request
    /// is answered by `script`, unless [`SpeechState::then`] or
    /// [`SpeechState::always`] say otherwise.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(script: Script) -> anyhow::Result<Self> {
        Self::serve(script, router).await
    }

    /// Starts a server of another wire format.
    pub(crate) async fn serve(
        script: Script,
        routes: fn(SpeechState) -> Router,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (state, counts) = (SpeechState::new(script), Counts::default());
        let listener = Counted::new(listener, counts.clone());
        let app = routes(state.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            // `axum::serve` ends only with this task.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, state, counts, _server: server })
    }

    /// The API's base, e.g. `http://127.0.0.1:40123/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// Where it listens, e.g. `http://127.0.0.1:40123`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The scripts and the record.
    #[must_use]
    pub const fn state(&self) -> &SpeechState {
        &self.state
    }

    /// What clients sent so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.counts.open()
    }

    /// Connections that were ever accepted.
    #[must_use]
    pub fn accepted_connections(&self) -> usize {
        self.counts.accepted()
    }

    /// Whether, within this time, the number of open connections is `count`.
    pub async fn has_connections(&self, count: usize, within: Duration) -> bool {
        self.counts.becomes(count, within).await
    }

    /// Whether, within this time, a client has left before its answer was
    /// complete.
    pub async fn saw_disconnect(&self, within: Duration) -> bool {
        self.state.saw_disconnect(within).await
    }
}

// === impl SpeechState ===

impl SpeechState {
    /// Answers every request by this script.
    #[must_use]
    pub fn new(script: Script) -> Self {
        let shared = Shared {
            script: Mutex::new(script),
            next: Mutex::default(),
            requests: Mutex::default(),
            answers: watch::Sender::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Answers one request by this script, after those given before.
    pub fn then(&self, script: Script) {
        lock(&self.shared.next).push_back(script);
    }

    /// From now on answers requests by this script.
    pub fn always(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// What clients sent so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Whether, within this time, a client has left before its answer was
    /// complete.
    pub async fn saw_disconnect(&self, within: Duration) -> bool {
        let mut answers = self.shared.answers.subscribe();
        let seen = answers.wait_for(|answers| answers.disconnects > 0);
        tokio::time::timeout(within, seen).await.is_ok_and(|seen| seen.is_ok())
    }

    /// Answers that are in the making now.
    #[must_use]
    pub fn open_answers(&self) -> usize {
        self.shared.answers.borrow().open
    }

    /// Waits until no answer is in the making. When the last one was over, as
    /// this side saw it; `None` when one still is after `within`, or none ever
    /// was.
    pub async fn wait_disconnect(&self, within: Duration) -> Option<Instant> {
        let mut answers = self.shared.answers.subscribe();
        let over = answers.wait_for(|answers| answers.open == 0);
        tokio::time::timeout(within, over).await.ok()?.ok()?.last_over
    }

    /// Records a request and answers it by the next script, unless the real
    /// service would refuse it. The text is the `input` of its body.
    pub(crate) async fn answer(
        &self,
        request: Request,
        refused: fn(&Script, &Request) -> Option<Refusal>,
    ) -> Response {
        let script = self.next_script();
        // Counts a disconnect if the client leaves while the answer is being made.
        let watched = self.watch_client();
        let refusal = script.refusal.clone().or_else(|| refused(&script, &request));
        let text = request.body["input"].as_str().unwrap_or_default().to_owned();
        let waits = request.waits.clone();
        lock(&self.shared.requests).push(request);
        waits.sleep(script.head_after).await;
        if let Some(refusal) = refusal {
            watched.finished();
            return refusal.into_response();
        }
        let content_type = HeaderValue::try_from(&script.content_type).ok();
        let content_encoding = HeaderValue::from_static(script.content_encoding);
        let body = Body::from_stream(audio::body(script, &text, watched, waits));
        let mut response = Response::new(body);
        if let Some(value) = content_type.filter(|value| !value.is_empty()) {
            response.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        if !content_encoding.is_empty() {
            response.headers_mut().insert(header::CONTENT_ENCODING, content_encoding);
        }
        response
    }

    fn next_script(&self) -> Script {
        let next = lock(&self.shared.next).pop_front();
        next.unwrap_or_else(|| lock(&self.shared.script).clone())
    }

    fn watch_client(&self) -> connections::Watched {
        connections::Watched::new(self.shared.answers.clone())
    }
}

// === impl Script ===

impl Script {
    /// Speaks half a second of a 440 Hz tone at 24 kHz, at once.
    #[must_use]
    pub fn tone() -> Self {
        Self::speaking(Audio::Tone { hz: 440, lasting: Duration::from_millis(500) })
    }

    /// Speaks this, at once.
    #[must_use]
    pub fn speaking(audio: Audio) -> Self {
        Self {
            audio,
            sample_rate: 24_000,
            chunk_bytes: 4096,
            head_after: Duration::ZERO,
            first_chunk_after: Duration::ZERO,
            chunk_every: Duration::ZERO,
            ending: Ending::Complete,
            content_type: "audio/pcm".to_owned(),
            content_encoding: "",
            refusal: None,
            key: None,
            voices: Vec::new(),
        }
    }

    /// Refuses every request.
    #[must_use]
    pub fn refusing(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::tone() }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::tone()
    }
}

// === impl Refusal ===

impl Refusal {
    /// An error in OpenAI's shape.
    #[must_use]
    pub fn new(status: u16, kind: &str, code: &str) -> Self {
        let body = openai_error(kind, code, "the request was refused");
        Self { status, body, headers: Vec::new() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, Json(self.body)).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests;
