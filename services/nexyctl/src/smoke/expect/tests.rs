use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::*;
use crate::reply::{AudioFrame, Trailers};

fn frame(bytes: usize, sample_rate: u32) -> Event {
    let format = AudioFormat { sample_rate, channels: 1, dtype: "int16".to_owned() };
    Event::Audio(AudioFrame { data: Bytes::from(vec![0; bytes]), format })
}

fn heard(events: Vec<Event>) -> Heard {
    let mut heard = Heard::default();
    for event in events {
        heard.take(Timed { at: Duration::from_millis(5), event });
    }
    heard
}

fn told(outcome: Outcome) -> String {
    outcome.unwrap_or_else(|error| format!("miss: {error}"))
}

#[test]
fn a_good_reply_passes() {
    let events = vec![
        Event::Text("Hello.".to_owned()),
        frame(4096, 48_000),
        frame(2, 48_000),
        Event::End,
        Event::Closed(Trailers::default()),
    ];
    let heard = heard(events);
    assert_eq!(told(complete(&heard)), "end_message and status OK");
    assert_eq!(told(text(&heard)), "6 characters in 1 segments");
    assert_eq!(told(sound(&heard)), "0.0 s of sound, the first after 5 ms");
}

#[test]
fn sound_that_breaks_the_contract_is_a_miss() {
    assert_eq!(told(sound(&heard(vec![]))), "miss: no sound came");
    for bytes in [0, 3, 4098] {
        let found = told(sound(&heard(vec![frame(bytes, 48_000)])));
        assert_eq!(found, format!("miss: a frame of {bytes} bytes came"));
    }
    let found = told(sound(&heard(vec![frame(2, 24_000)])));
    assert_eq!(found, "miss: a frame is labelled 24000 Hz, 1 channels, int16");
}

#[test]
fn a_reply_without_its_end_is_a_miss() {
    assert_eq!(told(complete(&heard(vec![]))), "miss: 0 end_messages came");
}

#[test]
fn a_refusal_has_code_details_and_text() {
    let refused = |status: &tonic::Status| {
        heard(vec![Event::Failed(Failure::of_status(status), Trailers::default())])
    };
    assert_eq!(told(refusal(&heard(vec![Event::End]), "x")), "miss: it was not refused");
    let bare = refused(&tonic::Status::invalid_argument("hardware_id is required"));
    assert!(told(refusal(&bare, "hardware_id")).starts_with("miss: refused with"));

    let mut details = tonic_types::ErrorDetails::new();
    details.set_error_info("validation_failed", "nexy", std::collections::HashMap::new());
    let full = refused(&<tonic::Status as tonic_types::StatusExt>::with_error_details(
        tonic::Code::InvalidArgument,
        "hardware_id is required",
        details,
    ));
    assert_eq!(told(refusal(&full, "hardware_id")), "INVALID_ARGUMENT");
    assert!(told(refusal(&full, "session_id")).starts_with("miss: the text is"));
}

#[test]
fn cache_control_comes_exactly_once() {
    let mut headers = HeaderMap::new();
    headers.append("content-type", HeaderValue::from_static("application/xml; charset=utf-8"));
    headers.append("cache-control", HeaderValue::from_static("public, max-age=60"));
    let mut answer = Answer { status: 200, headers, body: "<?xml version=\"1.0\"?>".to_owned() };
    assert_eq!(told(appcast(&answer)), "HTTP 200, public, max-age=60");
    answer.headers.append("cache-control", HeaderValue::from_static("no-cache"));
    assert_eq!(told(appcast(&answer)), "miss: 2 Cache-Control headers came");
}

#[test]
fn metrics_that_can_be_read_are_a_miss() {
    let answer =
        |body: &str| Answer { status: 200, headers: HeaderMap::new(), body: body.to_owned() };
    assert_eq!(told(private(&answer("a gRPC server\n"))), "HTTP 200");
    assert!(told(private(&answer("# TYPE x counter\nx 1\n"))).starts_with("miss"));
}
