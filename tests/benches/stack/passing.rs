//! Audio that passes through the gateway: what a megabyte costs, and a thousand
//! listeners at once.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use futures_util::{Stream, StreamExt as _, stream};
use nexy_proto::{
    streaming::{
        AudioChunk, InterruptRequest, InterruptResponse, StreamRequest, StreamResponse,
        UsageRequest, UsageResponse, WelcomeRequest as PublicWelcome, WelcomeResponse,
        stream_response::Content,
        streaming_service_client::StreamingServiceClient,
        streaming_service_server::{StreamingService, StreamingServiceServer},
    },
    worker::{
        AudioFormat, Completed, ModuleStatus, RespondEvent, RespondRequest, StatusRequest,
        StatusResponse, StoreUsageRequest, StoreUsageResponse, WelcomeEvent, WelcomeRequest,
        respond_event::Event,
        worker_server::{Worker, WorkerServer},
    },
};
use nexy_testkit::stack::{Process, Stack, free_port, question, resident_kib};
use nexy_tests::report::{Report, Target};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Server, server::TcpIncoming},
};

use crate::burst;

/// Bytes of a frame, as the gateway's clients get them.
const FRAME: usize = 4096;

/// How long a frame is heard: 48000 samples of two bytes a second.
pub(crate) const FRAME_LASTS: Duration = Duration::from_micros(42_667);

/// Streams at once while a megabyte's cost is measured, and frames of each.
const LANES: usize = 8;
const FRAMES: usize = 4_000;

/// Rounds of each kind, by turns.
const ROUNDS: usize = 16;

/// Of the CPU of a server that only sends the same bytes.
const RATIO: f64 = 1.5;

/// Listeners at the same time, and what each of them hears.
const LISTENERS: [usize; 3] = [250, 500, MOST];
const MOST: usize = 1_000;
const HEARD: usize = 350;

/// RFC 9113, 6.9.2: what may be under way to a listener, in bytes.
const WINDOW: u32 = 65_535;

/// Windows of those who drain: of the standard, and of a client that asks for
/// more than is ever under way.
const WINDOWS: [(&str, u32); 2] = [("windows of 64 KiB", WINDOW), ("windows of 2 MiB", 1 << 21)];

/// For one round of anything here.
const PATIENCE: Duration = Duration::from_secs(120);

/// What makes this program the server that it compares the gateway with.
pub(crate) const BARE_SERVER: &str = "--bare-server";

/// A process whose CPU is measured, and the port that its listeners come to.
#[derive(Clone, Copy)]
struct Served {
    pid: u32,
    port: u16,
}

/// What so many listeners heard, and what it took.
struct Heard {
    /// Those who had to wait for a frame longer than one lasts.
    dry: u32,
    /// For a frame that was due.
    longest_wait: Duration,
    /// CPU of the server, in seconds, and how long it all lasted.
    cpu: f64,
    lasted: Duration,
    /// Memory of the server above what it had before, in KiB.
    kib: u64,
}

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A worker, and a server without one, that says as many frames as the prompt
/// asks for.
struct Talker {
    /// Between two frames; zero is as fast as they are taken.
    pace: Duration,
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let worker = listener.local_addr()?;
    let mut tasks = JoinSet::new();
    tasks.spawn(talker(listener, Duration::ZERO));
    let stack = Stack::builder()
        .env("WORKER_ADDRS", worker.to_string())
        .env("BACKPRESSURE_MAX_STREAMS", "1100")
        .env("GRPC_MAX_STREAMS_PER_CONNECTION", "1200")
        .without_worker()
        .start()
        .await?;
    stack.wait_ready().await?;
    let port = free_port()?;
    let program = std::env::current_exe()?;
    let mut command = tokio::process::Command::new(program);
    let bare = command.args([BARE_SERVER, &port.to_string()]).kill_on_drop(true).spawn()?;
    let bare = Served { pid: bare.id().context("the bare server has left")?, port };
    let gateway = Served { pid: gateway(&stack)?.id(), port: stack.ports.gateway_grpc };
    for (name, window) in WINDOWS {
        let both = megabytes([gateway, bare], window).await?;
        tell_ratio(&format!("drained at once, {name}: "), both, report);
    }
    for count in LISTENERS {
        let heard = listeners(gateway, count).await?;
        heard.tell(count, report);
        if count == MOST {
            let direct = listeners(bare, count).await?;
            let both = [&heard, &direct].map(|heard| heard.per_megabyte(count));
            tell_ratio(&format!("{count} listeners: "), both, report);
        }
    }
    Ok(())
}

/// A worker that plays its script until it is dropped.
pub(crate) async fn talker(listener: TcpListener, pace: Duration) -> anyhow::Result<()> {
    let service = WorkerServer::new(Talker { pace });
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(Server::builder().add_service(service).serve_with_incoming(incoming).await?)
}

