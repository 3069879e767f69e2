use super::*;

fn refusal(status: u16, code: Option<&str>) -> Refusal {
    let code = code.and_then(ProviderCode::parse);
    Refusal { status: Some(status), code, ..Refusal::default() }
}

#[test]
fn each_error_tells_the_client_and_the_retry() {
    let rows = [
        (Error::Settings("base_url"), ErrorType::Internal, false),
        (Error::Timeout(Wait::FirstToken), ErrorType::Timeout, true),
        (Error::Unauthorized(refusal(401, None)), ErrorType::Unavailable, false),
        (Error::Rejected(refusal(400, None)), ErrorType::Unavailable, false),
        (Error::RateLimited(refusal(429, None)), ErrorType::Unavailable, true),
        (
            Error::RateLimited(Refusal { is_quota_spent: true, ..refusal(429, None) }),
            ErrorType::Unavailable,
            false,
        ),
        (Error::Unavailable(Refusal::default()), ErrorType::Unavailable, true),
        (Error::Truncated, ErrorType::Unavailable, true),
        (Error::Malformed("x"), ErrorType::Unavailable, false),
    ];
    for (error, error_type, retryable) in rows {
        assert_eq!(error.error_type(), error_type, "{error}");
        assert_eq!(error.is_retryable(), retryable, "{error}");
    }
}

#[test]
fn a_wrong_model_is_not_the_requests_fault() {
    assert!(!Error::Rejected(refusal(404, None)).is_about_the_request());
    assert!(Error::Rejected(refusal(400, None)).is_about_the_request());
    assert!(!Error::Truncated.is_about_the_request());
}

#[test]
fn messages_name_status_and_code() {
    let error = Error::RateLimited(refusal(429, Some("rate_limit_exceeded")));
    assert_eq!(
        error.to_string(),
        "call language model: rate limited (status 429, rate_limit_exceeded)"
    );
}

#[test]
fn prose_is_not_a_code() {
    for text in ["", "the prompt was: hello", "сбой", &"x".repeat(65)] {
        assert_eq!(ProviderCode::parse(text), None, "{text:?}");
    }
    assert!(ProviderCode::parse("model_not_found").is_some());
}
