use super::*;

fn check(chunk: &str, expected: &str) {
    let found = match Chunk::read(chunk.to_owned()) {
        Chunk::Text(text) => format!("text {text}"),
        Chunk::Action(action) => {
            let arguments: Vec<_> =
                action.arguments().map(|(name, value)| format!("{name}={value}")).collect();
            format!("action {} {}", action.command, arguments.join(" ")).trim_end().to_owned()
        }
        Chunk::Malformed => "malformed".to_owned(),
    };
    assert_eq!(found, expected, "{chunk}");
}

#[test]
fn tells_text_from_actions() {
    check("Hello.", "text Hello.");
    check("Say __MCP__ aloud", "text Say __MCP__ aloud");
    check(
        r#"__MCP__{"event":"mcp.command_request","payload":{"session_id":"s","command":"open_app","args":{"app_name":"Telegram"}}}"#,
        "action open_app app_name=Telegram",
    );
    check(r#"__MCP__{"event":"mcp.command_request","payload":{"command":"lock"}}"#, "action lock");
}

#[test]
fn keeps_numbers_urls_and_any_script_as_they_are() {
    check(
        r#"__MCP__{"event":"mcp.command_request","payload":{"command":"x","args":{"n":3,"t":"10:30","u":"https://a.b/c?d=\"e\"","w":"привет"}}}"#,
        "action x n=3 t=10:30 u=https://a.b/c?d=\"e\" w=привет",
    );
}

#[test]
fn an_action_that_cannot_be_read_is_no_text() {
    check("__MCP__{", "malformed");
    check("__MCP__", "malformed");
    check(r#"__MCP__{"event":"other","payload":{"command":"x"}}"#, "malformed");
}

#[test]
fn reads_the_flat_payload_of_an_action_message() {
    let message = ActionMessage {
        action_json: r#"{"session_id":"s","command":"open_app","args":{"app_name":"Notes"}}"#
            .to_owned(),
        ..ActionMessage::default()
    };
    let Chunk::Action(action) = Chunk::of_message(&message) else { panic!("no action") };
    assert_eq!(action.command, "open_app");
    assert_eq!(action.arguments().next(), Some(("app_name", "Notes".to_owned())));
}
