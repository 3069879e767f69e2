//! What the tests share: fakes of providers, a call that is steered step by
//! step, and the assertions of the public contract.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use nexy_proto::streaming::{
    InterruptRequest, InterruptResponse, StreamRequest, StreamResponse,
    streaming_service_client::StreamingServiceClient,
};
use nexy_testkit::{
    chat_server::{self, ChatServer},
    speech_server::{self, SpeechServer},
    stack::{Builder, Line, Process, Reply, Stack, question},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

/// Longer than anything here takes; what is not there by then never comes.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// For what happens at once, even on a machine that gets a tenth of its cores;
/// how many milliseconds it is, the bench tells.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(2);

/// The method of the decision log.
pub(crate) const STREAM_AUDIO: &str = "/streaming.StreamingService/StreamAudio";

/// A model and a voice as providers on loopback.
pub(crate) struct Fakes {
    pub(crate) chat: ChatServer,
    pub(crate) speech: SpeechServer,
}

/// Devices that ask one question after the other, for as long as somebody wants
/// to see whether every reply is whole.
#[derive(Default)]
pub(crate) struct Lanes {
    over: Arc<AtomicBool>,
    lanes: JoinSet<anyhow::Result<usize>>,
}

/// A StreamAudio call, step by step.
pub(crate) struct Call {
    requests: Option<mpsc::Sender<StreamRequest>>,
    responses: Streaming<StreamResponse>,
    began: Instant,
    /// Everything so far.
    pub(crate) reply: Reply,
}

/// A whole reply, and the longest time in it without a frame.
pub(crate) struct Timed {
    pub(crate) reply: Reply,
    pub(crate) longest_pause: Duration,
}

// === impl Fakes ===

impl Fakes {
    /// A model that says this, and a voice that hums half a second for each
    /// segment.
    pub(crate) async fn saying(reply: chat_server::Script) -> anyhow::Result<Self> {
        let chat = ChatServer::start(reply).await?;
        let speech = SpeechServer::start(speech_server::Script::tone()).await?;
        Ok(Self { chat, speech })
    }

    /// A stack that uses both.
    pub(crate) fn stack(&self) -> Builder {
        Stack::builder()
            .env("OPENAI_BASE_URL", self.chat.base_url())
            .env("OPENAI_API_KEY", "key-of-the-model")
            .env("OPENAI_MODEL", "test-model")
            .env("TTS_OPENAI_BASE_URL", self.speech.base_url())
            .env("TTS_OPENAI_MODEL", "test-voice-model")
            .env("TTS_OPENAI_VOICE", "test-voice")
    }
}

// === impl Lanes ===

impl Lanes {
    /// One more device.
    pub(crate) fn ask_on(&mut self, mut client: StreamingServiceClient<Channel>) {
        let (device, over) = (format!("device-{}", self.lanes.len()), Arc::clone(&self.over));
        self.lanes.spawn(async move {
            let mut whole = 0;
            while !over.load(Ordering::Relaxed) {
                let reply = Reply::of(&mut client, question(&device, "What time is it?")).await?;
                if is_overtaken(&reply) {
                    continue;
                }
                ensure!(reply.is_complete(), "{:?} {:?}", reply.status, reply.outline);
                whole += 1;
            }
            Ok(whole)
        });
    }

    /// Lets them end; each must have been answered, and always in full.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.over.store(true, Ordering::Relaxed);
        while let Some(whole) = self.lanes.join_next().await {
            ensure!(whole?? > 0, "a device was never answered");
        }
        Ok(())
    }
}

/// Whether a goodbye of the server overtook the question, which then was never
/// read. Other clients of gRPC ask again by themselves (its proposal A6,
/// transparent retries); tonic's leaves that to us.
fn is_overtaken(reply: &Reply) -> bool {
    let goodbye = |status| format!("{status:?}").contains("GoAway(b\"\", NO_ERROR, Remote)");
    reply.outline.is_empty() && reply.status.as_ref().is_some_and(goodbye)
}

// === impl Call ===

impl Call {
    /// Opens a call and says nothing yet.
    pub(crate) async fn open(stack: &Stack) -> anyhow::Result<Self> {
        Self::make(&mut stack.client().await?, None, &[]).await
    }

    /// Opens a call and asks.
    pub(crate) async fn ask(stack: &Stack, request: StreamRequest) -> anyhow::Result<Self> {
        Self::of(&mut stack.client().await?, request, &[]).await
    }

