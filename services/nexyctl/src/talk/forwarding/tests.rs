use serde_json::json;

use super::*;

fn check(status: &Value, expected: Option<&str>) {
    assert_eq!(sentence(status).as_deref(), expected, "{status}");
}

#[test]
fn says_when_actions_do_not_come() {
    let off =
        "Actions are not forwarded by this server (FORWARD_ASSISTANT_ACTIONS=true turns it on).";
    check(&json!({"flags": {"forward_assistant_actions": false}}), Some(off));
    check(&json!({"flags": {"forward_assistant_actions": {"percent": 0}}}), Some(off));
    check(
        &json!({"flags": {"forward_assistant_actions": {"percent": 25}}}),
        Some("Actions are forwarded to 25 % of the devices only."),
    );
    check(
        &json!({"flags": {"forward_assistant_actions": true},
                "kill_switches": {"disable_forward_assistant_actions": true}}),
        Some("Actions are not forwarded: their kill switch is on."),
    );
}

#[test]
fn says_nothing_when_they_come_or_nobody_knows() {
    check(&json!({"flags": {"forward_assistant_actions": true}}), None);
    check(&json!({"flags": {"forward_assistant_actions": {"percent": 100}}}), None);
    check(&json!({"flags": {}}), None);
    check(&json!([]), None);
}
