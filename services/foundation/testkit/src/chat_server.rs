//! A local server that speaks the OpenAI chat-completions wire format.
//!
//! A [`Script`] says what one reply looks like on the wire, down to its faults.
//! A request takes the first script whose needle its prompt contains, else the
//! next of the queue, else the default: parallel tests can share one server.

mod script;

use std::{
    collections::VecDeque,
    convert::Infallible,
    future, io,
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
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub use script::Script;
use script::{Frame, Frames};

/// A running server on 127.0.0.1. Dropping it closes its port; connections
/// that are open then end with the runtime.
pub struct ChatServer {
    address: SocketAddr,
    state: ChatState,
    accepted: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

/// What a server plays and what it has seen. Clones share both.
#[derive(Clone)]
pub struct ChatState {
    inner: Arc<Inner>,
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The request's headers.
    pub headers: HeaderMap,
    /// Its body; null when that was not JSON.
    pub body: Value,
}

struct Inner {
    scripts: Mutex<Scripts>,
    requests: Mutex<Vec<Recorded>>,
    traffic: watch::Sender<Traffic>,
}

struct Scripts {
    by_prompt: Vec<(String, Script)>,
    queue: VecDeque<Script>,
    default: Script,
}

/// Replies on the wire.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    open: usize,
    last_closed: Option<Instant>,
}

/// Lives as long as one reply does.
struct OpenReply {
    inner: Arc<Inner>,
}

// === impl ChatServer ===

impl ChatServer {
    /// Starts a server that plays `default` unless told otherwise.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(default: Script) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = ChatState::new(default);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let listener = listener.tap_io(move |connection| {
            counter.fetch_add(1, Ordering::SeqCst);
            // The fake must not add delays of its own to small writes.
            let _ = connection.set_nodelay(true);
        });
        let routes = Router::new().nest("/v1", router(state.clone()));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // Serving ends only when the task is dropped.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { address, state, accepted, _serving: serving })
    }

    /// The base URL for a client, `/v1` included.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What is played, to change it.
    #[must_use]
    pub fn state(&self) -> &ChatState {
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

    /// See [`ChatState::wait_disconnect`].
    pub async fn wait_disconnect(&self, within: Duration) -> Option<Instant> {
        self.state.wait_disconnect(within).await
    }
}

// === impl ChatState ===

impl ChatState {
    /// A state whose default script is `default`.
    #[must_use]
    pub fn new(default: Script) -> Self {
        let scripts = Scripts { by_prompt: Vec::new(), queue: VecDeque::new(), default };
        let inner = Inner {
            scripts: Mutex::new(scripts),
            requests: Mutex::default(),
            traffic: watch::Sender::new(Traffic::default()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Plays `script` once, after what is queued already.
    pub fn push(&self, script: Script) {
        lock(&self.inner.scripts).queue.push_back(script);
    }

    /// Plays `script` for every prompt that contains `needle`.
    pub fn on_prompt(&self, needle: impl Into<String>, script: Script) {
        lock(&self.inner.scripts).by_prompt.push((needle.into(), script));
    }

    /// Plays `script` whenever nothing else applies.
    pub fn set_default(&self, script: Script) {
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

    fn script_for(&self, prompt: &str) -> Script {
        let mut scripts = lock(&self.inner.scripts);
        let chosen = scripts.by_prompt.iter().find(|(needle, _)| prompt.contains(needle.as_str()));
        match chosen.map(|(_, script)| script.clone()) {
            Some(script) => script,
            None => scripts.queue.pop_front().unwrap_or_else(|| scripts.default.clone()),
        }
    }
}

// === impl Recorded ===

impl Recorded {
    /// The text of the last message.
    #[must_use]
    pub fn prompt(&self) -> &str {
        let content = self.body["messages"].as_array().and_then(|all| all.last()?.get("content"));
        let text =
            content.and_then(|content| content.as_str().or_else(|| content[0]["text"].as_str()));
        text.unwrap_or_default()
    }

    /// A header's text, empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

// === impl OpenReply ===

impl OpenReply {
    fn begin(inner: &Arc<Inner>) -> Self {
        inner.traffic.send_modify(|traffic| traffic.open += 1);
        Self { inner: Arc::clone(inner) }
    }
}

impl Drop for OpenReply {
    fn drop(&mut self) {
        self.inner.traffic.send_modify(|traffic| {
            traffic.open -= 1;
            traffic.last_closed = Some(Instant::now());
        });
    }
}

/// The endpoint, to be mounted under `/v1`.
pub fn router(state: ChatState) -> Router {
    Router::new()
        .route("/chat/completions", post(complete))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn complete(State(state): State<ChatState>, headers: HeaderMap, body: Bytes) -> Response {
    let open = OpenReply::begin(&state.inner);
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let request = Recorded { headers, body };
    let script = state.script_for(request.prompt());
    lock(&state.inner.requests).push(request);
    if script.is_silent() {
        future::pending::<Infallible>().await;
    }
    tokio::time::sleep(script.header_delay()).await;
    let (status, headers, frames) = script.into_parts();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, body_of(frames, open)).into_response()
}

fn body_of(frames: Frames, open: OpenReply) -> Body {
    Body::from_stream(stream::unfold((frames, open), |(mut frames, open)| async move {
        Some((next_piece(&mut frames).await?, (frames, open)))
    }))
}

async fn next_piece(frames: &mut Frames) -> Option<io::Result<Bytes>> {
    loop {
        match frames.next()? {
            Frame::Bytes(bytes) => return Some(Ok(bytes)),
            Frame::Delay(delay) => tokio::time::sleep(delay).await,
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
