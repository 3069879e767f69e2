use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use jiff::Timestamp;
use tokio::sync::{
    mpsc::{self, Receiver, Sender},
    oneshot,
};

use crate::{Level, line::Line, metrics};

/// Lines that may wait for a slow reader of stdout; some seconds of a busy
/// service, a few megabytes.
const QUEUE_LINES: usize = 8192;

/// Bytes gathered before a write, so that a burst costs few system calls.
const BATCH_BYTES: usize = 64 * 1024;

/// The way to the log: a bounded queue before a thread that writes.
///
/// When the queue is full, lines are dropped and counted; the count is logged
/// (`log_lines_dropped`) as soon as there is room.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: Sender<Message>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(String),
    /// Answered when all before it is written.
    Flush(oneshot::Sender<()>),
}

/// The thread's side.
struct Loop<W> {
    out: W,
    queue: Receiver<Message>,
    dropped: Arc<AtomicU64>,
    batch: String,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread. It ends with the process, or when the last handle is
    /// dropped and all is written.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (writer, mut side) = Self::new(out, QUEUE_LINES);
        thread::Builder::new().name("decision-log".to_owned()).spawn(move || side.run())?;
        Ok(writer)
    }

    fn new<W: Write>(out: W, lines: usize) -> (Self, Loop<W>) {
        let (sender, queue) = mpsc::channel(lines);
        let dropped = Arc::new(AtomicU64::new(0));
        let side = Loop { out, queue, dropped: Arc::clone(&dropped), batch: String::new() };
        (Self { queue: sender, dropped }, side)
    }

    /// Takes a line without its line end. Never blocks.
    pub(crate) fn write(&self, line: String) {
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines taken so far are written, without a bound of its
    /// own.
    pub(crate) async fn flush(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            // The other end is dropped only with the thread.
            let _ = finished.await;
        }
    }
}

// === impl Loop ===

impl<W: Write> Loop<W> {
    fn run(&mut self) {
        while let Some(message) = self.queue.blocking_recv() {
            self.take(message);
            while let Ok(message) = self.queue.try_recv() {
                self.take(message);
            }
            self.report_dropped();
            self.write_batch();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(line) => {
                self.batch.push_str(&line);
                self.batch.push('\n');
                if self.batch.len() >= BATCH_BYTES {
                    self.write_batch();
                }
            }
            Message::Flush(done) => {
                self.report_dropped();
                self.write_batch();
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    fn report_dropped(&mut self) {
        let lines = self.dropped.swap(0, Ordering::Relaxed);
        if lines == 0 {
            return;
        }
        let decision = "log_lines_dropped";
        metrics::DECISIONS.increment(decision);
        let line = Line {
            at: Timestamp::now(),
            level: Level::Warn,
            scope: "telemetry",
            method: None,
            decision,
            ctx: &format!("{{\"lines\":{lines}}}"),
            dur_ms: None,
        };
        self.batch.push_str(&format!("{line}\n"));
    }

    /// A log that cannot be written has nowhere to complain.
    fn write_batch(&mut self) {
        if !self.batch.is_empty() {
            let _ = self.out.write_all(self.batch.as_bytes()).and_then(|()| self.out.flush());
            self.batch.clear();
        }
    }
}

#[cfg(test)]
mod tests;
