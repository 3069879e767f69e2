use tracing::Level;

use super::{TARGET, filter};

#[test]
fn a_bare_level_is_about_decisions_and_dependencies_stay_at_warn() {
    let targets = filter("debug").unwrap();
    assert!(targets.would_enable(TARGET, &Level::DEBUG));
    assert!(!targets.would_enable(TARGET, &Level::TRACE));
    assert!(targets.would_enable("h2", &Level::WARN));
    assert!(!targets.would_enable("h2", &Level::INFO));
}

#[test]
fn a_strict_level_is_strict_for_dependencies_too() {
    let targets = filter("ERROR").unwrap();
    assert!(!targets.would_enable(TARGET, &Level::WARN));
    assert!(!targets.would_enable("h2", &Level::WARN));
    assert!(targets.would_enable("h2", &Level::ERROR));
}

#[test]
fn a_named_target_is_opened_alone() {
    let targets = filter("warn, h2=debug").unwrap();
    assert!(targets.would_enable("h2::codec", &Level::DEBUG));
    assert!(!targets.would_enable("hyper", &Level::INFO));
    assert!(!targets.would_enable(TARGET, &Level::INFO));
}

#[test]
fn nothing_said_is_info() {
    assert!(filter("").unwrap().would_enable(TARGET, &Level::INFO));
}

#[test]
fn a_misspelt_level_is_refused() {
    for wrong in ["inf0", "warning", "h2=loud", "info,verbose"] {
        assert!(filter(wrong).is_err(), "{wrong}");
    }
}