/// The other process: a tonic server that sends the same frames and knows
/// nothing else.
pub(crate) async fn bare_server(port: &str) -> anyhow::Result<()> {
    let address = format!("127.0.0.1:{port}").parse()?;
    let service = StreamingServiceServer::new(Talker { pace: Duration::ZERO });
    Server::builder().tcp_nodelay(true).add_service(service).serve(address).await?;
    Ok(())
}

/// CPU of the gateway and of the bare server for a megabyte, in milliseconds.
async fn megabytes([gateway, bare]: [Served; 2], window: u32) -> anyhow::Result<[f64; 2]> {
    let both = [(gateway, gateway.client(window).await?), (bare, bare.client(window).await?)];
    let mut cpu = [0.0; 2];
    for round in 0..=ROUNDS {
        for (place, (server, client)) in both.iter().enumerate() {
            let before = burst::seconds_of_pid(server.pid)?;
            timeout(PATIENCE, drain(client)).await??;
            // The first one warms up.
            if round > 0 {
                cpu[place] += burst::seconds_of_pid(server.pid)? - before;
            }
        }
    }
    let megabytes = (LANES * FRAMES * FRAME * ROUNDS) as f64 / 1e6;
    Ok(cpu.map(|seconds| seconds / megabytes * 1e3))
}

/// What a megabyte takes of the gateway and of a server that only sends it, in
/// milliseconds.
fn tell_ratio(how: &str, [gateway, bare]: [f64; 2], report: &mut Report) {
    let what = format!("{how}CPU of the gateway for a megabyte of audio");
    report.add(what, "ms", Target::None, gateway);
    let what = format!("{how}CPU of a bare tonic server that sends it");
    report.add(what, "ms", Target::None, bare);
    let what = format!("{how}the gateway's share of that");
    report.add(what, "times", Target::Below(RATIO), gateway / bare);
}

/// Takes everything as fast as it comes.
async fn drain(client: &StreamingServiceClient<Channel>) -> anyhow::Result<()> {
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let client = client.clone();
        lanes.spawn(async move {
            let mut reply = ask(client, &format!("drain-{lane}"), FRAMES).await?;
            let mut frames = 0;
            while let Some(message) = reply.message().await? {
                frames += usize::from(is_audio(&message));
            }
            ensure!(frames == FRAMES, "{frames} frames came");
            Ok(())
        });
    }
    while let Some(done) = lanes.join_next().await {
        done??;
    }
    Ok(())
}

async fn listeners(server: Served, count: usize) -> anyhow::Result<Heard> {
    let (before, cpu) = (resident_kib(server.pid)?, burst::seconds_of_pid(server.pid)?);
    // Each on a connection of its own, as devices are: on one that is shared, what one
    // has not heard yet takes the room of all.
    let mut clients = Vec::new();
    for _ in 0..count {
        // With the windows of the standard: what is not heard yet waits in the
        // gateway and behind it, not at the listener.
        clients.push(server.client(WINDOW).await?);
    }
    let mut listening = JoinSet::new();
    let began = Instant::now();
    for (listener, client) in clients.into_iter().enumerate() {
        listening.spawn(async move {
            // Not all in the same moment: people are not.
            sleep(FRAME_LASTS * u32::try_from(listener)? / 10).await;
            let reply = ask(client, &format!("listener-{listener}"), HEARD).await?;
            listen(reply).await
        });
    }
    sleep(FRAME_LASTS * u32::try_from(HEARD)? / 2).await;
    let kib = resident_kib(server.pid)?.saturating_sub(before);
    let (mut dry, mut longest_wait) = (0, Duration::ZERO);
    while let Some(heard) = timeout(PATIENCE, listening.join_next()).await? {
        let waited = heard??;
        dry += u32::from(waited > FRAME_LASTS);
        longest_wait = longest_wait.max(waited);
    }
    let cpu = burst::seconds_of_pid(server.pid)? - cpu;
    Ok(Heard { dry, longest_wait, cpu, lasted: began.elapsed(), kib })
}

/// Takes a frame whenever the last one has been heard; the longest time that
/// one was waited for.
async fn listen(mut reply: Streaming<StreamResponse>) -> anyhow::Result<Duration> {
    let (mut longest, mut heard) = (Duration::ZERO, 0);
    let mut due = None;
    while heard < HEARD {
        if let Some(due) = &mut due {
            tokio::time::Interval::tick(due).await;
        }
        let waits = Instant::now();
        let message = reply.message().await?.context("the reply broke off")?;
        if !is_audio(&message) {
            continue;
        }
        heard += 1;
        match &due {
            // Hearing begins with the first frame.
            None => {
                let mut ticks = interval(FRAME_LASTS);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                ticks.tick().await;
                due = Some(ticks);
            }
            Some(_) => longest = longest.max(waits.elapsed()),
        }
    }
    while reply.message().await?.is_some() {}
    Ok(longest)
}

async fn ask(
    mut client: StreamingServiceClient<Channel>,
    device: &str,
    frames: usize,
) -> anyhow::Result<Streaming<StreamResponse>> {
    let asked = tokio_stream::once(question(device, &frames.to_string()));
    Ok(client.stream_audio(asked).await?.into_inner())
}

