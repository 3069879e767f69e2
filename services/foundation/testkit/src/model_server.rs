//! What the fakes of language models share: a local server that plays scripts.
//!
//! A [`Script`] says what one reply looks like on the wire, down to its faults;
//! a [`Format`] says how words and ends are written. A request takes the first
//! script that was given for one of its headers, else the first whose needle its
//! prompt contains, else the next of the queue, else the default: parallel tests
//! can share one server.

mod script;

use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt, future, io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub use script::Script;
pub(crate) use script::Step;
use script::{Frame, Frames};

use crate::Waits;

/// A provider's wire format.
pub trait Format: fmt::Debug + Clone + Send + Sync + 'static {
    /// What a client's base URL has after the host.
    const BASE_PATH: &'static str;

    /// The name of a good end.
    const STOP: &'static str;

    /// The data of the last event, where there is such a thing.
    const DONE: Option<&'static str>;

    /// The endpoints, from the root.
    fn routes(state: State<Self>) -> Router;

    /// What the user says in a request.
    fn prompt(body: &Value) -> &str;

    /// The event before the words, where there is one.
    fn opening() -> Option<Value>;

    /// The event that says this.
    fn words(text: &str) -> Value;

    /// The events that report the end, and the tokens read and written.
    fn ending(finish: Option<&str>, usage: Option<(u32, u32)>) -> Vec<Value>;
}

/// A running server on 127.0.0.1. Dropping it closes its port; connections
/// that are open then end with the runtime.
pub struct ModelServer<F> {
    address: SocketAddr,
    state: State<F>,
    accepted: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

/// What a server plays and what it has seen. Clones share both.
#[derive(Clone)]
pub struct State<F> {
    inner: Arc<Inner<F>>,
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Path and query.
    pub uri: Uri,
    /// The request's headers.
    pub headers: HeaderMap,
    /// Its body; null when that was not JSON.
    pub body: Value,
    /// The server's waits while it answered.
    pub waits: Waits,
    prompt: String,
}

struct Inner<F> {
    scripts: Mutex<Scripts<F>>,
    requests: Mutex<Vec<Recorded>>,
    traffic: watch::Sender<Traffic>,
}

struct Scripts<F> {
    by_header: Vec<(String, String, Script<F>)>,
    by_prompt: Vec<(String, Script<F>)>,
    queue: VecDeque<Script<F>>,
    default: Script<F>,
}

/// Replies on the wire.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    open: usize,
    last_closed: Option<Instant>,
}

/// Lives as long as one reply does.
struct OpenReply {
    traffic: watch::Sender<Traffic>,
}

// === impl ModelServer ===

impl<F: Format> ModelServer<F> {
    /// Starts a server that plays `default` unless told otherwise.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(default: Script<F>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = State::new(default);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let listener = listener.tap_io(move |connection| {
            counter.fetch_add(1, Ordering::SeqCst);
            // The fake must not add delays of its own to small writes.
            let _ = connection.set_nodelay(true);
        });
        let routes = F::routes(state.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // Serving ends only when the task is dropped.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { address, state, accepted, _serving: serving })
    }

    /// The base URL for a client.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, F::BASE_PATH)
    }

    /// What is played, to change it.
    #[must_use]
    pub fn state(&self) -> &State<F> {
        &self.state
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests()
    }

    /// TCP connections accepted so far.
    #[must_use]
    pub fn accepted_connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Connections on which a reply is still being sent.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state.open_connections()
    }

    /// See [`State::wait_disconnect`].
    pub async fn wait_disconnect(&self, within: Duration) -> Option<Instant> {
        self.state.wait_disconnect(within).await
    }
}

// === impl State ===

