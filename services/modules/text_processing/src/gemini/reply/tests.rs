use super::*;
use crate::flow::Reply as _;

/// The deltas of events in short hand: `text`, `name(arguments)`, `in/out`, and
/// the finish reason.
fn told(events: &[&str]) -> Result<Vec<String>, Error> {
    let mut reply = Reply::default();
    for event in events {
        assert_eq!(reply.accept(event)?, Progress::More);
    }
    reply.close()?;
    Ok(std::iter::from_fn(|| reply.next()).map(|delta| short(&delta)).collect())
}

fn short(delta: &Delta) -> String {
    match delta {
        Delta::Text(text) => text.clone(),
        Delta::ToolCall(call) => format!("{}({})", call.name, call.arguments_json),
        Delta::Usage(usage) => format!("{}/{}", usage.input_tokens, usage.output_tokens),
        Delta::Finished(reason) => reason.as_str().to_owned(),
    }
}

fn check(events: &[&str], expected: &[&str]) {
    assert_eq!(told(events).unwrap(), expected, "{events:?}");
}

fn finish(reason: &str) -> String {
    r#"{"candidates":[{"finishReason":"REASON"}]}"#.replace("REASON", reason)
}

const STOP: &str = r#"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}"#;

#[test]
fn words_finish_and_usage_are_told_in_order() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"},"index":0}],
                "usageMetadata":{"promptTokenCount":12,"totalTokenCount":12},
                "modelVersion":"m","responseId":"r"}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"lo"},{"text":" you"}],"role":"model"},
                "safetyRatings":[{"category":"c","probability":"LOW"}]}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},
                "finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"]}}],
                "usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":2,
                    "totalTokenCount":14}}"#,
        ],
        &["Hel", "lo", " you", "12/2", "stop"],
    );
}

#[test]
fn thoughts_are_not_told_and_are_counted() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[
                {"text":"hm","thought":true,"thoughtSignature":"s"},{"text":"Hi","thought":false}]}}],
                "usageMetadata":{"promptTokenCount":3,"thoughtsTokenCount":40}}"#,
            STOP,
            r#"{"usageMetadata":{"promptTokenCount":3,"toolUsePromptTokenCount":5,
                "candidatesTokenCount":2}}"#,
        ],
        &["Hi", "8/42", "stop"],
    );
}

#[test]
fn thoughts_alone_are_not_a_beginning() {
    let mut reply = Reply::default();
    reply
        .accept(r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]}}]}"#)
        .unwrap();
    assert!(!reply.has_begun() && reply.next().is_none());
    reply.accept(r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#).unwrap();
    assert!(reply.has_begun());
}

#[test]
fn calls_are_told_whole_and_in_place() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"Opening."},
                {"functionCall":{"name":"open_app","args":{"app_name":"Почта"}},
                 "thoughtSignature":"s"}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"1","name":"stop"}}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"go","args":null}}]}}]}"#,
            STOP,
        ],
        &["Opening.", r#"open_app({"app_name":"Почта"})"#, "stop({})", "go({})", "stop"],
    );
}

#[test]
fn parts_and_fields_of_other_kinds_are_passed_over() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"executableCode":{"code":"x"}},
                {"inlineData":{"mimeType":"image/png","data":"AA=="}},{"newThing":7}]}}]}"#,
            r#"{"candidates":[{"content":{}}]}"#,
            r#"{"candidates":[{"index":0}]}"#,
            r#"{"candidates":[],"error":null}"#,
            r#"{"promptFeedback":{"safetyRatings":[]}}"#,
            "{}",
            STOP,
        ],
        &["stop"],
    );
}

#[test]
fn every_finish_has_its_meaning() {
    let rows = [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("LANGUAGE", "other"),
        ("UNEXPECTED_TOOL_CALL", "other"),
        ("OTHER", "other"),
        ("A_NEW_ONE", "other"),
    ];
    for (reason, expected) in rows {
        check(&[&finish(reason)], &[expected]);
    }
    for reason in ["", "FINISH_REASON_UNSPECIFIED"] {
        assert_eq!(told(&[&finish(reason)]), Err(Error::Truncated));
    }
}

#[test]
fn a_malformed_call_is_an_error() {
    let error = told(&[&finish("MALFORMED_FUNCTION_CALL")]).unwrap_err();
    assert_eq!(error, Error::Malformed("function call is malformed"));
}

#[test]
fn a_blocked_prompt_is_about_the_request() {
    for reason in ["SAFETY", "PROHIBITED_CONTENT", "A_NEW_ONE"] {
        let event = r#"{"promptFeedback":{"blockReason":"REASON","safetyRatings":[]}}"#
            .replace("REASON", reason);
        let error = told(&[&event]).unwrap_err();
        assert!(error.is_about_the_request() && !error.is_retryable(), "{error}");
        assert_eq!(error.to_string(), format!("call language model: rejected ({reason})"));
    }
}

#[test]
fn a_reply_without_a_finish_is_cut_off() {
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}"#;
    for events in [&[][..], &[text]] {
        assert_eq!(told(events), Err(Error::Truncated), "{events:?}");
    }
}

#[test]
fn an_array_is_a_reply_of_its_elements() {
    let array = format!(
        r#"[{{"candidates":[{{"content":{{"parts":[{{"text":"Hello"}}]}}}}]}},{}]"#,
        finish("STOP")
    );
    check(&[&array], &["Hello", "stop"]);
    let error = r#"[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]"#;
    assert_eq!(told(&[error]).unwrap_err().as_str(), "unavailable");
}

#[test]
fn what_is_not_a_part_of_a_reply_is_malformed() {
    for event in ["hello", "{\"candidates\":7}", "[1]", "{\"candidates\":[{", "[DONE]"] {
        assert_eq!(told(&[event]).unwrap_err().as_str(), "malformed", "{event:?}");
    }
}
