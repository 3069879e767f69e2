use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::Writer;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A reader that has gone to sleep: the first write never comes back.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl io::Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_flush_waits_for_every_line_before_it() {
    let out = Shared::default();
    let writer = Writer::start(out.clone()).unwrap();
    for n in 0..1000 {
        writer.write(format!("line {n}"));
    }
    writer.flush().await;
    let text = out.text();
    assert_eq!(text.lines().count(), 1000);
    assert!(text.ends_with("line 999\n"));
}

#[test]
fn what_does_not_fit_is_dropped_and_reported() {
    let out = Shared::default();
    let (writer, mut side) = Writer::new(out.clone(), 2);
    for n in 0..5 {
        writer.write(format!("line {n}"));
    }
    drop(writer);
    side.run();
    let text = out.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(&lines[..2], ["line 0", "line 1"]);
    assert!(
        lines[2].ends_with(r#"scope=telemetry decision=log_lines_dropped ctx={"lines":3}"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_reader_that_sleeps_blocks_neither_lines_nor_a_bounded_flush() {
    let (wake, asleep) = std::sync::mpsc::channel();
    let writer = Writer::start(Stuck(asleep)).unwrap();
    for n in 0..20_000 {
        writer.write(format!("line {n}"));
    }
    let flushed = tokio::time::timeout(Duration::from_millis(50), writer.flush()).await;
    assert!(flushed.is_err());
    drop(wake);
}
