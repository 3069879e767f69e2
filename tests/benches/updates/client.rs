//! A client that costs little: requests written by hand, answers not kept.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// Connections that ask for feeds at once.
const CONNECTIONS: usize = 16;

/// A connection that is kept.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes in the buffer that were not used.
    filled: usize,
}

// === impl Connection ===

impl Connection {
    async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 256 * 1024], filled: 0 })
    }

    /// Asks, and reads the head; the length of the body, of which a part lies
    /// in the buffer.
    async fn ask(&mut self, path: &str) -> anyhow::Result<usize> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        self.filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            ensure!(read > 0, "the server hung up");
            self.filled += read;
            let head = &self.buffer[..self.filled];
            let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&head[..end])?.to_ascii_lowercase();
            ensure!(text.starts_with("http/1.1 200"), "{text}");
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.context("find the length")?.trim().parse()?;
            self.filled -= end + 4;
            return Ok(length);
        }
    }

    async fn rest(&mut self, length: usize) -> anyhow::Result<()> {
        let mut left = length - self.filled;
        while left > 0 {
            let most = left.min(self.buffer.len());
            let read = self.stream.read(&mut self.buffer[..most]).await?;
            ensure!(read > 0, "the server hung up");
            left -= read;
        }
        Ok(())
    }
}

/// Requests per second.
pub(super) async fn requests(
    server: SocketAddr,
    path: &'static str,
    span: Duration,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(async move {
            let mut connection = Connection::open(server).await?;
            let mut count = 0_u32;
            while began.elapsed() < span {
                let length = connection.ask(path).await?;
                connection.rest(length).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut all = 0;
    while let Some(count) = clients.join_next().await {
        all += count??;
    }
    Ok(f64::from(all) / began.elapsed().as_secs_f64())
}

/// Megabytes per second, one download after another.
pub(super) async fn downloads(server: SocketAddr, path: &str, count: usize) -> anyhow::Result<f64> {
    let mut connection = Connection::open(server).await?;
    let began = Instant::now();
    let mut bytes = 0.0;
    for _ in 0..count {
        let length = connection.ask(path).await?;
        connection.rest(length).await?;
        bytes += f64::from(u32::try_from(length)?);
    }
    Ok(bytes / 1e6 / began.elapsed().as_secs_f64())
}

/// Clients that read the head of a download and nothing more.
pub(super) async fn slow_downloads(
    server: SocketAddr,
    path: &str,
    count: usize,
) -> anyhow::Result<Vec<TcpStream>> {
    let mut held = Vec::new();
    for _ in 0..count {
        let mut connection = Connection::open(server).await?;
        connection.buffer.truncate(4096);
        connection.ask(path).await?;
        held.push(connection.stream);
    }
    Ok(held)
}
