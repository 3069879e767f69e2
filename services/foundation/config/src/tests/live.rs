//! Flags while a process runs.

use serde_json::json;

use super::*;

const ACTIONS: &str = "features.forward_assistant_actions";
const STOP: &str = "kill_switches.disable_module_coordinator";

fn live(sources: &Sources) -> Live {
    Live::new(sources.clone(), load_from(sources).flags())
}

#[test]
fn a_flag_that_is_set_outlives_reloads_until_it_is_reset() {
    let folder = tempfile::tempdir().expect("a folder");
    let overlay = folder.path().join("nexy.yaml");
    fs::write(&overlay, "").expect("write");
    let sources = Sources::for_tests([("NEXY_CONFIG", overlay.display().to_string())]);
    let live = live(&sources);
    let anybody = device("device-1");

    let Adjusted { before, after } = live.set(ACTIONS, FlagValue::Switch(true)).expect("a flag");
    let off = FlagValue::Switch(false);
    assert_eq!(before, FlagRow { name: ACTIONS, value: off, configured: off, is_set: false });
    let on = FlagValue::Switch(true);
    assert_eq!(after, FlagRow { name: ACTIONS, value: on, configured: off, is_set: true });
    assert!(live.snapshot().forward_actions(&anybody));

    // What the sources say now is known, and does not count yet.
    fs::write(&overlay, "features: {forward_assistant_actions: {percent: 25}}").expect("write");
    assert_eq!(live.reload().expect("valid"), []);
    let row = live.row(ACTIONS).expect("a flag");
    assert_eq!((row.value, row.configured), (on, FlagValue::Percent(25)));

    let after = live.reset(ACTIONS).expect("a flag").after;
    assert_eq!((after.value, after.is_set), (FlagValue::Percent(25), false));
    let again = live.reset(ACTIONS).expect("a flag");
    assert_eq!(again.before, again.after);
}

#[test]
fn a_kill_switch_works_while_the_sources_are_no_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let overlay = folder.path().join("nexy.yaml");
    fs::write(&overlay, "").expect("write");
    let sources = Sources::for_tests([("NEXY_CONFIG", overlay.display().to_string())]);
    let live = live(&sources);
    fs::write(&overlay, "half a li: [").expect("write");
    live.reload().expect_err("refused");

    live.set(STOP, FlagValue::Switch(true)).expect("a flag");
    assert!(!live.snapshot().answering_enabled());
    live.reset(STOP).expect("a flag");
    assert!(live.snapshot().answering_enabled());
}

#[test]
fn a_flag_is_known_by_its_key_and_by_the_last_part_of_it() {
    let live = live(&Sources::for_tests(NONE));
    for row in live.rows() {
        let (_, last) = row.name.split_once('.').expect("a section");
        assert_eq!((live.row(row.name), live.row(last)), (Ok(row), Ok(row)));
        let on = live.set(last, FlagValue::Switch(true)).expect("every flag takes a switch");
        assert_eq!(on.after.value, FlagValue::Switch(true), "{}", row.name);
        let ramped = live.set(row.name, FlagValue::Percent(25));
        let is_feature = row.name.starts_with("features.");
        assert_eq!(ramped.is_ok(), is_feature, "{}", row.name);
    }
    let flags: Vec<&str> =
        KEYS.iter().filter(|key| key.kind.is_flag()).map(|key| key.path).collect();
    assert_eq!(live.rows().iter().map(|row| row.name).collect::<Vec<_>>(), flags);
    for name in ["", "grpc.port", "features", "features.", "FEATURES.use_fallback_manager"] {
        assert_eq!(live.set(name, FlagValue::Switch(true)), Err(FlagRefused::Unknown), "{name}");
    }
    assert_eq!(live.set(STOP, FlagValue::Percent(25)), Err(FlagRefused::NotRamped));
}

#[test]
fn a_value_is_read_as_it_is_written() {
    for value in [FlagValue::Switch(true), FlagValue::Switch(false), FlagValue::Percent(25)] {
        assert_eq!(FlagValue::from_json(&json!(value)), Some(value));
    }
    assert_eq!(json!(FlagValue::Percent(25)), json!({ "percent": 25 }));
    for wrong in [
        json!("true"),
        json!(1),
        json!(null),
        json!([true]),
        json!({}),
        json!({ "percent": 101 }),
        json!({ "percent": -1 }),
        json!({ "percent": 2.5 }),
        json!({ "percent": "25" }),
        json!({ "percent": 25, "device": "x" }),
    ] {
        assert_eq!(FlagValue::from_json(&wrong), None, "{wrong}");
    }
}
