use std::{collections::BTreeSet, fs, path::Path};

use nexy_types::HardwareId;
use secrecy::ExposeSecret as _;

use crate::*;

mod live;
mod loading;
mod mistakes;
mod table;

/// Variables of a test that needs none.
const NONE: [(&str, &str); 0] = [];

fn load(variables: &[(&str, &str)]) -> Settings {
    load_from(&Sources::for_tests(variables.iter().copied()))
}

fn load_from(sources: &Sources) -> Settings {
    match Settings::load(sources) {
        Ok((settings, _)) => settings,
        Err(problems) => panic!("{problems}"),
    }
}

fn problems(sources: &Sources) -> String {
    Settings::load(sources).expect_err("refused").to_string()
}

/// The value that `config show` prints.
fn shown(sources: &Sources, key: &str) -> String {
    let (_, provenance) = Settings::load(sources).expect("loads");
    provenance.row(key).expect("a known key").value.clone()
}

fn device(id: &str) -> HardwareId {
    HardwareId::parse(id).expect("an id")
}

/// Compares a generated file, or writes it when asked to.
fn assert_not_stale(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").join(path);
    #[expect(clippy::disallowed_methods, reason = "asks whether to rewrite generated files")]
    let bless = std::env::var_os("NEXY_BLESS").is_some();
    if bless {
        fs::write(&path, expected).expect("write the generated file");
    }
    let actual = fs::read_to_string(&path).unwrap_or_default();
    let name = path.display();
    assert!(actual == expected, "{name} is stale: run NEXY_BLESS=1 cargo test -p nexy-config");
}

#[test]
fn the_reference_page_is_not_stale() {
    assert_not_stale("Docs/CONFIGURATION.md", &render_markdown());
}

#[test]
fn the_example_of_variables_is_not_stale() {
    assert_not_stale("config/config.env.example", &render_env_example());
}

#[test]
fn the_example_of_variables_loads_when_every_line_is_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.env");
    let variables: Vec<String> = render_env_example()
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|line| !line.starts_with([' ', '-'])))
        .filter(|line| !line.contains("_PROVIDERS="))
        .map(str::to_owned)
        .collect();
    fs::write(&path, variables.join("\n")).expect("write");
    let sources = Sources::for_tests([("NEXY_CONFIG_ENV", path.display().to_string())]);

    let (_, provenance) = Settings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));

    assert_eq!(provenance.row("grpc.port").expect("row").origin(), "config.env: GRPC_PORT");
    let (_, defaults) = Settings::load(&Sources::for_tests(NONE)).expect("loads");
    for (row, default) in effective(&provenance).iter().zip(effective(&defaults)) {
        assert_eq!(row.value, default.value, "{}", row.key);
    }
}

#[test]
fn the_yaml_and_the_table_name_the_same_keys_and_each_has_a_comment() {
    let commented: BTreeSet<String> = builtin::comments().into_keys().collect();
    let mut expected = BTreeSet::new();
    for key in KEYS {
        let mut path = String::new();
        for part in key.path.split('.') {
            path = if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") };
            expected.insert(path.clone());
        }
    }
    assert_eq!(commented, expected);
    assert_eq!(builtin::defaults().expect("parses").unknown_keys(), []);
}

#[test]
fn every_flag_is_registered_once_and_has_an_owner_a_meaning_and_a_date() {
    let defaults = builtin::defaults().expect("parses");
    let flags: Vec<&Key> = KEYS.iter().filter(|key| key.kind.is_flag()).collect();
    let known = load(&[]).flags().entries().map(|(name, _)| name);

    assert_eq!(flags.iter().map(|key| key.path).collect::<Vec<_>>(), known);
    for key in flags {
        for field in ["owner", "meaning"] {
            let text = defaults.flag_field(key, field).unwrap_or_default();
            assert!(!text.is_empty(), "{} has no {field}", key.path);
        }
        let date = defaults.flag_field(key, "remove_by").unwrap_or_default();
        assert!(date.parse::<jiff::civil::Date>().is_ok(), "{}: remove_by {date:?}", key.path);
    }
}

#[test]
fn a_secret_is_in_no_text_that_leaves_the_process() {
    // Also in the form that a list of headers has.
    const MARKER: &str = "key=hunter2-and-more";
    let hidden = || KEYS.iter().filter(|key| key.kind.is_hidden());
    let value = |key: &Key| match key.kind {
        Kind::SecretUrl(schemes) => format!("{}://u:{MARKER}@h/d", schemes[0]),
        _ => MARKER.to_owned(),
    };
    let sources = Sources::for_tests(hidden().map(|key| (key.variable(), value(key))))
        .with_set("database.host", "db");
    let (settings, provenance) = Settings::load(&sources).expect("loads");

    assert_eq!(settings.admin.token.as_ref().map(|s| s.expose_secret()), Some(MARKER));
    let live = Live::new(sources.clone(), settings.flags());
    for text in [
        format!("{settings:?}"),
        format!("{provenance:?}"),
        format!("{sources:?}"),
        format!("{live:?}"),
        format!("{:?}", settings.database_url()),
    ] {
        assert!(!text.contains(MARKER), "{text}");
    }

    let misplaced =
        hidden().fold(Sources::for_tests(NONE), |sources, key| sources.with_set(key.path, MARKER));
    let text = problems(&misplaced);
    assert_eq!(text.lines().count(), hidden().count());
    assert!(!text.contains(MARKER), "{text}");
}