impl<F: Format> State<F> {
    /// A state whose default script is `default`.
    #[must_use]
    pub fn new(default: Script<F>) -> Self {
        let scripts = Scripts {
            by_header: Vec::new(),
            by_prompt: Vec::new(),
            queue: VecDeque::new(),
            default,
        };
        let inner = Inner {
            scripts: Mutex::new(scripts),
            requests: Mutex::default(),
            traffic: watch::Sender::new(Traffic::default()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Plays `script` once, after what is queued already.
    pub fn push(&self, script: Script<F>) {
        lock(&self.inner.scripts).queue.push_back(script);
    }

    /// Plays `script` for every prompt that contains `needle`.
    pub fn on_prompt(&self, needle: impl Into<String>, script: Script<F>) {
        lock(&self.inner.scripts).by_prompt.push((needle.into(), script));
    }

    /// Plays `script` for every request whose header `name` is `value`.
    pub fn on_header(&self, name: &str, value: &str, script: Script<F>) {
        lock(&self.inner.scripts).by_header.push((name.to_owned(), value.to_owned(), script));
    }

    /// Plays `script` whenever nothing else applies.
    pub fn set_default(&self, script: Script<F>) {
        lock(&self.inner.scripts).default = script;
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.inner.requests).clone()
    }

    /// Connections on which a reply is still being sent.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.inner.traffic.borrow().open
    }

    /// Waits until no reply is open. When the last one closed, as this side saw
    /// it; `None` when one is still open after `within`, or none ever was.
    pub async fn wait_disconnect(&self, within: Duration) -> Option<Instant> {
        let mut traffic = self.inner.traffic.subscribe();
        let closed = traffic.wait_for(|traffic| traffic.open == 0);
        tokio::time::timeout(within, closed).await.ok()?.ok()?.last_closed
    }

    /// Answers a request with the script that is meant for it.
    pub(crate) async fn answer(&self, uri: Uri, headers: HeaderMap, body: &Bytes) -> Response {
        let open = OpenReply::begin(&self.inner.traffic);
        let request = self.record(uri, headers, body);
        let script = self.script_for(&request);
        let waits = request.waits.clone();
        lock(&self.inner.requests).push(request);
        play(script, open, waits).await
    }

    /// Answers a request that the provider refuses whatever is to be played.
    pub(crate) async fn refuse(
        &self,
        (uri, headers, body): (Uri, HeaderMap, &Bytes),
        refusal: Script<F>,
    ) -> Response {
        let open = OpenReply::begin(&self.inner.traffic);
        let request = self.record(uri, headers, body);
        let waits = request.waits.clone();
        lock(&self.inner.requests).push(request);
        play(refusal, open, waits).await
    }

    fn record(&self, uri: Uri, headers: HeaderMap, body: &Bytes) -> Recorded {
        let body = serde_json::from_slice(body).unwrap_or_default();
        let prompt = F::prompt(&body).to_owned();
        Recorded { uri, headers, body, prompt, waits: Waits::default() }
    }

    fn script_for(&self, request: &Recorded) -> Script<F> {
        let mut scripts = lock(&self.inner.scripts);
        let by_header = scripts
            .by_header
            .iter()
            .find(|(name, value, _)| request.header(name) == value)
            .map(|(_, _, script)| script);
        let by_prompt = || {
            let wanted = |(needle, _): &&(String, _)| request.prompt().contains(needle.as_str());
            scripts.by_prompt.iter().find(wanted).map(|(_, script)| script)
        };
        match by_header.or_else(by_prompt).cloned() {
            Some(script) => script,
            None => scripts.queue.pop_front().unwrap_or_else(|| scripts.default.clone()),
        }
    }
}

// === impl Recorded ===

impl Recorded {
    /// What the user says in it.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// A header's text, empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

// === impl OpenReply ===

impl OpenReply {
    fn begin(traffic: &watch::Sender<Traffic>) -> Self {
        traffic.send_modify(|traffic| traffic.open += 1);
        Self { traffic: traffic.clone() }
    }
}

impl Drop for OpenReply {
    fn drop(&mut self) {
        self.traffic.send_modify(|traffic| {
            traffic.open -= 1;
            traffic.last_closed = Some(Instant::now());
        });
    }
}

async fn play<F: Format>(script: Script<F>, open: OpenReply, waits: Waits) -> Response {
    if script.is_silent() {
        future::pending::<Infallible>().await;
    }
    waits.sleep(script.header_delay()).await;
    let (status, headers, frames) = script.into_parts();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, body_of(frames, open, waits)).into_response()
}

fn body_of(frames: Frames, open: OpenReply, waits: Waits) -> Body {
    Body::from_stream(stream::unfold((frames, open, waits), |(mut frames, open, waits)| async {
        Some((next_piece(&mut frames, &waits).await?, (frames, open, waits)))
    }))
}

async fn next_piece(frames: &mut Frames, waits: &Waits) -> Option<io::Result<Bytes>> {
    loop {
        match frames.next()? {
            Frame::Bytes(bytes) => return Some(Ok(bytes)),
            Frame::Delay(delay) => waits.sleep(delay).await,
            Frame::Hang => future::pending().await,
            Frame::Reset => {
                // What was sent before is flushed while this waits.
                tokio::task::yield_now().await;
                return Some(Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
