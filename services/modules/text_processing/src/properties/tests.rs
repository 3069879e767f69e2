use nexy_testkit::fuzz::drive;

use super::*;

#[test]
fn any_cut_of_any_stream_gives_the_same_events() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/sse_decoder"), sse_decoder).unwrap();
}

#[test]
fn any_events_are_a_reply_of_gemini_or_an_error() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/gemini_stream"), gemini_stream).unwrap();
}

#[test]
fn any_events_are_a_reply_of_openai_or_an_error() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/openai_stream"), openai_stream).unwrap();
}
