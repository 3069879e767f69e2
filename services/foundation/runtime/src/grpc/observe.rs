use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response};

use nexy_telemetry::{
    Decision, DeviceHash, Level,
    metrics::{self, RpcEnd},
    propagation,
};
use nexy_types::{ErrorType, SessionId};
use serde::Serialize;
use tokio::time::timeout;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{Body as HttpBody, BoxFuture},
};
use tower::{Layer, Service};
use tracing::Span;

use super::{
    deadline::{deadline, deadline_exceeded},
    span::{server_ended, server_span},
};

/// How one RPC is reported. Every RPC of a server is in its table; a call to
/// one that is not is answered UNIMPLEMENTED by tonic and reported as `other`.
#[derive(Debug, Clone, Copy)]
pub struct Rpc {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// The `rpc` label of metrics.
    pub name: &'static str,
    /// Who logs it, and how loudly.
    pub logged: Logged,
}

/// Who writes the start and end lines of an RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    /// This layer, for everybody to see.
    Call,
    /// This layer, at debug level: probes that come every second.
    Probe,
    /// The RPC itself: its unit is not the call.
    ByItself,
}

/// Puts the decision log, the RPC metrics and the server span around every call.
#[derive(Debug, Clone)]
pub struct ObserveLayer {
    scope: &'static str,
    table: &'static [Rpc],
    too_late: fn() -> Status,
}

/// The service made by [`ObserveLayer`].
#[derive(Debug, Clone)]
pub struct Observe<S> {
    inner: S,
    layer: ObserveLayer,
}

/// What a handler adds to the lines of its call; found in the request's
/// extensions.
#[derive(Debug, Clone, Default)]
pub struct RpcContext(Arc<Mutex<Fields>>);

#[derive(Debug, Clone, Default, Serialize)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_classified: Option<&'static str>,
}

/// How a call ended, in the words of the decision log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With status OK.
    Complete,
    /// Stopped by the client or the user.
    Abort,
    /// With any other status.
    Error,
}

#[derive(Serialize)]
struct Started {
    #[serde(skip)]
    observed: Observed,
}

#[derive(Serialize)]
struct Ended {
    #[serde(skip)]
    observed: Observed,
    #[serde(skip)]
    outcome: Outcome,
    #[serde(skip)]
    elapsed: Duration,
    #[serde(flatten)]
    fields: Fields,
    grpc_code: &'static str,
}

#[derive(Debug, Clone, Copy)]
struct Observed {
    scope: &'static str,
    path: &'static str,
    name: &'static str,
    logged: Logged,
}

/// One call from its head to its trailers, its refusal, or its disappearance.
struct Call {
    observed: Observed,
    began: Instant,
    context: RpcContext,
    span: Span,
    /// Its answer is asked for a frame; stays so when that panics.
    is_polled: bool,
    ended: bool,
}

pin_project_lite::pin_project! {
    struct ObservedBody {
        #[pin]
        inner: Body,
        call: Call,
    }
}

// === impl ObserveLayer ===

impl ObserveLayer {
    /// Reports the RPCs of the table under a scope of the decision log.
    #[must_use]
    pub fn new(scope: &'static str, table: &'static [Rpc]) -> Self {
        Self { scope, table, too_late: deadline_exceeded }
    }

    /// Answers a call whose time is up with a status of one's own making.
    #[must_use]
    pub fn too_late(self, too_late: fn() -> Status) -> Self {
        Self { too_late, ..self }
    }

    fn observed(&self, path: &str) -> Observed {
        let scope = self.scope;
        self.table.iter().find(|rpc| rpc.path == path).map_or(
            Observed { scope, path: "other", name: "other", logged: Logged::Probe },
            |rpc| Observed { scope, path: rpc.path, name: rpc.name, logged: rpc.logged },
        )
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, layer: self.clone() }
    }
}

// === impl Observe ===

impl<S, B> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let observed = self.layer.observed(request.uri().path());
        if observed.logged == Logged::ByItself {
            return Box::pin(self.inner.call(request));
        }
        let mut call = Call::begin(observed, request.headers());
        request.extensions_mut().insert(call.context.clone());
        let (within, too_late) = (deadline(request.headers()), self.layer.too_late);
        let answer = call.span.in_scope(|| self.inner.call(request));
        let span = call.span.clone();
        let observed_answer = async move {
            // Calls that answer with a stream see to the rest of it themselves.
            let response = match within {
                None => answer.await?,
                Some(within) => match timeout(within, answer).await {
                    Ok(response) => response?,
                    Err(_) => {
                        call.context.set_error(ErrorType::Timeout);
                        too_late().into_http()
                    }
                },
            };
            // A refusal has its status in the head and no body to wait for.
            if response.headers().contains_key(GRPC_STATUS) {
                call.end(code(response.headers()));
            }
            Ok(response.map(|inner| Body::new(ObservedBody { inner, call })))
        };
        Box::pin(tracing::Instrument::instrument(observed_answer, span))
    }
}

