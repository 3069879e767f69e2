use http::HeaderMap;
use serde_json::Value;

use super::*;
use crate::{connection::Answer, screen::Look};

fn answer(status: u16, body: &Value) -> anyhow::Result<Answer> {
    Ok(Answer { status, headers: HeaderMap::new(), body: body.to_string() })
}

fn row(name: &str, value: Value, is_set: bool) -> Value {
    json!({ "name": name, "value": value, "configured": true, "is_set": is_set })
}

fn report(said: Vec<Said>, is_list: bool) -> Report {
    let said = said.into_iter().enumerate();
    let said = said.map(|(n, said)| (format!("http://127.0.0.1:808{n}"), said)).collect();
    Report { said, is_list }
}

#[test]
fn a_list_shows_what_holds_and_where_services_disagree() {
    let flags = |percent: u8| {
        let flags = [
            row("features.a", json!({ "percent": percent }), true),
            row("features.b", json!(true), false),
        ];
        Said::of(answer(200, &json!({ "flags": flags })))
    };
    let report = report(vec![flags(25), flags(50)], true);
    assert!(report.is_done());
    insta::assert_snapshot!(report.text(Look::Piped).join("\n"), @"
    http://127.0.0.1:8080
    flag        value  configured  because
    features.a  25%    on          it was set
    features.b  on     on          it is configured
    http://127.0.0.1:8081
    flag        value  configured  because
    features.a  50%    on          it was set
    features.b  on     on          it is configured
    The services do not agree on features.a.
    ");
    insta::assert_snapshot!(report.text(Look::Plain).join("\n"), @"
    http://127.0.0.1:8080:
    features.a: value 25%, configured on, because it was set.
    features.b: value on, configured on, because it is configured.
    http://127.0.0.1:8081:
    features.a: value 50%, configured on, because it was set.
    features.b: value on, configured on, because it is configured.
    The services do not agree on features.a.
    ");
    assert_eq!(report.json()["differ"], json!(["features.a"]));
}

#[test]
fn one_service_that_refuses_is_named_and_the_others_are_told() {
    let done = Said::of(answer(200, &row("features.a", json!(false), true)));
    let report = report(
        vec![
            done,
            Said::of(answer(200, &row("features.a", json!(true), false))),
            Said::of(answer(401, &json!({ "error": "the admin token is missing or wrong" }))),
            Said::of(answer(404, &Value::Null)),
            Said::of(answer(
                404,
                &json!({ "error": "there is no such flag", "allowed": ["features.a"] }),
            )),
            Said::of(answer(
                400,
                &json!({ "error": "the body is no value", "allowed": [true, false] }),
            )),
            Said::of(answer(200, &json!("OK"))),
            Said::of(Err(anyhow::anyhow!("nothing listens at http://127.0.0.1:8086"))),
        ],
        false,
    );
    assert!(!report.is_done());
    insta::assert_snapshot!(report.text(Look::Plain).join("\n"), @"
    http://127.0.0.1:8080: features.a is off. Configured: on.
    http://127.0.0.1:8081: features.a is on, as configured.
    http://127.0.0.1:8082: not done: the admin token is missing or wrong
    http://127.0.0.1:8083: not done: it has no admin routes; is its admin.token set?
    http://127.0.0.1:8084: not done: there is no such flag; allowed: features.a
    http://127.0.0.1:8085: not done: the body is no value; allowed: true, false
    http://127.0.0.1:8086: not done: it answers something else than flags
    http://127.0.0.1:8087: not done: nothing listens at http://127.0.0.1:8086
    The services do not agree on features.a.
    ");
    assert_eq!(report.json()["services"][2]["error"], "the admin token is missing or wrong");
}

#[test]
fn the_token_is_hidden_and_words_travel_as_they_are() {
    let why = Why { by: Some("Нина".to_owned()), reason: Some("ramp".to_owned()) };
    let token = "a-token-of-the-tests";
    let sent = headers(&token.to_owned().into(), &why).unwrap();
    assert!(!format!("{sent:?}").contains(token));
    assert_eq!(sent[admin::BY].as_bytes(), "Нина".as_bytes());
    let lines = Why { by: None, reason: Some("two\nlines".to_owned()) };
    headers(&token.to_owned().into(), &lines).unwrap_err();
}
