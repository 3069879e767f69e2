//! What holds for any input. Called by tests here and by the targets in fuzz/.

use std::collections::VecDeque;

use crate::{
    Delta,
    flow::{Progress, Reply},
    gemini, openai,
    sse::{Decoder, Event},
};

/// The largest event here, in bytes.
const MAX_EVENT_BYTES: usize = 64;

/// The most of a function call here, in bytes.
const MAX_CALL_BYTES: usize = 256;

/// However a stream is cut, its events are the same and none is larger than
/// allowed. The first byte says how it is cut.
///
/// # Panics
/// When that does not hold.
pub fn sse_decoder(data: &[u8]) {
    let Some((first, stream)) = data.split_first() else { return };
    let whole = events(stream.chunks(stream.len().max(1)));
    assert_eq!(events(stream.chunks(1)), whole, "by byte");
    assert_eq!(events(stream.chunks(usize::from(first % 32) + 1)), whole, "in larger pieces");
    for event in whole.iter().flatten() {
        // What is no UTF-8 takes three bytes for each of its own.
        assert!(event.len() <= 3 * MAX_EVENT_BYTES, "{} bytes", event.len());
    }
}

/// Any events, one in a line, make a reply of Gemini or an error.
///
/// # Panics
/// When something follows the end of a reply.
pub fn gemini_stream(data: &[u8]) {
    read(gemini::any_reply(), data);
}

/// Any events, one in a line, make a reply of a server like OpenAI's or an error.
///
/// # Panics
/// When something follows the end of a reply.
pub fn openai_stream(data: &[u8]) {
    read(openai::any_reply(MAX_CALL_BYTES), data);
}

fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> VecDeque<Event> {
    let mut decoder = Decoder::new(MAX_EVENT_BYTES);
    let mut events = VecDeque::new();
    for chunk in chunks {
        decoder.feed(chunk, &mut events);
    }
    decoder.finish(&mut events);
    events
}

fn read(mut reply: impl Reply, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for event in text.lines() {
        match reply.accept(event) {
            Ok(Progress::More) => {}
            Ok(Progress::Done) => break,
            Err(_) => return,
        }
    }
    let is_whole = reply.close().is_ok();
    let mut deltas = Vec::new();
    while let Some(delta) = reply.next() {
        deltas.push(delta);
    }
    let finished = |delta: &Delta| matches!(delta, Delta::Finished(_));
    assert_eq!(deltas.iter().filter(|delta| finished(delta)).count(), usize::from(is_whole));
    assert_eq!(deltas.last().is_some_and(finished), is_whole);
}

#[cfg(test)]
mod tests;
