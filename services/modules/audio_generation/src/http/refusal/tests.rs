use serde_json::json;

use super::code_of;

#[test]
fn keeps_the_code_and_never_the_message() {
    let rows = [
        (json!({"error": {"message": "Hi Bob", "type": "a", "code": "b"}}), Some("b")),
        (json!({"error": {"message": "Hi Bob", "type": "a", "code": null}}), Some("a")),
        (json!({"detail": {"error": "x", "message": "Hi Bob", "type": "a_b"}}), Some("a_b")),
        (json!({"error": {"code": "Hi Bob", "type": "a"}}), Some("a")),
        (json!({"error": {"code": "x".repeat(65), "type": ""}}), None),
        (json!({"error": "Hi Bob"}), None),
        (json!({"detail": [{"loc": ["body"], "input": "Hi Bob"}]}), None),
        (json!("Hi Bob"), None),
    ];
    for (body, expected) in rows {
        assert_eq!(code_of(&body).as_deref(), expected, "{body}");
    }
}
