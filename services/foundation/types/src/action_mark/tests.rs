use super::*;

const ROWS: [(&str, &str); 13] = [
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
    ("snake_case and __init__ stay, __MCP_ too _", "snake_case and __init__ stay, __MCP_ too _"),
    ("___MCP__{}\r\n__MC\n__MCP__", "_\r\n__MC\n"),
    ("Ж__MCP__ы\nя__", "Ж\nя__"),
    ("Sure. __MCP__{}\nDone.", "Sure. \nDone."),
];

#[test]
fn what_an_app_would_take_for_an_action_is_taken_out() {
    for (text, expected) in ROWS {
        assert_eq!(without_action_marks(text), expected);
        assert!(!without_action_marks(text).contains(ACTION_MARK));
    }
}

#[test]
fn marks_are_found_however_the_text_is_cut() {
    for (text, expected) in ROWS {
        for size in 1..=text.chars().count() {
            let mut marks = ActionMarks::default();
            let mut kept = String::new();
            let letters: Vec<char> = text.chars().collect();
            for piece in letters.chunks(size) {
                kept.push_str(&marks.push(&piece.iter().collect::<String>()));
            }
            kept.push_str(&marks.finish());
            assert_eq!(kept, expected, "{text:?} in pieces of {size}");
            assert_eq!(marks.found(), text.contains(ACTION_MARK));
        }
    }
}
