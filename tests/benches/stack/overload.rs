//! More clients than one gateway takes on: whether those that it serves notice,
//! what a refusal takes, and what is left behind by clients that come to nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use nexy_proto::streaming::{
    StreamRequest, StreamResponse, streaming_service_client::StreamingServiceClient,
};
use nexy_testkit::stack::{Stack, question};
use nexy_tests::report::{Report, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::{Code, Streaming, transport::Channel};

use crate::{
    burst, footprint,
    latency::{self, Spent, Times},
    passing::{self, gateway, is_audio},
};

/// As many turns as one gateway takes on in production.
const LIMIT: usize = 50;

/// Clients for each place.
const CROWDS: [usize; 3] = [1, 2, 10];

/// Frames of a reply: a second of speech, at the pace of listening.
const FRAMES: usize = 24;

/// Frames of a reply that nobody hears to its end.
const ENDLESS: usize = 1_000_000;

/// How long a crowd asks.
const LASTING: Duration = Duration::from_secs(15);

/// How soon a client that was refused asks again. The server says a minute;
/// these have no patience.
const AGAIN: Duration = Duration::from_secs(1);

/// Of what is completed with no more clients than places.
const GOODPUT: f64 = 0.95;

/// Refusals that are timed one by one, and the target of each.
const REFUSALS: usize = 2_000;
const REFUSED_MS: f64 = 1.0;

/// Clients of each kind that come to nothing.
const REFUSED: usize = 40_000;
const HALF_OPEN: usize = 30_000;
const VANISHED: usize = 30_000;

/// How many of them are there at the same time, and of those that are silent.
const AT_ONCE: usize = 40;
const SILENT_AT_ONCE: usize = 500;

/// How long the server waits for a first byte of HTTP/2 here, in milliseconds.
const HANDSHAKE_MS: &str = "300";

/// Connections that calls share.
const CHANNELS: usize = 8;

/// What as many clients again may add to the gateway's memory.
const GROWTH_MIB: f64 = 1.0;

/// Until what was let go is given back.
const SETTLE: Duration = Duration::from_secs(3);

/// For one call, or one crowd beyond its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// The first bytes of HTTP/2, less the last one: a connection that never gets to
/// its first call.
const HALF_A_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r";

type Client = StreamingServiceClient<Channel>;

/// What a crowd saw.
#[derive(Default)]
struct Seen {
    served: usize,
    first_audio: Vec<Duration>,
    refused: Vec<Duration>,
}

/// How one call went.
enum Answer {
    Served { first_audio: Duration },
    Refused { after: Duration },
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let worker = listener.local_addr()?.to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(passing::talker(listener, passing::FRAME_LASTS));
    let builder = || Stack::builder().env("WORKER_ADDRS", &worker).without_worker();
    let crowded = builder().env("BACKPRESSURE_MAX_STREAMS", LIMIT.to_string()).start().await?;
    crowded.wait_ready().await?;
    crowds(&crowded, report).await?;
    one_by_one(&crowded, report).await?;
    drop(crowded);
    let visited = builder().env("BACKPRESSURE_MAX_STREAMS", LIMIT.to_string());
    let visited = visited.env("GRPC_HANDSHAKE_TIMEOUT_MS", HANDSHAKE_MS).start().await?;
    visited.wait_ready().await?;
    nothings(&visited, report).await
}

// --- Crowds

async fn crowds(stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let mut alone = None;
    for times in CROWDS {
        let what = format!("{times} × the limit of {LIMIT}");
        let cpu = burst::seconds_of(gateway(stack)?)?;
        let seen = crowd(stack, LIMIT * times).await?;
        let cpu = burst::seconds_of(gateway(stack)?)? - cpu;
        let goodput = seen.served as f64 / LASTING.as_secs_f64();
        report.add(format!("{what}: replies a second"), "", Target::None, goodput);
        match alone {
            None => alone = Some(goodput),
            Some(alone) => {
                let share = goodput / alone;
                report.add(format!("{what}: of that"), "times", Target::Above(GOODPUT), share);
            }
        }
        let refused = seen.refused.len() as f64 / LASTING.as_secs_f64();
        report.add(format!("{what}: refusals a second"), "", Target::None, refused);
        let cores = cpu / LASTING.as_secs_f64();
        report.add(format!("{what}: cores that the gateway took"), "", Target::None, cores);
        tell(&seen.first_audio, &format!("{what}: first audio"), report)?;
        tell(&seen.refused, &format!("{what}: refused after"), report)?;
    }
    Ok(())
}

/// So many clients, each on a connection of its own, ask again and again.
async fn crowd(stack: &Stack, clients: usize) -> anyhow::Result<Seen> {
    let mut crowd = JoinSet::new();
    let mut channels = Vec::new();
    for _ in 0..clients {
        channels.push(stack.client().await?);
    }
    let until = Instant::now() + LASTING;
    for (number, mut client) in channels.into_iter().enumerate() {
        crowd.spawn(async move {
            // Not all in the same moment.
            sleep(AGAIN * u32::try_from(number)? / u32::try_from(clients)?).await;
            let mut seen = Seen::default();
            while Instant::now() < until {
                match ask(&mut client, &format!("crowd-{number}"), FRAMES).await? {
                    Answer::Served { first_audio } => {
                        seen.served += 1;
                        seen.first_audio.push(first_audio);
                    }
                    Answer::Refused { after } => {
                        seen.refused.push(after);
                        sleep(AGAIN).await;
                    }
                }
            }
            anyhow::Ok(seen)
        });
    }
    let mut all = Seen::default();
    while let Some(seen) = timeout(PATIENCE, crowd.join_next()).await? {
        let seen = seen??;
        all.served += seen.served;
        all.first_audio.extend(seen.first_audio);
        all.refused.extend(seen.refused);
    }
    Ok(all)
}

/// Refusals while nothing else moves: every place is taken by a client that does
/// not read.
async fn one_by_one(stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let _held = all_places(stack).await?;
    let mut client = stack.client().await?;
    let (mut after, cpu) = (Vec::new(), burst::seconds_of(gateway(stack)?)?);
    let own = own_time(stack).await?;
    for _ in 0..REFUSALS {
        match ask(&mut client, "is-refused", FRAMES).await? {
            Answer::Refused { after: time } => after.push(time),
            Answer::Served { .. } => bail!("more were served than there are places"),
        }
    }
    let cpu = (burst::seconds_of(gateway(stack)?)? - cpu) / REFUSALS as f64 * 1e3;
    let own = own_time(stack).await?.since(own);
    report.add("refused after, in the gateway, mean", "ms", Target::None, own.mean_ms());
    let within = own.percent_within_ms(REFUSED_MS);
    report.add("refused within 1 ms, in the gateway", "%", Target::Above(99.0), within);
    let mut times = Times::new()?;
    after.iter().for_each(|time| times.note(*time));
    latency::tell(&times, "refused, one by one, there and back", Some(REFUSED_MS), report);
    report.add("CPU of the gateway for a refusal", "ms", Target::None, cpu);
    Ok(())
}

/// Of turns, from the request to the end.
async fn own_time(stack: &Stack) -> anyhow::Result<Spent> {
    let url = format!("http://127.0.0.1:{}/metrics", stack.ports.gateway_http);
    let metrics = footprint::get(&url).await?;
    Spent::read(&metrics, "nexy_rpc_duration_seconds", "rpc=\"StreamAudio\"")
}

// --- Clients that come to nothing

async fn nothings(stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        channels.push(stack.client().await?);
    }
    let channels = Arc::new(channels);
    let fresh = settled(stack).await?;
    // The first of them fill what an allocator keeps.
    visit(stack, &channels).await?;
    let before = settled(stack).await?;
    visit(stack, &channels).await?;
    let after = settled(stack).await?;
    let count = REFUSED + HALF_OPEN + VANISHED;
    report.add("memory of the gateway at first", "MiB", Target::None, fresh);
    let what = format!("after {count} clients that came to nothing");
    report.add(what, "MiB", Target::None, before);
    let what = format!("how much another {count} add");
    report.add(what, "MiB", Target::Below(GROWTH_MIB), after - before);
    Ok(())
}

