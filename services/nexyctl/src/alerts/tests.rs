use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Below the root of the checkout.
const COMMITTED: &str = "deploy/observability/prometheus/rules.yml";

fn rules(variables: &[(&str, &str)]) -> String {
    let sources = Sources::for_tests(variables.iter().copied());
    let (settings, _) = Settings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    text(&settings)
}

#[test]
fn the_committed_rules_are_those_of_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(COMMITTED);
    let expected = rules(&[]);
    #[expect(clippy::disallowed_methods, reason = "asks whether to rewrite generated files")]
    if std::env::var_os("NEXY_BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let actual = fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{COMMITTED} is stale: run NEXY_BLESS=1 cargo test -p nexyctl");
}

#[test]
fn every_environment_has_the_same_guardrails() {
    assert_eq!(rules(&[("NEXY_ENV", "dev")]), rules(&[("NEXY_ENV", "prod")]));
}

#[test]
fn every_limit_of_the_settings_is_in_the_rules() {
    for (variable, value, expected) in [
        ("GUARDRAILS_FIRST_AUDIO_P95_WARN_MS", "1234", "p95 > 1.234\n"),
        ("GUARDRAILS_FIRST_AUDIO_P95_PAGE_MS", "2345", "p95 > 2.345\n"),
        ("GUARDRAILS_ERROR_RATIO_WARN", "0.07", "error_ratio > 0.07\n"),
        ("GUARDRAILS_ERROR_RATIO_WARN", "0.08", "{event=\"degrade\"} > 0.08\n"),
        ("GUARDRAILS_ERROR_RATIO_PAGE", "0.2", "error_ratio > 0.2\n"),
        ("GUARDRAILS_REFUSAL_RATIO", "0.03", "refusal_ratio > 0.03\n"),
        ("GUARDRAILS_BASELINE_FACTOR", "1.75", "> clamp_min(1.75 * "),
        ("GUARDRAILS_MEDIAN_FACTOR", "3", "> clamp_min(3 * "),
        ("GUARDRAILS_MIN_TURNS", "250", "nexy:turns:judged_5m >= 250)"),
        ("GUARDRAILS_RATIO_FLOOR", "0.02", "median_1d, 0.02)"),
        ("MEMORY_WRITE_QUEUE", "1000", "{queue=\"memory_writes\"} > 800\n"),
    ] {
        let text = rules(&[(variable, value)]);
        assert!(text.contains(expected), "{variable}={value}: no {expected:?} in\n{text}");
        assert!(!rules(&[]).contains(expected), "{expected:?} is a default");
    }
}

#[test]
fn a_file_is_written_only_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    assert_eq!(install(&file, "one").unwrap(), Installed::Written);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(install(&file, "one").unwrap(), Installed::Unchanged);
    assert_eq!(install(&file, "two").unwrap(), Installed::Written);
    assert_eq!(fs::read_to_string(&file).unwrap(), "two");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nowhere").join(FILE_NAME);
    let error = install(&file, "one").unwrap_err();
    assert!(format!("{error:#}").starts_with("write into "), "{error:#}");
}
