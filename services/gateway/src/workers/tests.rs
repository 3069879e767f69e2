use super::*;

fn module(state: &str) -> ModuleStatus {
    ModuleStatus { name: "m".into(), state: state.into(), reason: String::new() }
}

#[test]
fn a_worker_is_as_well_as_its_modules() {
    assert_eq!(overall(&[]), "init");
    assert_eq!(overall(&[module("ready"), module("ready")]), "ready");
    assert_eq!(overall(&[module("ready"), module("degraded")]), "degraded");
    assert_eq!(overall(&[module("ready"), module("down")]), "degraded");
}