async fn settled(stack: &Stack) -> anyhow::Result<f64> {
    sleep(SETTLE).await;
    Ok(gateway(stack)?.resident_kib()? as f64 / 1024.0)
}

/// All of them, once.
async fn visit(stack: &Stack, channels: &Arc<Vec<Client>>) -> anyhow::Result<()> {
    let held = all_places(stack).await?;
    let clients = Arc::clone(channels);
    let refused = at_once(REFUSED, AT_ONCE, move |number| {
        let mut client = clients[number % CHANNELS].clone();
        async move {
            match ask(&mut client, "is-refused", FRAMES).await? {
                Answer::Refused { .. } => Ok(()),
                Answer::Served { .. } => bail!("more were served than there are places"),
            }
        }
    });
    refused.await.context("be refused")?;
    drop(held);
    let address = format!("127.0.0.1:{}", stack.ports.gateway_grpc);
    let silent = at_once(HALF_OPEN, SILENT_AT_ONCE, move |_| {
        let address = address.clone();
        async move { half_open(&address).await }
    });
    silent.await.context("stay half-open")?;
    let clients = Arc::clone(channels);
    let vanished = at_once(VANISHED, AT_ONCE, move |number| {
        let mut client = clients[number % CHANNELS].clone();
        async move { vanish(&mut client, &format!("vanishes-{number}")).await }
    });
    vanished.await.context("vanish")
}

