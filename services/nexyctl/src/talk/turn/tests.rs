use bytes::Bytes;

use super::*;
use crate::{
    action::Chunk,
    reply::{AudioFormat, AudioFrame},
    screen::{Colour, Look},
    talk::view,
};

const ACTION: &str = r#"__MCP__{"event":"mcp.command_request","payload":{"session_id":"s","command":"open_app","args":{"app_name":"Telegram"}}}"#;

fn text(text: &str) -> Event {
    match Chunk::read(text.to_owned()) {
        Chunk::Text(text) => Event::Text(text),
        Chunk::Action(action) => Event::Action(action),
        Chunk::Malformed => Event::Unreadable("an action"),
    }
}

/// Half a second of silence.
fn audio() -> Event {
    let format = AudioFormat { sample_rate: 48_000, channels: 1, dtype: "int16".to_owned() };
    Event::Audio(AudioFrame { data: Bytes::from(vec![0; 48_000]), format })
}

fn closed(trailers: &[(&str, &str)]) -> Event {
    let pairs = trailers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Event::Closed(Trailers(pairs.collect()))
}

/// Plays events 20 ms apart and gives back what stands on the screen.
fn tell(look: Look, events: &[Event]) -> (Turn, String) {
    let mut turn = Turn::default();
    let mut story = Vec::new();
    for (at, event) in (1..).map(|n| Duration::from_millis(20 * n)).zip(events) {
        story.extend(turn.take(at, event).iter().map(|line| view::render(line, look)));
    }
    (turn, story.join("\n"))
}

#[test]
fn a_complete_reply_with_an_action_reads_well_in_a_terminal() {
    let events = [
        text("Right away."),
        audio(),
        text("Opening it."),
        audio(),
        text(ACTION),
        Event::End,
        closed(&[("nexy-providers", "llm=gemini;tts=azure")]),
    ];
    let (turn, story) = tell(Look::Terminal(Colour::Off), &events);
    insta::assert_snapshot!(story, @"
    Right away.
    Opening it.
    ┌ Action: open_app
    │ app_name: Telegram
    └
    ♪ 1.0 s audio · first text 20 ms · first audio 40 ms · total 140 ms · llm=gemini;tts=azure
    ");
    assert_eq!(turn.verdict(), Verdict::Complete);
    assert_eq!(turn.text(), "Right away. Opening it.");
}

#[test]
fn a_screen_reader_hears_short_sentences_in_order() {
    let events = [
        text("Right away."),
        audio(),
        text(ACTION),
        Event::End,
        closed(&[("nexy-providers", "llm=gemini;tts=azure")]),
    ];
    let (_, story) = tell(Look::Plain, &events);
    insta::assert_snapshot!(story, @"
    Right away.
    Action: open_app, app_name Telegram
    The reply is complete. Audio: 0.5 seconds. First text after 20 milliseconds. First audio after 40 milliseconds. Total 100 milliseconds. Providers: llm gemini, tts azure.
    ");
    assert!(story.is_ascii());
}

#[test]
fn a_reply_without_an_end_message_is_not_complete() {
    let (turn, story) = tell(Look::Piped, &[text("Half a"), closed(&[])]);
    insta::assert_snapshot!(story, @"
    Half a
    ✗ the stream ended without an end_message: the reply is not complete
    ♪ 0.0 s audio · first text 20 ms · total 40 ms · not complete
    ");
    assert_eq!(turn.verdict(), Verdict::Failed);
}

#[test]
fn an_end_message_without_status_ok_proves_nothing() {
    let failure = Failure::of_status(&tonic::Status::internal("stream reset"));
    let (turn, _) =
        tell(Look::Plain, &[text("x"), Event::End, Event::Failed(failure, Trailers::default())]);
    assert_eq!(turn.verdict(), Verdict::Failed);
}

#[test]
fn says_so_when_the_voice_was_given_up() {
    let degraded = closed(&[("nexy-degraded", "tts")]);
    let (turn, story) = tell(Look::Plain, &[text("Hello."), Event::End, degraded]);
    assert!(story.contains("The voice was not available; text only."), "{story}");
    assert_eq!(turn.verdict(), Verdict::Complete);

    let degraded = closed(&[("nexy-degraded", "tts")]);
    let (_, story) = tell(Look::Plain, &[text("Hello."), audio(), Event::End, degraded]);
    assert!(story.contains("part of the reply is text only"), "{story}");
}

#[test]
fn says_so_when_the_screenshot_was_given_up() {
    let degraded = closed(&[("nexy-degraded", "screenshot,tts")]);
    let (_, story) = tell(Look::Plain, &[text("Hello."), Event::End, degraded]);
    assert!(story.contains("The screenshot could not be read"), "{story}");
    assert!(story.contains("The voice was not available"), "{story}");
}

#[test]
fn an_error_is_told_once_with_its_type() {
    let mut details = tonic_types::ErrorDetails::new();
    details.set_error_info("session_busy", "nexy", std::collections::HashMap::new());
    let status = <tonic::Status as tonic_types::StatusExt>::with_error_details(
        tonic::Code::ResourceExhausted,
        "a turn of this session is already running",
        details,
    );
    let events = [
        Event::ErrorText("a turn of this session is already running".to_owned()),
        Event::Failed(Failure::of_status(&status), Trailers::default()),
    ];
    let (_, story) = tell(Look::Plain, &events);
    insta::assert_snapshot!(story, @"
    Failed: session_busy: a turn of this session is already running
    Try again in 2 s.
    The reply is not complete. Audio: 0.0 seconds. Total 40 milliseconds.
    ");
}

#[test]
fn nothing_more_is_shown_of_an_interrupted_reply() {
    let mut turn = Turn::default();
    turn.take(Duration::from_millis(1), &text("One."));
    assert_eq!(turn.interrupt().len(), 1);
    assert!(turn.take(Duration::from_millis(2), &text("Two.")).is_empty());
    let failure = Failure::of_status(&tonic::Status::cancelled("interrupted"));
    let lines = turn.take(Duration::from_millis(3), &Event::Failed(failure, Trailers::default()));
    assert!(matches!(lines.as_slice(), [Line::Summary(_)]));
    assert_eq!(turn.text(), "One.");
    assert_eq!(turn.verdict(), Verdict::Interrupted);
}

#[test]
fn the_progress_line_names_what_has_come_so_far() {
    assert_eq!(view::progress(&Turn::default().summary()), "… waiting for the reply");
    let (turn, _) = tell(Look::Plain, &[text("One.")]);
    assert_eq!(view::progress(&turn.summary()), "♪ 0.0 s audio · first text 20 ms");
}
