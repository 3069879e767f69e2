use serde_json::json;

use super::*;

fn detail(kind: &str, mut fields: Value) -> Value {
    fields["@type"] = format!("type.googleapis.com/google.rpc.{kind}").into();
    fields
}

fn refused(status: u16, error: Value) -> Refused {
    Refused { status, retry_after: None, body: json!({ "error": error }) }
}

fn limited(message: &str, details: &[Value]) -> Error {
    of_answer(&refused(
        429,
        json!({
            "code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details,
        }),
    ))
}

fn quotas(ids: &[&str]) -> Value {
    let violations: Vec<Value> = ids.iter().map(|id| json!({ "quotaId": id })).collect();
    detail("QuotaFailure", json!({ "violations": violations }))
}

#[test]
fn waits_are_read_wherever_they_stand() {
    let retry = |delay: &str| detail("RetryInfo", json!({ "retryDelay": delay }));
    let per_minute = quotas(&["GenerateRequestsPerMinutePerProjectPerModel-FreeTier"]);
    let rows: &[(&str, &[Value], Option<f64>)] = &[
        ("m", &[], None),
        ("m", &[retry("34.07s")], Some(34.07)),
        ("m", &[retry("900ms")], Some(0.9)),
        ("m", &[retry("0s")], Some(0.0)),
        ("m", &[retry("soon")], None),
        ("m", &[retry("-3s")], None),
        ("m", &[retry("")], None),
        ("m", &[retry("7")], None),
        ("m", &[retry("999999999s")], Some(86_400.0)),
        ("m", &[detail("Help", json!({ "links": [] })), retry("2s")], Some(2.0)),
        ("Quota exceeded.\nPlease retry in 12.3s.", &[], Some(12.3)),
        ("Please retry in 900ms", &[], Some(0.9)),
        ("Please retry in 1h2m3.5s.", &[], Some(3723.5)),
        ("Please retry in a while.", &[], None),
        ("Please retry in", &[], None),
        ("Please retry in 12.3s.", &[retry("5s")], Some(5.0)),
        ("m", std::slice::from_ref(&per_minute), Some(60.0)),
        ("m", &[per_minute.clone(), retry("5s")], Some(5.0)),
    ];
    for (message, details, expected) in rows {
        let error = limited(message, details);
        assert_eq!(error.as_str(), "rate_limited");
        assert!(error.is_retryable());
        let expected = expected.map(Duration::from_secs_f64);
        assert_eq!(error.retry_after(), expected, "{message} {details:?}");
    }
}

#[test]
fn a_header_counts_where_the_body_is_silent() {
    let body = json!({ "error": { "code": 503, "message": "m", "status": "UNAVAILABLE" } });
    let retry_after = Some(Duration::from_secs(3));
    let error = of_answer(&Refused { status: 503, retry_after, body });
    assert_eq!((error.as_str(), error.retry_after()), ("unavailable", retry_after));
}

#[test]
fn a_spent_day_is_not_worth_waiting_for() {
    let both = quotas(&["GenerateRequestsPerMinutePerModel", "GenerateRequestsPerDayPerModel"]);
    let retry = detail("RetryInfo", json!({ "retryDelay": "34s" }));
    let error = limited("m", &[both, retry]);
    assert_eq!(error.as_str(), "rate_limited");
    assert!(!error.is_retryable());
}

#[test]
fn a_key_that_is_no_good_is_told_from_a_bad_request() {
    let info = |reason: &str| json!([detail("ErrorInfo", json!({ "reason": reason }))]);
    let rows = [
        (400, json!({ "status": "INVALID_ARGUMENT", "message": "m" }), "rejected"),
        (
            400,
            json!({ "status": "INVALID_ARGUMENT", "message": "m",
                "details": info("API_KEY_INVALID") }),
            "unauthorized",
        ),
        (
            400,
            json!({ "status": "INVALID_ARGUMENT",
                "message": "API key expired. Please renew the API key." }),
            "unauthorized",
        ),
        (
            400,
            json!({ "status": "FAILED_PRECONDITION",
                "message": "User location is not supported for the API use." }),
            "unauthorized",
        ),
        (401, json!({ "status": "UNAUTHENTICATED", "message": "m" }), "unauthorized"),
        (403, json!({ "status": "PERMISSION_DENIED", "message": "m" }), "unauthorized"),
        (404, json!({ "status": "NOT_FOUND", "message": "m" }), "rejected"),
        (400, json!("not an object"), "rejected"),
        (500, Value::Null, "unavailable"),
    ];
    for (status, error, expected) in rows {
        let shown = error.to_string();
        assert_eq!(of_answer(&refused(status, error)).as_str(), expected, "{status} {shown}");
    }
}

#[test]
fn the_reason_is_kept_where_there_is_one_and_prose_never() {
    let rows = [
        (json!({ "status": "UNAVAILABLE" }), Some("UNAVAILABLE")),
        (
            json!({ "status": "INVALID_ARGUMENT",
                "details": [detail("ErrorInfo", json!({ "reason": "API_KEY_INVALID" }))] }),
            Some("API_KEY_INVALID"),
        ),
        (json!({ "status": "you said: hello", "message": "hello" }), None),
        (json!({ "status": 7, "details": "hello" }), None),
    ];
    for (error, expected) in rows {
        let error = of_answer(&refused(500, error));
        let shown = error.to_string();
        assert_eq!(
            shown,
            match expected {
                Some(code) => format!("call language model: unavailable (status 500, {code})"),
                None => "call language model: unavailable (status 500)".to_owned(),
            }
        );
    }
}

#[test]
fn errors_in_arrays_are_errors() {
    let body = json!([{ "error": { "code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED",
        "details": [quotas(&["PerDay"])] } }]);
    let error = of_answer(&Refused { status: 429, retry_after: None, body });
    assert!(matches!(error, Error::RateLimited(Refusal { is_quota_spent: true, .. })), "{error}");
}

#[test]
fn errors_in_a_stream_are_read_by_code_or_by_name() {
    let rows = [
        (json!({ "code": 503, "status": "UNAVAILABLE" }), "unavailable"),
        (json!({ "status": "RESOURCE_EXHAUSTED" }), "rate_limited"),
        (json!({ "status": "INVALID_ARGUMENT" }), "rejected"),
        (json!({ "status": "UNAUTHENTICATED" }), "unauthorized"),
        (json!({ "status": "CANCELLED" }), "unavailable"),
        (json!({ "status": "INTERNAL" }), "unavailable"),
        (json!({ "code": 99_999_999 }), "unavailable"),
        (json!("overloaded"), "unavailable"),
    ];
    for (error, expected) in rows {
        assert_eq!(in_stream(&error).as_str(), expected, "{error}");
    }
}