// === impl Call ===

impl Call {
    fn begin(observed: Observed, headers: &HeaderMap) -> Self {
        let span = if observed.logged == Logged::Probe {
            // A question every second would bury the traces of people's.
            Span::none()
        } else {
            server_span(observed.path)
        };
        propagation::set_parent(&span, headers);
        span.in_scope(|| nexy_telemetry::emit(&Started { observed }));
        let (began, context) = (Instant::now(), RpcContext::default());
        Self { observed, began, context, span, is_polled: false, ended: false }
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let elapsed = self.began.elapsed();
        server_ended(&self.span, code);
        let name = metrics::code_name(code as i32);
        metrics::rpc_ended(&RpcEnd {
            rpc: self.observed.name,
            code: name,
            duration: elapsed,
            first_text: None,
            first_audio: None,
        });
        let ended = Ended {
            observed: self.observed,
            outcome: Outcome::of(code),
            elapsed,
            fields: self.context.fields(),
            grpc_code: name,
        };
        self.span.in_scope(|| nexy_telemetry::emit(&ended));
    }
}

impl Drop for Call {
    /// A call dropped without a status has panicked, or else lost its client.
    fn drop(&mut self) {
        if self.is_polled || std::thread::panicking() {
            self.context.set_error(ErrorType::Internal);
            self.end(Code::Internal);
        } else {
            self.end(Code::Cancelled);
        }
    }
}

// === impl RpcContext ===

impl RpcContext {
    /// Names the session of the call.
    pub fn set_session(&self, session: &SessionId) {
        self.edit(|fields| fields.session_id = Some(session.clone()));
    }

    /// Names the device of the call, hashed.
    pub fn set_device(&self, device: DeviceHash) {
        self.edit(|fields| fields.device = Some(device));
    }

    /// Classifies the error that the call ends with.
    pub fn set_error(&self, error: ErrorType) {
        self.edit(|fields| {
            fields.error_type = Some(error.as_str());
            fields.error_classified = Some(error.class().as_str());
        });
    }

    fn edit(&self, change: impl FnOnce(&mut Fields)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn fields(&self) -> Fields {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Outcome ===

impl Outcome {
    /// The outcome that a status stands for.
    #[must_use]
    pub fn of(code: Code) -> Self {
        match code {
            Code::Ok => Self::Complete,
            Code::Cancelled => Self::Abort,
            _ => Self::Error,
        }
    }

    /// The word in the decision log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Abort => "abort",
            Self::Error => "error",
        }
    }
}

// === impl ObservedBody ===

impl HttpBody for ObservedBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let span = this.call.span.clone();
        this.call.is_polled = true;
        let polled = span.in_scope(|| this.inner.poll_frame(cx));
        this.call.is_polled = false;
        let frame = ready!(polled);
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            this.call.end(code(trailers));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

// === impl decisions ===

impl Decision for Started {
    fn scope(&self) -> &'static str {
        self.observed.scope
    }
    fn method(&self) -> Option<&'static str> {
        Some(self.observed.path)
    }
    fn decision(&self) -> &'static str {
        "start"
    }
    fn level(&self) -> Level {
        self.observed.level()
    }
}

impl Decision for Ended {
    fn scope(&self) -> &'static str {
        self.observed.scope
    }
    fn method(&self) -> Option<&'static str> {
        Some(self.observed.path)
    }
    fn decision(&self) -> &'static str {
        self.outcome.as_str()
    }
    fn duration(&self) -> Option<Duration> {
        Some(self.elapsed)
    }
    fn level(&self) -> Level {
        self.observed.level()
    }
}

impl Observed {
    fn level(self) -> Level {
        match self.logged {
            Logged::Probe => Level::Debug,
            Logged::Call | Logged::ByItself => Level::Info,
        }
    }
}

const GRPC_STATUS: &str = "grpc-status";

fn code(headers: &HeaderMap) -> Code {
    headers.get(GRPC_STATUS).map_or(Code::Unknown, |value| Code::from_bytes(value.as_bytes()))
}
