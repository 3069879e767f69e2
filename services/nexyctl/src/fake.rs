//! A server for tests: the public contract on a loopback port, with replies
//! that are chosen by the question.

use std::sync::{Arc, Mutex};

use axum::{Router, http::header, routing::get};
use nexy_proto::streaming::{
    AudioChunk, InterruptRequest, InterruptResponse, StreamRequest, StreamResponse, UsageRequest,
    UsageResponse, WelcomeRequest, WelcomeResponse,
    stream_response::Content,
    streaming_service_server::{StreamingService, StreamingServiceServer},
};
use nexy_types::{HardwareId, SessionId};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{
    Code, Request, Response, Status, Streaming,
    metadata::MetadataMap,
    transport::{Identity, Server, ServerTlsConfig},
};
use tonic_types::{ErrorDetails, StatusExt as _};

pub(crate) const ACTION: &str = r#"__MCP__{"event":"mcp.command_request","payload":{"session_id":"s","command":"open_app","args":{"app_name":"Telegram"}}}"#;

/// A running server; dropping it ends it.
pub(crate) struct Fake {
    pub(crate) url: String,
    pub(crate) http: String,
    pub(crate) seen: Arc<Seen>,
    _work: JoinSet<()>,
}

/// What the server was asked.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) questions: Mutex<Vec<(MetadataMap, StreamRequest)>>,
    pub(crate) interrupts: Mutex<u32>,
    running: Mutex<Vec<String>>,
    stop: Notify,
}

struct Service(Arc<Seen>);

// === impl Fake ===

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::with(Server::builder(), "http").await
    }

    pub(crate) async fn start_tls(identity: Identity) -> Self {
        let tls = ServerTlsConfig::new().identity(identity);
        Self::with(Server::builder().tls_config(tls).unwrap(), "https").await
    }

    async fn with(mut server: Server, scheme: &str) -> Self {
        let seen = Arc::new(Seen::default());
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
        let router = server
            .add_service(health)
            .add_service(StreamingServiceServer::new(Service(Arc::clone(&seen))));
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://localhost:{}", grpc.local_addr().unwrap().port());
        let http_url = format!("http://{}", http.local_addr().unwrap());
        let mut work = JoinSet::new();
        work.spawn(async move {
            router.serve_with_incoming(TcpListenerStream::new(grpc)).await.unwrap();
        });
        work.spawn(async move {
            axum::serve(http, routes()).await.unwrap();
        });
        Self { url, http: http_url, seen, _work: work }
    }
}

fn routes() -> Router {
    let json = |body: &'static str| ([(header::CONTENT_TYPE, "application/json")], body);
    let cached = [(header::CACHE_CONTROL, "public, max-age=30")];
    Router::new()
        .route(
            "/health",
            get(move || async move { (cached, json(r#"{"status":"OK","version":"1.0"}"#)) }),
        )
        .route(
            "/status",
            get(move || async move {
                json(
                    r#"{"flags":{"forward_assistant_actions":false},"kill_switches":{},
                        "modules":[{"name":"backpressure","state":"ready"}],"workers":[]}"#,
                )
            }),
        )
}

// === impl Service ===

type Frames = ReceiverStream<Result<StreamResponse, Status>>;

#[tonic::async_trait]
impl StreamingService for Service {
    type StreamAudioStream = Frames;
    type GenerateWelcomeAudioStream = ReceiverStream<Result<WelcomeResponse, Status>>;

    async fn stream_audio(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Frames>, Status> {
        let (metadata, _, mut questions) = request.into_parts();
        let question = questions.message().await?.unwrap();
        self.0.questions.lock().unwrap().push((metadata, question.clone()));
        check(&question)?;
        let (frames, stream) = mpsc::channel(16);
        if ["long", "deaf"].contains(&question.prompt.as_str()) {
            if question.prompt == "long" {
                self.0.running.lock().unwrap().push(question.session_id);
            }
            let seen = Arc::clone(&self.0);
            frames.send(Ok(text("It is a long story."))).await.unwrap();
            #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
            tokio::spawn(async move {
                seen.stop.notified().await;
                let status = refusal(Code::Cancelled, "cancelled_by_user", "interrupted");
                let _ = frames.send(Err(status)).await;
            });
        } else {
            for frame in script(&question.prompt) {
                frames.send(frame).await.unwrap();
            }
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn interrupt_session(
        &self,
        _: Request<InterruptRequest>,
    ) -> Result<Response<InterruptResponse>, Status> {
        *self.0.interrupts.lock().unwrap() += 1;
        let interrupted_sessions = std::mem::take(&mut *self.0.running.lock().unwrap());
        let success = !interrupted_sessions.is_empty();
        if success {
            self.0.stop.notify_one();
        }
        let message = if success { "Interrupted" } else { "No active sessions found" };
        let message = message.to_owned();
        Ok(Response::new(InterruptResponse { success, interrupted_sessions, message }))
    }

    async fn generate_welcome_audio(
        &self,
        _: Request<WelcomeRequest>,
    ) -> Result<Response<Self::GenerateWelcomeAudioStream>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn report_usage(
        &self,
        _: Request<UsageRequest>,
    ) -> Result<Response<UsageResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

fn check(question: &StreamRequest) -> Result<(), Status> {
    let invalid = |text: String| refusal(Code::InvalidArgument, "validation_failed", &text);
    HardwareId::parse(&question.hardware_id).map_err(|error| invalid(error.to_string()))?;
    SessionId::parse(&question.session_id).map_err(|error| invalid(error.to_string()))?;
    Ok(())
}

/// The replies.
fn script(prompt: &str) -> Vec<Result<StreamResponse, Status>> {
    match prompt {
        "busy" => vec![
            Ok(response(Content::ErrorMessage("a turn is already running".to_owned()))),
            Err(refusal(Code::ResourceExhausted, "session_busy", "a turn is already running")),
        ],
        "cut" => vec![Ok(text("Half a")), Err(trailers())],
        _ => vec![
            Ok(text("Right away.")),
            Ok(sound()),
            Ok(sound()),
            Ok(text(ACTION)),
            Ok(response(Content::EndMessage("done".to_owned()))),
            Err(trailers()),
        ],
    }
}

fn response(content: Content) -> StreamResponse {
    StreamResponse { content: Some(content) }
}

fn text(text: &str) -> StreamResponse {
    response(Content::TextChunk(text.to_owned()))
}

/// 2048 samples: 43 ms.
fn sound() -> StreamResponse {
    response(Content::AudioChunk(AudioChunk {
        audio_data: vec![1; 4096].into(),
        dtype: "int16".to_owned(),
        shape: Vec::new(),
        sample_rate: 48_000,
        channels: 1,
    }))
}

/// tonic sends a last item with `Code::Ok` as the trailers of a good end.
fn trailers() -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("nexy-providers", "llm=offline;tts=espeak".parse().unwrap());
    Status::with_metadata(Code::Ok, "", metadata)
}

fn refusal(code: Code, error_type: &str, text: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(error_type, "nexy", std::collections::HashMap::new());
    Status::with_error_details(code, text, details)
}
