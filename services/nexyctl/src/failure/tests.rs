use tonic_types::ErrorDetails;

use super::*;

fn check(kind: ErrorType, code: Code, expected: &str) {
    let mut details = ErrorDetails::new();
    details.set_error_info(kind.as_str(), "nexy", std::collections::HashMap::new());
    if let Some(delay) = kind.retry_after() {
        details.set_retry_info(Some(delay));
    }
    let failure =
        Failure::of_status(&Status::with_error_details(code, "the real message", details));
    let advice = failure.advice().unwrap_or_default();
    assert_eq!(format!("{} | {advice}", failure.title()), expected);
}

#[test]
fn says_the_type_the_text_and_what_helps() {
    check(
        ErrorType::StreamLimitExceeded,
        Code::ResourceExhausted,
        "stream_limit_exceeded: the real message | Try again in 60 s.",
    );
    check(
        ErrorType::ValidationFailed,
        Code::InvalidArgument,
        "validation_failed: the real message | The request has to change; a retry does not help.",
    );
    check(
        ErrorType::Internal,
        Code::Internal,
        "internal: the real message | This is a fault of the server. One retry may help.",
    );
    check(ErrorType::CancelledByUser, Code::Cancelled, "cancelled_by_user: the real message | ");
}

#[test]
fn a_status_without_details_is_named_by_its_code() {
    let failure = Failure::of_status(&Status::unavailable("no upstream"));
    assert_eq!(failure.title(), "UNAVAILABLE: no upstream");
    assert_eq!(
        failure.advice().as_deref(),
        Some("Nothing answers behind the server's door. Try again later."),
    );
}

#[test]
fn finds_what_an_io_error_hides() {
    let hidden = io::Error::other(Usage("inner".to_owned()));
    let outer = anyhow::Error::new(hidden).context("outer");
    assert_eq!(find::<Usage>(outer.as_ref()).map(ToString::to_string), Some("inner".to_owned()));
}

#[test]
fn a_reader_that_left_is_no_news() {
    let error = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!(exit_of(&error).1, None);
}
