use nexy_types::Risk;
use serde_json::json;

use super::*;

fn argument(name: &str, kind: ArgumentKind, required: bool) -> Argument {
    Argument { name: name.into(), kind, required, description: String::new() }
}

fn command(name: &str, arguments: Vec<Argument>) -> Command {
    Command { name: name.into(), description: String::new(), arguments, risk: Risk::Acts }
}

fn catalogue() -> Catalogue {
    Catalogue::new(vec![
        command("open_app", vec![argument("app_name", ArgumentKind::String, true)]),
        command(
            "set_volume",
            vec![
                argument("level", ArgumentKind::Integer, true),
                argument("fade", ArgumentKind::Number, false),
                argument("muted", ArgumentKind::Boolean, false),
            ],
        ),
        command("take-screenshot", vec![]),
    ])
}

fn check(name: &str, args: Value, expected: Result<&str, Rejection>) {
    let Value::Object(args) = args else { panic!("not an object") };
    let request = ActionRequest { command: name.into(), args: args.clone() };
    let expected = expected.map(|command| Action { command: command.into(), args });
    assert_eq!(catalogue().check(&request), expected, "{name}");
}

fn missing(name: &str) -> Rejection {
    Rejection::MissingArgument { name: name.into() }
}

fn wrong(name: &str, expected: ArgumentKind) -> Rejection {
    Rejection::WrongType { name: name.into(), expected }
}

#[test]
fn a_command_is_found_in_any_spelling() {
    for spelling in ["open_app", " Open-App ", "OPEN.APP", "open app\n"] {
        check(spelling, json!({"app_name": "Safari"}), Ok("open_app"));
    }
    check("Take Screenshot", json!({}), Ok("take_screenshot"));
}

#[test]
fn an_unknown_command_is_rejected() {
    for spelling in ["openapp", "", "open_app2", "rm -rf"] {
        check(spelling, json!({"app_name": "Safari"}), Err(Rejection::UnknownCommand));
    }
}

#[test]
fn arguments_are_checked_and_passed_on_unchanged() {
    use ArgumentKind::{Boolean, Integer, Number, String};
    let url = json!({"app_name": "Safari", "url": "https://a.b/?q=1&t=10:30#\"x\"", "n": 1.5e-7});
    check("open_app", url, Ok("open_app"));
    check("open_app", json!({}), Err(missing("app_name")));
    check("open_app", json!({"app_name": " \t"}), Err(missing("app_name")));
    check("open_app", json!({"app_name": null}), Err(missing("app_name")));
    check("open_app", json!({"app_name": 5}), Err(wrong("app_name", String)));
    check("set_volume", json!({"level": 5, "fade": 1, "muted": true}), Ok("set_volume"));
    check("set_volume", json!({"level": 5.0, "fade": null}), Ok("set_volume"));
    check("set_volume", json!({"level": u64::MAX, "fade": 0.5}), Ok("set_volume"));
    check("set_volume", json!({"level": 5.5}), Err(wrong("level", Integer)));
    check("set_volume", json!({"level": "5"}), Err(wrong("level", Integer)));
    check("set_volume", json!({"level": 5, "fade": "1"}), Err(wrong("fade", Number)));
    check("set_volume", json!({"level": 5, "muted": "yes"}), Err(wrong("muted", Boolean)));
}

#[test]
fn what_sends_pays_or_deletes_is_agreed_to_first() {
    let rows = [(Risk::Reads, false), (Risk::Acts, false), (Risk::Confirm, true)];
    for (risk, expected) in rows {
        let catalogue = Catalogue::new(vec![Command { risk, ..command("send", vec![]) }]);
        let action = Action { command: "send".into(), args: Map::new() };
        assert_eq!(catalogue.asks_first(&action), expected, "{risk:?}");
    }
    let unknown = Action { command: "rm_rf".into(), args: Map::new() };
    assert!(catalogue().asks_first(&unknown));
}

#[test]
fn a_rejection_says_nothing_of_the_values() {
    let rejection = wrong("level", ArgumentKind::Integer);
    assert_eq!(rejection.as_str(), "wrong_type");
    assert_eq!(rejection.to_string(), "the argument level must be of type integer");
    assert_eq!(missing("app_name").to_string(), "the argument app_name is required");
}
