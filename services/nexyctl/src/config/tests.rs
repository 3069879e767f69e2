use super::*;

fn load(variables: &[(&str, &str)]) -> Result<Vec<Row>, Problems> {
    Settings::load(&Sources::for_tests(variables.iter().copied()))
        .map(|(_, provenance)| effective(&provenance))
}

fn line_of(lines: &[String], key: &str) -> String {
    let line = lines.iter().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn shows_value_and_origin_and_no_secret() {
    let rows = load(&[("GRPC_PORT", "50099"), ("GEMINI_API_KEY", "very-secret")]).unwrap();
    let lines = rows_text(&rows, Look::Piped);
    assert_eq!(line_of(&lines, "grpc.port"), "grpc.port 50099 environment variable GRPC_PORT");
    assert_eq!(line_of(&lines, "env"), "env prod default");
    for text in [lines.join("\n"), rows_text(&rows, Look::Plain).join("\n"), rows_json(&rows)] {
        assert!(!text.contains("very-secret"));
    }
    let json: Value = serde_json::from_str(&rows_json(&rows)).unwrap();
    assert_eq!(json["grpc.port"]["from"], "environment variable GRPC_PORT");
}

#[test]
fn names_every_problem() {
    let problems = load(&[("GRPC_PORT", "many"), ("SERVER_DRAIN_SECONDS", "soon")]).unwrap_err();
    let lines = problems_text(&problems, Look::Piped);
    assert!(lines[0].contains("2 problem(s)"), "{lines:?}");
    let json: Value = serde_json::from_str(&problems_json(&problems)).unwrap();
    let keys: Vec<_> = json["problems"].as_array().unwrap().iter().map(|p| &p["key"]).collect();
    assert_eq!(keys, ["grpc.port", "server.drain_seconds"]);
}