/// The process of the gateway.
pub(crate) fn gateway(stack: &Stack) -> anyhow::Result<&Process> {
    stack.gateway.as_ref().context("no gateway")
}

pub(crate) fn is_audio(message: &StreamResponse) -> bool {
    matches!(message.content, Some(Content::AudioChunk(_)))
}

fn frames(prompt: &str) -> Result<usize, Status> {
    prompt.parse().map_err(|_| Status::invalid_argument("not a number of frames"))
}

// === impl Served ===

impl Served {
    async fn client(self, window: u32) -> anyhow::Result<StreamingServiceClient<Channel>> {
        let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", self.port))?
            .initial_stream_window_size(window)
            .initial_connection_window_size(window);
        for _ in 0..100 {
            if let Ok(channel) = endpoint.connect().await {
                return Ok(StreamingServiceClient::new(channel));
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("nobody answers at port {}", self.port)
    }
}

// === impl Heard ===

impl Heard {
    /// CPU of the server, in milliseconds.
    fn per_megabyte(&self, listeners: usize) -> f64 {
        self.cpu * 1e3 / ((listeners * HEARD * FRAME) as f64 / 1e6)
    }

    fn tell(&self, listeners: usize, report: &mut Report) {
        let what = format!("{listeners} listeners at once: those who ran dry");
        report.add(what, "", Target::Below(1.0), f64::from(self.dry));
        let what = format!("{listeners} listeners: longest wait for a frame that was due");
        report.add(what, "ms", Target::None, self.longest_wait.as_secs_f64() * 1e3);
        let what = format!("{listeners} listeners: cores that the gateway took");
        report.add(what, "", Target::None, self.cpu / self.lasted.as_secs_f64());
        let what = format!("{listeners} listeners: memory of the gateway for each");
        report.add(what, "KiB", Target::None, self.kib as f64 / listeners as f64);
    }
}

// === impl Talker ===

#[tonic::async_trait]
impl Worker for Talker {
    type RespondStream = Events<RespondEvent>;
    type WelcomeStream = Events<WelcomeEvent>;

    async fn respond(
        &self,
        request: Request<RespondRequest>,
    ) -> Result<Response<Self::RespondStream>, Status> {
        let RespondRequest { turn, prompt, .. } = request.into_inner();
        let pcm = bytes::Bytes::from(vec![1; FRAME]);
        let format = Event::AudioFormat(AudioFormat { sample_rate: 48_000, channels: 1 });
        let audio = stream::repeat_with(move || Event::Audio(pcm.clone())).take(frames(&prompt)?);
        let pace = self.pace;
        let audio = if pace.is_zero() {
            audio.left_stream()
        } else {
            let paced = audio.enumerate().then(move |(place, event)| async move {
                if place > 0 {
                    sleep(pace).await;
                }
                event
            });
            paced.right_stream()
        };
        let end = Event::Completed(Completed::default());
        let events = stream::iter([format]).chain(audio).chain(stream::iter([end]));
        let events = events.map(move |event| Ok(RespondEvent { turn, event: Some(event) }));
        Ok(Response::new(events.boxed()))
    }

    async fn welcome(
        &self,
        _request: Request<WelcomeRequest>,
    ) -> Result<Response<Self::WelcomeStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn store_usage(
        &self,
        _request: Request<StoreUsageRequest>,
    ) -> Result<Response<StoreUsageResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn status(
        &self,
        _request: Request<StatusRequest>,
    ) -> Result<Response<StatusResponse>, Status> {
        let module =
            ModuleStatus { name: "pipeline".into(), state: "ready".into(), reason: String::new() };
        Ok(Response::new(StatusResponse { version: "1".into(), modules: vec![module] }))
    }
}

#[tonic::async_trait]
impl StreamingService for Talker {
    type StreamAudioStream = Events<StreamResponse>;
    type GenerateWelcomeAudioStream = Events<WelcomeResponse>;

    async fn stream_audio(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamAudioStream>, Status> {
        let asked = request.into_inner().message().await?;
        let prompt = asked.map(|asked| asked.prompt).unwrap_or_default();
        let pcm = bytes::Bytes::from(vec![1; FRAME]);
        let frame = move || {
            let chunk = AudioChunk {
                audio_data: pcm.clone(),
                dtype: "int16".into(),
                shape: Vec::new(),
                sample_rate: 48_000,
                channels: 1,
            };
            Ok(StreamResponse { content: Some(Content::AudioChunk(chunk)) })
        };
        Ok(Response::new(stream::repeat_with(frame).take(frames(&prompt)?).boxed()))
    }

    async fn interrupt_session(
        &self,
        _request: Request<InterruptRequest>,
    ) -> Result<Response<InterruptResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn generate_welcome_audio(
        &self,
        _request: Request<PublicWelcome>,
    ) -> Result<Response<Self::GenerateWelcomeAudioStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn report_usage(
        &self,
        _request: Request<UsageRequest>,
    ) -> Result<Response<UsageResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}
