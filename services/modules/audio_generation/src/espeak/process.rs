use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use nexy_types::SampleRate;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdout},
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
};
use tokio_stream::wrappers::ReceiverStream;

use super::wav::{self, Header};
use crate::{Error, PcmStream};

/// Bytes asked for at a time; espeak-ng writes 4096.
const READ_BYTES: usize = 16 * 1024;

/// Chunks read ahead of the listener: about 20 seconds of speech. When they are
/// full, the process waits.
const READ_AHEAD_CHUNKS: usize = 256;

/// A process whose WAV header has been read.
pub(super) struct Wav {
    stdout: ChildStdout,
    sample_rate: SampleRate,
    /// Bytes of audio still to come; `None` goes to the end of the output.
    left: Option<u64>,
    /// Audio that came together with the header.
    begun: Bytes,
}

/// Audio that was read ahead, and the task that reads; it ends with this.
struct Reading {
    chunks: ReceiverStream<Result<Bytes, Error>>,
    _reader: JoinSet<()>,
}

/// Gives the process its text and reads the header. `None` when it ends without
/// one, as it does for a voice it does not know.
pub(super) async fn header(child: &mut Child, text: &str) -> Result<Option<Wav>, Error> {
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::Unavailable { reason: "the speech program has no pipes" });
    };
    // A process that ends early closes the pipe; its output says the rest.
    let _ = stdin.write_all(text.as_bytes()).await;
    drop(stdin);
    let mut read = BytesMut::new();
    loop {
        if let Some(Header { sample_rate, audio_at, audio_len }) = wav::parse(&read)? {
            let begun = read.split_off(audio_at).freeze();
            return Ok(Some(Wav { stdout, sample_rate, left: audio_len, begun }));
        }
        read.reserve(READ_BYTES);
        let count = stdout.read_buf(&mut read).await.map_err(|_| Error::BrokenStream)?;
        if count == 0 {
            return Ok(None);
        }
    }
}

/// Reads the rest ahead of the listener. Dropping the stream kills the process;
/// the place is free again as soon as the process has ended. `begun` is called
/// beside the stream, so that the first byte does not wait for it.
pub(super) fn stream(
    child: Child,
    wav: Wav,
    place: OwnedSemaphorePermit,
    begun: impl FnOnce() + Send + 'static,
) -> (SampleRate, PcmStream) {
    let sample_rate = wav.sample_rate;
    let (sender, receiver) = mpsc::channel(READ_AHEAD_CHUNKS);
    let mut reader = JoinSet::new();
    reader.spawn(async move {
        let _place = place;
        begun();
        if let Err(error) = pump(child, wav, &sender).await {
            // Nobody listens any more: nobody misses the error.
            let _ = sender.send(Err(error)).await;
        }
    });
    let reading = Reading { chunks: ReceiverStream::new(receiver), _reader: reader };
    (sample_rate, Box::pin(reading))
}

/// Passes audio on until its end, then checks that the process was content.
async fn pump(
    mut child: Child,
    mut wav: Wav,
    sender: &mpsc::Sender<Result<Bytes, Error>>,
) -> Result<(), Error> {
    let mut buffer = BytesMut::new();
    let mut chunk = std::mem::take(&mut wav.begun);
    loop {
        let audio = wav.audio_of(chunk);
        if !audio.is_empty() && sender.send(Ok(audio)).await.is_err() {
            return Ok(());
        }
        buffer.reserve(READ_BYTES);
        let count = wav.stdout.read_buf(&mut buffer).await.map_err(|_| Error::BrokenStream)?;
        if count == 0 {
            break;
        }
        chunk = buffer.split().freeze();
    }
    let status = child.wait().await.map_err(|_| Error::BrokenStream)?;
    let complete = status.success() && wav.left.is_none_or(|left| left == 0);
    if complete { Ok(()) } else { Err(Error::BrokenStream) }
}

// === impl Reading ===

impl Stream for Reading {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.chunks).poll_next(cx)
    }
}

// === impl Wav ===

impl Wav {
    /// The part of a chunk that is audio, and not a chunk of text after it.
    fn audio_of(&mut self, mut chunk: Bytes) -> Bytes {
        if let Some(left) = self.left.as_mut() {
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
        }
        chunk
    }
}
