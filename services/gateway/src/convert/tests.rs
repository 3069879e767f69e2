use super::*;

fn sent(transport: ActionsTransport) -> Content {
    let session = SessionId::parse("3b241101-e2bb-4255-8caf-4136c566a962").unwrap();
    let asked = pb::Action {
        command: "open_app".into(),
        args_json: r#"{"app_name":"Телеграм","at":"10:30","url":"https://a.b/?c=\"d\""}"#.into(),
    };
    action(&asked, &session, transport)
}

const PAYLOAD: &str = r#"{"session_id":"3b241101-e2bb-4255-8caf-4136c566a962","command":"open_app","args":{"app_name":"Телеграм","at":"10:30","url":"https://a.b/?c=\"d\""}}"#;

#[test]
fn actions_travel_as_a_marked_text() {
    let Content::TextChunk(text) = sent(ActionsTransport::McpPrefix) else { panic!() };
    let event: serde_json::Value =
        serde_json::from_str(text.strip_prefix("__MCP__").unwrap()).unwrap();
    let payload: serde_json::Value = serde_json::from_str(PAYLOAD).unwrap();
    assert_eq!(event, json!({ "event": "mcp.command_request", "payload": payload }));
}

#[test]
fn actions_travel_as_a_message_of_their_own() {
    let Content::ActionMessage(message) = sent(ActionsTransport::ActionMessage) else { panic!() };
    let got: serde_json::Value = serde_json::from_str(&message.action_json).unwrap();
    let payload: serde_json::Value = serde_json::from_str(PAYLOAD).unwrap();
    assert_eq!(got, payload);
    assert_eq!(message.session_id, "3b241101-e2bb-4255-8caf-4136c566a962");
}
