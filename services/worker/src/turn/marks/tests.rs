use nexy_types::without_action_marks;

use super::*;

const TEXTS: [&str; 9] = [
    "Yes.",
    "snake_case and __init__ stay, __MCP_ too _",
    "__MCP__{\"event\":\"mcp.command_request\"}",
    "\n  __MCP__{}",
    "Sure. __MCP__{}\nDone.",
    "__MCP____MCP__{}",
    "___MCP__{}\r\n__MC\n__MCP__",
    "__M__MCP__x\nCP__{}",
    "Ж__MCP__ы\nя__",
];

#[test]
fn marks_are_found_however_the_text_is_cut() {
    for text in TEXTS {
        for size in 1..=text.chars().count() {
            let mut marks = Marks::default();
            let mut kept = String::new();
            let letters: Vec<char> = text.chars().collect();
            for piece in letters.chunks(size) {
                kept.push_str(&marks.push(&piece.iter().collect::<String>()));
            }
            kept.push_str(&marks.finish());
            assert_eq!(kept, without_action_marks(text), "{text:?} in pieces of {size}");
            assert_eq!(marks.found(), text.contains(ACTION_MARK));
        }
    }
}
