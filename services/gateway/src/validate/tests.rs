use nexy_config::Sources;

use super::*;

const SESSION: &str = "3b241101-e2bb-4255-8caf-4136c566a962";

fn settings() -> Settings {
    let sources = Sources::for_tests([("MAX_PROMPT_CHARS", "10")]);
    Settings::load(&sources).unwrap().0
}

fn request() -> StreamRequest {
    StreamRequest {
        prompt: "hello".into(),
        hardware_id: "device".into(),
        session_id: SESSION.into(),
        ..StreamRequest::default()
    }
}

fn check(request: StreamRequest, expected: Result<(), &str>) {
    let got = stream_request(request, &settings()).map(drop).map_err(|refusal| refusal.message);
    match expected {
        Ok(()) => assert_eq!(got, Ok(())),
        Err(part) => assert!(got.as_ref().is_err_and(|text| text.contains(part)), "{got:?}"),
    }
}

#[test]
fn the_table_of_input_checks() {
    check(request(), Ok(()));
    check(StreamRequest { hardware_id: String::new(), ..request() }, Err("hardware_id"));
    check(StreamRequest { hardware_id: "Unknown".into(), ..request() }, Err("hardware_id"));
    check(StreamRequest { hardware_id: "a\u{7}".into(), ..request() }, Err("hardware_id"));
    check(
        StreamRequest { session_id: "1".into(), ..request() },
        Err("session_id is required and must be provided by client"),
    );
    check(StreamRequest { phase: 3, ..request() }, Err("phase"));
    check(StreamRequest { prompt: "hello world".into(), ..request() }, Err("at most 10"));
    // Ten characters, twenty bytes.
    check(StreamRequest { prompt: "добрый день".chars().take(10).collect(), ..request() }, Ok(()));
}

#[test]
fn the_device_is_checked_before_the_session() {
    let both = StreamRequest { hardware_id: " ".into(), session_id: String::new(), ..request() };
    check(both, Err("hardware_id"));
}

#[test]
fn a_blank_question_is_refused_once_it_is_merged() {
    let refusal = prompt(" \n".to_owned(), &settings()).unwrap_err();
    assert_eq!(refusal.message, "Empty prompt: text field is required");
    check(StreamRequest { prompt: String::new(), phase: 1, ..request() }, Ok(()));
}

#[test]
fn usage_reports_are_checked() {
    let good = UsageRequest { hardware_id: "device".into(), ..UsageRequest::default() };
    assert!(usage(&good).is_ok());
    let rows = [
        (UsageRequest { hardware_id: "unknown".into(), ..good.clone() }, "hardware_id"),
        (UsageRequest { session_id: "x".into(), ..good.clone() }, "session_id"),
        (UsageRequest { input_tokens: -1, ..good.clone() }, "input_tokens"),
        (UsageRequest { output_tokens: -1, ..good }, "output_tokens"),
    ];
    for (request, field) in rows {
        assert!(usage(&request).unwrap_err().message.contains(field));
    }
}
