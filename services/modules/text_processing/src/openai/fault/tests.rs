use serde_json::json;

use super::*;

fn headers(rows: &[(&'static str, &'static str)]) -> HeaderMap {
    rows.iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

#[test]
fn retry_hints_are_read_in_every_form() {
    let at = "Fri, 20 Nov 2026 10:00:00 GMT";
    let later = "Fri, 20 Nov 2026 10:00:30 GMT";
    type Hint = (&'static str, &'static str);
    let rows: &[(&[Hint], Option<u64>)] = &[
        (&[], None),
        (&[("retry-after", "7")], Some(7_000)),
        (&[("retry-after", "1.5")], Some(1_500)),
        (&[("retry-after-ms", "250")], Some(250)),
        (&[("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
        (&[("retry-after-ms", "soon"), ("retry-after", "7")], Some(7_000)),
        (&[("date", at), ("retry-after", later)], Some(30_000)),
        (&[("date", later), ("retry-after", at)], Some(0)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "1e300")], None),
        (&[("retry-after", "1000000")], Some(86_400_000)),
    ];
    for (rows, expected) in rows {
        let hint = retry_after(&headers(rows));
        assert_eq!(hint, expected.map(Duration::from_millis), "{rows:?}");
    }
}

#[test]
fn statuses_become_what_the_caller_acts_on() {
    let rows = [
        (301, "rejected"),
        (400, "rejected"),
        (401, "unauthorized"),
        (402, "rejected"),
        (403, "unauthorized"),
        (404, "rejected"),
        (408, "unavailable"),
        (413, "rejected"),
        (422, "rejected"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (503, "unavailable"),
        (529, "unavailable"),
    ];
    for (status, expected) in rows {
        assert_eq!(classify(status, Refusal::default()).as_str(), expected, "{status}");
    }
}

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
