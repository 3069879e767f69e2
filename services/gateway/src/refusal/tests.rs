use super::*;

#[test]
fn every_error_carries_its_reason_and_its_real_message() {
    for error in ErrorType::ALL {
        let status = Refusal::new(error, "the text").to_status();
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(status.message(), "the text");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (error.as_str(), "nexy"));
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        assert_eq!(delay, error.retry_after(), "{error}");
    }
}

#[test]
fn codes_are_those_of_the_contract() {
    let rows = [
        (ErrorType::Timeout, Code::DeadlineExceeded),
        (ErrorType::StreamIdleTimeout, Code::DeadlineExceeded),
        (ErrorType::Unavailable, Code::Unavailable),
        (ErrorType::CancelledByUser, Code::Cancelled),
        (ErrorType::StreamLimitExceeded, Code::ResourceExhausted),
        (ErrorType::RateLimitExceeded, Code::ResourceExhausted),
        (ErrorType::SessionBusy, Code::ResourceExhausted),
        (ErrorType::ValidationFailed, Code::InvalidArgument),
        (ErrorType::Internal, Code::Internal),
    ];
    assert_eq!(rows.len(), ErrorType::ALL.len());
    for (error, code) in rows {
        assert_eq!(grpc_code(error), code);
    }
}
