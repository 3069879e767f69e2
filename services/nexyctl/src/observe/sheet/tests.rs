use super::*;

fn sheet() -> Sheet {
    let mut sheet = Sheet::new("rpcs", "Calls", &["rpc", "count", "p95_ms", "per_second"]);
    sheet.row([
        Cell::Text("StreamAudio".to_owned()),
        Cell::Count(12),
        Cell::Millis(398),
        Cell::Rate(0.25),
    ]);
    sheet.row([
        Cell::Text("Re\u{1b}[2Jport\nUsage".to_owned()),
        Cell::Count(1),
        Cell::Nothing,
        Cell::Nothing,
    ]);
    sheet
}

#[test]
fn people_see_a_table() {
    insta::assert_snapshot!(sheet().text(Look::Piped).join("\n"), @"
    Calls
    rpc              count  p95     per second
    StreamAudio      12     398 ms  0.2/s
    Re[2Jport Usage  1      -       -
    ");
}

#[test]
fn screen_readers_get_a_sentence_for_each_row() {
    insta::assert_snapshot!(sheet().text(Look::Plain).join("\n"), @"
    Calls:
    StreamAudio: count 12, p95 398 ms, per second 0.2/s.
    Re[2Jport Usage: count 1.
    ");
}

#[test]
fn scripts_get_numbers() {
    insta::assert_snapshot!(sheet().json(), @r#"[{"count":12,"p95_ms":398,"per_second":0.25,"rpc":"StreamAudio"},{"count":1,"p95_ms":null,"per_second":null,"rpc":"Re\u001b[2Jport\nUsage"}]"#);
}

#[test]
fn a_table_without_rows_says_so() {
    let empty = Sheet::new("errors", "Errors", &["rpc"]);
    assert_eq!(empty.text(Look::Piped), ["Errors: none."]);
    assert_eq!(empty.json(), json!([]));
}
