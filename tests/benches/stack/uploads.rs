//! A question with a screenshot, from far away: what the windows of HTTP/2 make of
//! a long round trip.

use std::{io::Cursor, time::Duration, time::Instant};

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{DynamicImage, ImageFormat, RgbImage};
use nexy_proto::streaming::{StreamRequest, streaming_service_client::StreamingServiceClient};
use nexy_testkit::{
    long_line::LongLine,
    stack::{Stack, question},
};
use nexy_tests::report::{Report, Target};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::passing::{self, is_audio};

/// From the client to the door and back: another continent, or a bad Wi-Fi.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// Edges of the screenshot. Noise cannot be compressed: a PNG of 1.4 MB, as a full
/// screen of windows and text makes it.
const WIDTH: u32 = 800;
const HEIGHT: u32 = 600;

/// What a client may send ahead on one call, in bytes; the connection gets twice as
/// much.
const WINDOWS: [u32; 4] = [65_535, 262_144, 1_048_576, 4_194_304];

/// Questions for each of them.
const ASKED: u32 = 10;

/// For one question.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let worker = listener.local_addr()?.to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(passing::talker(listener, Duration::ZERO));
    let screenshot = noise()?;
    let kilobytes = screenshot.len() as f64 / 1e3;
    report.add("screenshot, as it is sent", "kB", Target::None, kilobytes);
    for window in WINDOWS {
        let stack = Stack::builder()
            .env("NEXY_ENV", "prod")
            .env("WORKER_ADDRS", &worker)
            .env("GRPC_STREAM_WINDOW_BYTES", window.to_string())
            .env("GRPC_CONNECTION_WINDOW_BYTES", (window * 2).to_string())
            .without_worker()
            .with_ingress()
            .start()
            .await?;
        stack.wait_ready().await?;
        for (port, door) in
            [(stack.ports.tls, "TLS and nginx"), (stack.ports.gateway_grpc, "the gateway's port")]
        {
            let far = LongLine::lay(port, ROUND_TRIP).await?;
            let mut client = far_client(&stack, far.port(), port == stack.ports.tls).await?;
            let bare = first_audio(&mut client, None).await?;
            let shown = first_audio(&mut client, Some(&screenshot)).await?;
            let what = format!(
                "window of {} KiB, {door}: what the screenshot adds",
                window.div_ceil(1024)
            );
            let added = shown.saturating_sub(bare).as_secs_f64() * 1e3;
            report.add(what, "ms", Target::None, added);
        }
    }
    Ok(())
}

/// The shortest of several: what the windows make of it, not the machine.
async fn first_audio(
    client: &mut StreamingServiceClient<Channel>,
    screenshot: Option<&str>,
) -> anyhow::Result<Duration> {
    let mut shortest = PATIENCE;
    for number in 0..ASKED {
        let asked = StreamRequest {
            screenshot: screenshot.map(str::to_owned),
            ..question(&format!("far-{number}"), "1")
        };
        let began = Instant::now();
        let reply = client.stream_audio(tokio_stream::once(asked));
        let mut reply = timeout(PATIENCE, reply).await??.into_inner();
        let mut heard = false;
        while let Some(message) = timeout(PATIENCE, reply.message()).await?? {
            if is_audio(&message) {
                heard = true;
                shortest = shortest.min(began.elapsed());
            }
        }
        ensure!(heard, "no audio");
    }
    Ok(shortest)
}

async fn far_client(
    stack: &Stack,
    port: u16,
    tls: bool,
) -> anyhow::Result<StreamingServiceClient<Channel>> {
    let scheme = if tls { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://127.0.0.1:{port}"))?;
    if tls {
        let trusted = Certificate::from_pem(stack.certificate()?);
        let tls = ClientTlsConfig::new().ca_certificate(trusted).domain_name("localhost");
        endpoint = endpoint.tls_config(tls)?;
    }
    Ok(StreamingServiceClient::new(endpoint.connect().await?))
}

/// A PNG in base64 that no codec makes smaller.
fn noise() -> anyhow::Result<String> {
    // Numerical Recipes' generator: the same picture each time.
    let mut state: u32 = 1;
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, red, green, blue] = state.to_le_bytes();
        image::Rgb([red, green, blue])
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut file, ImageFormat::Png)?;
    Ok(STANDARD.encode(file.into_inner()))
}
