use super::*;
use crate::flow::Reply as _;

const LIMIT: usize = 4096;

/// The deltas of events in short hand: `text`, `name(arguments)`, `in/out`, and
/// the finish reason.
fn told(events: &[&str]) -> Result<Vec<String>, Error> {
    let mut reply = Reply::new(LIMIT);
    for event in events {
        if reply.accept(event)? == Progress::Done {
            break;
        }
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

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const CALLS: &str = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
const LENGTH: &str = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;

#[test]
fn words_finish_and_usage_are_told_in_order() {
    check(
        &[
            r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"choices":[{"delta":{"content":"Hel"}}],"usage":null,"obfuscation":"xx"}"#,
            r#"{"choices":[{"delta":{"content":"lo"}}],"timings":{"n":1}}"#,
            STOP,
            r#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":2,"total_tokens":14}}"#,
            "[DONE]",
        ],
        &["Hel", "lo", "12/2", "stop"],
    );
}

#[test]
fn thoughts_are_not_told_and_refusals_are() {
    check(
        &[
            r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"refusal":"I cannot."}}]}"#,
            STOP,
        ],
        &["I cannot.", "stop"],
    );
}

#[test]
fn a_whole_document_is_a_reply_of_one_event() {
    check(
        &[r#"{"object":"chat.completion","choices":[{"message":{"role":"assistant",
            "content":"Hello"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":1,"completion_tokens":1}}"#],
        &["Hello", "1/1", "stop"],
    );
}

#[test]
fn calls_are_put_together_by_index() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function",
                "function":{"name":"open_app","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"app_"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b",
                "function":{"name":"close_app","arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"name\":\"Почта\"}"}}]}}]}"#,
            CALLS,
        ],
        &["open_app({\"app_name\":\"Почта\"})", "close_app({})", "stop"],
    );
}

#[test]
fn calls_without_a_useful_index_are_told_apart_by_id() {
    for index in ["", "\"index\":0,"] {
        let event = r#"{"choices":[{"delta":{"tool_calls":[
            {INDEX"id":"a","function":{"name":"one","arguments":"{}"}},
            {INDEX"id":"b","function":{"name":"two"}}]}}]}"#
            .replace("INDEX", index);
        check(&[&event, STOP], &["one({})", "two({})", "stop"]);
    }
}

#[test]
fn a_call_that_the_limit_cut_off_is_dropped() {
    let half = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a",
        "function":{"name":"open_app","arguments":"{\"app_na"}}]}}]}"#;
    check(&[half, LENGTH], &["length"]);
}

#[test]
fn a_reply_without_a_finish_is_cut_off() {
    let text = r#"{"choices":[{"delta":{"content":"Hel"}}]}"#;
    for events in [&[][..], &[text], &[text, "[DONE]"]] {
        assert_eq!(told(events), Err(Error::Truncated), "{events:?}");
    }
}

#[test]
fn unknown_finish_reasons_are_passed_on_as_other() {
    check(&[r#"{"choices":[{"delta":{},"finish_reason":"tired"}]}"#], &["other"]);
    check(&[r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#], &["content_filter"]);
}

#[test]
fn what_is_not_a_chunk_is_malformed() {
    for event in ["hello", "{\"choices\":7}", "[1]", "{\"choices\":[{\"delta\":"] {
        assert_eq!(told(&[event]).unwrap_err().as_str(), "malformed", "{event:?}");
    }
}

#[test]
fn a_call_without_end_is_bounded() {
    let more =
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"x"}}]}}]}"#;
    let events = vec![more; LIMIT];
    assert_eq!(told(&events), Err(Error::Malformed("function call is too large")));
}
