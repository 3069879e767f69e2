use super::*;

#[test]
fn what_an_app_would_take_for_an_action_is_taken_out() {
    let rows = [
        ("Yes.", "Yes."),
        ("__MCP_", "__MCP_"),
        ("__MCP__", ""),
        ("__MCP__{\"event\":\"x\"}", ""),
        (" \n__MCP__{\"event\":\"x\"}", " \n"),
        ("Yes. __MCP__{} and\nno.", "Yes. \nno."),
        ("__MCP____MCP__{}", ""),
        ("a __MCP__b\r\n__MCP__c\nd", "a \r\n\nd"),
        // What is left does not grow together into another one.
        ("__M__MCP__x\nCP__{}", "__M\nCP__{}"),
    ];
    for (text, expected) in rows {
        assert_eq!(without_action_marks(text), expected);
        assert!(!without_action_marks(text).contains(ACTION_MARK));
    }
}