    /// Opens a call with metadata and asks. The question does not wait for the
    /// head of the answer.
    pub(crate) async fn of(
        client: &mut StreamingServiceClient<Channel>,
        request: StreamRequest,
        metadata: &[(&'static str, &str)],
    ) -> anyhow::Result<Self> {
        Self::make(client, Some(request), metadata).await
    }

    async fn make(
        client: &mut StreamingServiceClient<Channel>,
        first: Option<StreamRequest>,
        metadata: &[(&'static str, &str)],
    ) -> anyhow::Result<Self> {
        let (requests, to_send) = mpsc::channel(16);
        if let Some(first) = first {
            requests.try_send(first)?;
        }
        let request = with_metadata(ReceiverStream::new(to_send), metadata)?;
        let began = Instant::now();
        let responses = client.stream_audio(request).await?.into_inner();
        Ok(Self { requests: Some(requests), responses, began, reply: Reply::default() })
    }

    pub(crate) async fn say(&self, request: StreamRequest) -> anyhow::Result<()> {
        let requests = self.requests.as_ref().context("the call is half-closed")?;
        requests.send(request).await.context("the call is over")
    }

    pub(crate) fn half_close(&mut self) {
        self.requests = None;
    }

    /// Reads until something is true of the reply, or the call is over.
    pub(crate) async fn until(&mut self, is_true: impl Fn(&Reply) -> bool) -> anyhow::Result<()> {
        while !is_true(&self.reply) {
            let message = tokio::time::timeout(SOON, self.responses.message()).await;
            match message.with_context(|| format!("nothing comes: {:?}", self.reply.outline))? {
                Ok(Some(message)) => self.reply.take(message, self.began),
                Ok(None) => bail!("the call ended early: {:?}", self.reply.outline),
                Err(status) => bail!("{status} after {:?}", self.reply.outline),
            }
        }
        Ok(())
    }

    /// Reads until the turn is complete, and tells how long nothing came at most.
    pub(crate) async fn end_of_turn(mut self) -> anyhow::Result<Timed> {
        let mut longest_pause = Duration::ZERO;
        while self.reply.ends.is_empty() {
            let (before, so_far) = (Instant::now(), frames(&self.reply));
            self.until(|reply| frames(reply) > so_far).await?;
            longest_pause = longest_pause.max(before.elapsed());
        }
        Ok(Timed { reply: self.reply, longest_pause })
    }

    /// Reads to the end without saying more.
    pub(crate) async fn rest(mut self) -> anyhow::Result<Reply> {
        self.half_close();
        self.end().await
    }

    /// Reads to the end; the call stays open on this side.
    pub(crate) async fn end(mut self) -> anyhow::Result<Reply> {
        loop {
            let message = tokio::time::timeout(SOON, self.responses.message()).await;
            match message.with_context(|| format!("no end: {:?}", self.reply.outline))? {
                Ok(Some(message)) => self.reply.take(message, self.began),
                Ok(None) => {
                    let trailers = self.responses.trailers().await?;
                    self.reply.trailers = trailers.unwrap_or_default();
                    return Ok(self.reply);
                }
                Err(status) => {
                    self.reply.trailers = status.metadata().clone();
                    self.reply.status = Some(status);
                    return Ok(self.reply);
                }
            }
        }
    }
}

fn frames(reply: &Reply) -> usize {
    reply.texts.len() + reply.chunks.len() + reply.ends.len()
}

/// A request with metadata.
pub(crate) fn with_metadata<T>(
    message: T,
    metadata: &[(&'static str, &str)],
) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse()?);
    }
    Ok(request)
}

/// Asks one question with metadata.
pub(crate) async fn ask_with(
    stack: &Stack,
    question: StreamRequest,
    metadata: &[(&'static str, &str)],
) -> anyhow::Result<Reply> {
    let request = with_metadata(tokio_stream::once(question), metadata)?;
    Reply::of_request(&mut stack.client().await?, request).await
}

/// Asks one question of the gateway's own port.
pub(crate) async fn ask(stack: &Stack, question: StreamRequest) -> anyhow::Result<Reply> {
    Reply::of(&mut stack.client().await?, question).await
}

pub(crate) async fn interrupt(stack: &Stack, device: &str) -> anyhow::Result<InterruptResponse> {
    let request = InterruptRequest { hardware_id: device.to_owned() };
    Ok(stack.client().await?.interrupt_session(request).await?.into_inner())
}

/// A reply that is whole, spoken, and in order: what every client relies on.
#[track_caller]
pub(crate) fn assert_whole(reply: &Reply) {
    assert!(reply.is_complete(), "{:?} {:?}", reply.status, reply.outline);
    assert!(reply.errors.is_empty());
    assert!(!reply.texts.is_empty());
    assert_eq!(reply.outline.iter().filter(|item| *item == "end").count(), 1);
    assert_eq!(reply.outline.first().map(String::as_str), Some("text"));
    assert_eq!(reply.outline.last().map(String::as_str), Some("end"));
    assert!(reply.texts.iter().all(|text| text == text.trim() && !text.is_empty()));
    assert_audio(reply);
}

/// Audio as the contract promises it.
#[track_caller]
pub(crate) fn assert_audio(reply: &Reply) {
    assert!(!reply.chunks.is_empty(), "no audio");
    for chunk in &reply.chunks {
        let bytes = chunk.audio_data.len();
        assert!((2..=4096).contains(&bytes) && bytes % 2 == 0, "a chunk of {bytes} bytes");
        assert_eq!(chunk.dtype, "int16");
        assert!(chunk.shape.is_empty());
        assert_eq!((chunk.sample_rate, chunk.channels), (48_000, 1));
    }
    assert!(rms(reply) > 300.0, "silence: an RMS of {}", rms(reply));
}

/// Root mean square of the samples.
pub(crate) fn rms(reply: &Reply) -> f64 {
    let samples = samples(reply);
    let squares: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (squares / samples.len().max(1) as f64).sqrt()
}

pub(crate) fn samples(reply: &Reply) -> Vec<i16> {
    reply.pcm().chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// An end with an error: its code, `error_type` and text, the same in status
/// and details, and neither an end message nor an error message after data.
#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, code: Code, error_type: &str) -> String {
    let status = reply.status.as_ref().expect("a status");
    assert!(reply.ends.is_empty(), "an end message in spite of {status}");
    assert_status(status, code, error_type);
    let message = status.message().to_owned();
    match reply.outline.first().map(String::as_str) {
        Some("error") => {
            assert_eq!(reply.outline, ["error"]);
            assert_eq!(reply.errors, [message.as_str()]);
        }
        Some(_) => assert!(reply.errors.is_empty(), "an error message after data"),
        None => panic!("{status} without an error message"),
    }
    message
}

#[track_caller]
pub(crate) fn assert_status(status: &Status, code: Code, error_type: &str) {
    assert_eq!(status.code(), code, "{status:?}");
    let info = status.get_details_error_info().expect("ErrorInfo");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (error_type, "nexy"));
    let retry = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let helps = !matches!(error_type, "cancelled_by_user" | "validation_failed" | "internal");
    assert_eq!(retry.is_some(), helps, "RetryInfo: {retry:?}");
    if error_type == "stream_limit_exceeded" {
        assert_eq!(retry, Some(Duration::from_secs(60)));
    }
    if code == Code::ResourceExhausted {
        let quota = status.get_details_quota_failure().expect("QuotaFailure");
        assert_eq!(quota.violations[0].description, status.message());
    }
}

/// The lines of StreamAudio about one session.
pub(crate) fn turns_of(stack: &Stack, session: &str) -> anyhow::Result<Vec<Line>> {
    let lines = stack.decisions()?.into_iter();
    let ours = |line: &Line| {
        line.method.as_deref() == Some(STREAM_AUDIO) && line.text("session_id") == Some(session)
    };
    Ok(lines.filter(ours).collect())
}

/// Waits until something holds; looks again and again, because no event tells.
pub(crate) async fn eventually(
    what: &str,
    mut holds: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let until = Instant::now() + SOON;
    while !holds().await? {
        ensure!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// A client for the internal HTTP ports.
pub(crate) fn http() -> anyhow::Result<reqwest::Client> {
    nexy_testkit::install_tls_provider();
    Ok(reqwest::Client::builder().timeout(SOON).no_proxy().build()?)
}

/// The JSON of a route of the gateway.
pub(crate) async fn gateway_json(stack: &Stack, path: &str) -> anyhow::Result<serde_json::Value> {
    let url = format!("http://127.0.0.1:{}{path}", stack.ports.gateway_http);
    Ok(http()?.get(url).send().await?.json().await?)
}

pub(crate) async fn active_streams(stack: &Stack) -> anyhow::Result<u64> {
    gateway_json(stack, "/status").await?["active_streams"].as_u64().context("active_streams")
}

/// Runs a binary to its end: its exit code and everything it wrote.
pub(crate) async fn run(
    name: &str,
    arguments: &[&str],
    environment: &[(String, String)],
) -> anyhow::Result<(i32, Vec<String>)> {
    let mut process = Process::spawn(name, arguments, environment)?;
    let status = process.wait_exit(SOON).await?;
    Ok((status.code().context("ended by a signal")?, process.lines()))
}

/// Whether an external program is there. Where it must be (in CI) its absence
/// fails the test; elsewhere the test says that it is skipped.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn is_installed(program: &str) -> bool {
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    if folders.iter().any(|folder| PathBuf::from(folder).join(program).exists()) {
        return true;
    }
    assert!(!is_ci(), "{program} is not installed");
    eprintln!("SKIPPED: {program} is not installed");
    false
}

#[expect(clippy::disallowed_methods, reason = "CI says so in the environment and nowhere else")]
fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// A PNG of one pixel, and something behind its end that makes it so long.
pub(crate) fn png(bytes: usize) -> String {
    use base64::Engine as _;
    const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\
        \x1f\x15\xc4\x89\0\0\0\rIDATx\xdacd`\xf8_\x0f\0\x02\x87\x01\x80\xebG\xba\x92\
        \0\0\0\0IEND\xaeB`\x82";
    let mut file = PIXEL.to_vec();
    file.resize(bytes.max(PIXEL.len()), 0x5a);
    base64::engine::general_purpose::STANDARD.encode(file)
}
