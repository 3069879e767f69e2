//! A long line to a port of this machine: everything arrives half a round trip
//! later. It holds as much as is sent, so only the windows of HTTP/2 count.

use std::{net::Ipv4Addr, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Pieces that a line may hold.
const UNDER_WAY: usize = 4_096;

/// The longest piece, in bytes.
const PIECE: usize = 65_536;

/// A line that is laid. Dropping it cuts its connections.
#[derive(Debug)]
pub struct LongLine {
    port: u16,
    _ends: JoinSet<()>,
}

// === impl LongLine ===

impl LongLine {
    /// Lays a line to this port, of so long a way there and back.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn lay(to: u16, round_trip: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mut ends = JoinSet::new();
        ends.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                // A line whose other end is not there is cut.
                open.spawn(async move {
                    let _cut = connect(near, to, round_trip / 2).await;
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, _ends: ends })
    }

    /// The near end.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

async fn connect(near: TcpStream, to: u16, delay: Duration) -> anyhow::Result<()> {
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_from, near_to) = near.into_split();
    let (far_from, far_to) = far.into_split();
    let _both = tokio::join!(carry(near_from, far_to, delay), carry(far_from, near_to, delay));
    Ok(())
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
) -> anyhow::Result<()> {
    let (sent, mut arriving) = mpsc::channel(UNDER_WAY);
    let sending = async move {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            if from.read_buf(&mut piece).await? == 0 {
                return anyhow::Ok(());
            }
            sent.send((Instant::now() + delay, piece)).await?;
        }
    };
    let arriving = async move {
        while let Some((due, piece)) = arriving.recv().await {
            sleep_until(due).await;
            to.write_all(&piece).await?;
        }
        anyhow::Ok(())
    };
    let _ended = tokio::join!(sending, arriving);
    Ok(())
}
