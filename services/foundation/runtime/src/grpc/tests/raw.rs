//! Just enough HTTP/2 (RFC 9113) to keep or break its rules on purpose.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Data { stream: u32 },
    Reset { stream: u32, code: u32 },
    GoAway { code: u32 },
    Other,
}

pub(super) struct RawClient {
    socket: TcpStream,
    /// Whether pings and settings are answered.
    pub(super) lives: bool,
}

// === impl RawClient ===

impl RawClient {
    pub(super) async fn connect(at: SocketAddr) -> Self {
        let socket = TcpStream::connect(at).await.unwrap();
        let mut client = Self { socket, lives: true };
        client.socket.write_all(PREFACE).await.unwrap();
        client.send(SETTINGS, 0, 0, &[]).await;
        client
    }

    /// Opens `grpc.health.v1.Health/Watch` of the whole server.
    pub(super) async fn watch_health(&mut self, stream: u32) {
        self.open(stream).await;
        // An empty message, not compressed.
        self.send(DATA, END_STREAM, stream, &[0; 5]).await;
    }

    /// Opens a call that is refused before it has said anything.
    pub(super) async fn open_unknown(&mut self, stream: u32) {
        self.head(stream, "/test/unknown").await;
    }

    /// Says something.
    pub(super) async fn say(&mut self, stream: u32) {
        self.send(DATA, 0, stream, &[0; 5]).await;
    }

    /// Opens a call without saying anything yet.
    pub(super) async fn open(&mut self, stream: u32) {
        self.head(stream, "/grpc.health.v1.Health/Watch").await;
    }

    /// The head of a call, written in HPACK without its tables (RFC 7541 §6.2).
    async fn head(&mut self, stream: u32, path: &str) {
        // :method POST and :scheme http stand in the static table.
        let mut block = vec![0x83, 0x86];
        for (name, value) in [
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        self.send(HEADERS, END_HEADERS, stream, &block).await;
    }

    /// CANCEL.
    pub(super) async fn reset(&mut self, stream: u32) {
        self.send(RST_STREAM, 0, stream, &8u32.to_be_bytes()).await;
    }

    /// An error when the server has cut the connection.
    pub(super) async fn try_ping(&mut self) -> std::io::Result<()> {
        self.socket.write_all(&frame(PING, 0, 0, &[0; 8])).await
    }

    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        // The server may be gone already; reading will tell.
        let _gone = self.socket.write_all(&frame(kind, flags, stream, payload)).await;
    }

    /// The first frame of which it is true.
    pub(super) async fn until(&mut self, is_wanted: impl Fn(&Frame) -> bool) -> Frame {
        let wanted = async {
            loop {
                let frame = self.next().await.expect("the connection is open");
                if is_wanted(&frame) {
                    return frame;
                }
            }
        };
        timeout(SOON, wanted).await.expect("the frame comes")
    }

    pub(super) async fn until_closed(&mut self) {
        let closed = async { while self.next().await.is_some() {} };
        timeout(SOON, closed).await.expect("the connection is closed");
    }

    /// `None` when the server has closed.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, s, t, u, v] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.socket.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([s & 0x7f, t, u, v]);
        if self.lives && flags & ACK == 0 && matches!(kind, PING | SETTINGS) {
            let echoed = if kind == PING { &payload[..] } else { &[] };
            self.send(kind, ACK, 0, echoed).await;
        }
        let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        Some(match kind {
            DATA => Frame::Data { stream },
            RST_STREAM => Frame::Reset { stream, code: number(0) },
            GOAWAY => Frame::GoAway { code: number(4) },
            _ => Frame::Other,
        })
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}