/// Connects, says half of what a client says first, and waits to be closed.
async fn half_open(address: &str) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    // No port of this side has to wait a minute.
    socket.set_zero_linger()?;
    socket.write_all(HALF_A_PREFACE).await?;
    // However it is closed.
    let _closed = socket.read_to_end(&mut Vec::new()).await;
    Ok(())
}

/// Is gone in the middle of a word.
async fn vanish(client: &mut Client, device: &str) -> anyhow::Result<()> {
    loop {
        let mut reply = begin(client, device, ENDLESS).await?;
        match timeout(PATIENCE, reply.message()).await? {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => bail!("the reply is over"),
            // The server has not noticed yet that somebody else has gone.
            Err(status) if status.code() == Code::ResourceExhausted => {
                sleep(Duration::from_millis(1)).await;
            }
            Err(status) => bail!("the reply broke off: {status}"),
        }
    }
}

/// Takes every place, and reads nothing.
async fn all_places(stack: &Stack) -> anyhow::Result<Vec<Streaming<StreamResponse>>> {
    let mut client = stack.client().await?;
    let mut held = Vec::new();
    for number in 0..LIMIT {
        held.push(begin(&mut client, &format!("holds-{number}"), ENDLESS).await?);
    }
    Ok(held)
}

/// So many times, and so many of them at the same time.
async fn at_once<F>(
    count: usize,
    limit: usize,
    one: impl Fn(usize) -> F + Send + Sync + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let (one, room) = (Arc::new(one), Arc::new(Semaphore::new(limit)));
    let mut running = JoinSet::new();
    for number in 0..count {
        let place = Arc::clone(&room).acquire_owned().await?;
        let one = Arc::clone(&one);
        running.spawn(async move {
            let _place = place;
            timeout(PATIENCE, one(number)).await?
        });
        while let Some(done) = running.try_join_next() {
            done??;
        }
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

// --- Calls

/// Asks, and hears the whole reply.
async fn ask(client: &mut Client, device: &str, frames: usize) -> anyhow::Result<Answer> {
    let asked = Instant::now();
    let mut reply = begin(client, device, frames).await?;
    let (mut first_audio, mut heard) = (None, 0);
    loop {
        match timeout(PATIENCE, reply.message()).await? {
            Ok(Some(message)) if is_audio(&message) => {
                first_audio.get_or_insert_with(|| asked.elapsed());
                heard += 1;
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(status) if status.code() == Code::ResourceExhausted && heard == 0 => {
                return Ok(Answer::Refused { after: asked.elapsed() });
            }
            Err(status) => bail!("the reply broke off: {status}"),
        }
    }
    ensure!(heard == frames, "{heard} frames came");
    Ok(Answer::Served { first_audio: first_audio.context("no audio")? })
}

async fn begin(
    client: &mut Client,
    device: &str,
    frames: usize,
) -> anyhow::Result<Streaming<StreamResponse>> {
    let asked: StreamRequest = question(device, &frames.to_string());
    let reply = client.stream_audio(tokio_stream::once(asked));
    Ok(timeout(PATIENCE, reply).await??.into_inner())
}

fn tell(times: &[Duration], what: &str, report: &mut Report) -> anyhow::Result<()> {
    if times.is_empty() {
        return Ok(());
    }
    let mut all = Times::new()?;
    times.iter().for_each(|time| all.note(*time));
    latency::tell(&all, what, None, report);
    Ok(())
}
