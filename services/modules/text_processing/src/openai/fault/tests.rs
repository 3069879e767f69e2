use serde_json::json;

use super::*;

#[test]
fn error_objects_in_a_stream_are_read_in_every_shape() {
    let rows = [
        (json!({"message": "m", "type": "server_error", "code": null}), "unavailable"),
        (json!({"message": "m", "type": "server_error", "code": 500}), "unavailable"),
        (json!({"message": "m", "type": "BadRequestError", "code": 400}), "rejected"),
        (json!({"message": "m", "type": "invalid_request_error"}), "rejected"),
        (json!({"message": "m", "type": "tokens", "code": "rate_limit_exceeded"}), "rate_limited"),
        (json!({"message": "m", "code": "invalid_api_key"}), "unauthorized"),
        (json!({"code": 429, "status": "RESOURCE_EXHAUSTED"}), "rate_limited"),
        (json!("overloaded"), "unavailable"),
        (json!({}), "unavailable"),
    ];
    for (error, expected) in rows {
        assert_eq!(in_stream(&error).as_str(), expected, "{error}");
    }
}

#[test]
fn codes_are_found_in_wrapped_bodies_and_prose_is_not_kept() {
    let rows = [
        (json!({"error": {"type": "a", "code": "b"}}), Some("b")),
        (json!({"error": {"type": "a", "code": null}}), Some("a")),
        (
            json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]),
            Some("RESOURCE_EXHAUSTED"),
        ),
        (json!({"object": "error", "type": "NotFoundError", "code": 404}), Some("NotFoundError")),
        (json!({"error": {"code": "you said: hello"}}), None),
        (json!({"error": "hello"}), None),
        (json!("hello"), None),
    ];
    for (body, expected) in rows {
        let code = object_code(error_object(&body));
        assert_eq!(code.as_ref().map(ProviderCode::as_str), expected, "{body}");
    }
}

#[test]
fn bare_errors_are_told_from_other_events() {
    let rows = [
        (r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#, "rejected"),
        (r#"{"code":500,"message":"m","type":"server_error"}"#, "unavailable"),
        (r#"[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]"#, "rate_limited"),
        (r#"{"type":"ping"}"#, "none"),
        (r#"{"message":"m"}"#, "none"),
        ("[]", "none"),
        ("hello", "none"),
    ];
    for (data, expected) in rows {
        assert_eq!(bare(data).as_ref().map_or("none", Error::as_str), expected, "{data}");
    }
}

#[test]
fn a_spent_account_is_told_from_a_limited_one() {
    let rows = [("insufficient_quota", false), ("rate_limit_exceeded", true)];
    for (code, retryable) in rows {
        let body = json!({ "error": { "message": "m", "code": code } });
        let error = of_answer(&Refused { status: 429, retry_after: None, body });
        assert_eq!((error.as_str(), error.is_retryable()), ("rate_limited", retryable), "{code}");
    }
}
