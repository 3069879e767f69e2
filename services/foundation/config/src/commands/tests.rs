use nexy_types::{ArgumentKind, HardwareId, Risk};

use super::parse;
use crate::{Settings, Sources, builtin::COMMANDS};

fn settings(variables: &[(&str, &str)]) -> Settings {
    Settings::load(&Sources::for_tests(variables.iter().copied())).expect("loads").0
}

#[test]
fn knows_the_commands_of_the_app() {
    let settings = settings(&[]);
    let device = HardwareId::parse("device-1").expect("an id");
    let commands = settings.enabled_commands(&settings.flags(), &device);

    assert_eq!(
        commands.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["close_app", "open_app"]
    );
    for command in commands {
        assert_eq!(command.risk, Risk::Acts);
        let [argument] = command.arguments.as_slice() else { panic!("one argument") };
        assert_eq!((argument.name.as_str(), argument.kind), ("app_name", ArgumentKind::String));
        assert!(argument.required && !argument.description.is_empty());
    }
}

#[test]
fn a_flag_turns_a_command_on() {
    let yaml = "
commands:
  look:
    description: Look.
    risk: reads
    flag: features.use_fallback_manager
";
    let device = HardwareId::parse("device-1").expect("an id");
    let flags = settings(&[]).flags();
    let mut problems = Vec::new();
    let entries = parse("commands.yaml", yaml, &flags, &mut problems);

    assert_eq!(problems, []);
    assert!(entries[0].is_enabled(&flags, &device));
    assert!(!entries[0].is_enabled(&settings(&[("USE_FALLBACK_MANAGER", "off")]).flags(), &device));
}

#[test]
fn a_file_takes_the_place_of_the_catalogue_that_is_compiled_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.yaml");
    let load = |yaml: &str| {
        std::fs::write(&path, yaml).expect("write");
        Settings::load(&Sources::for_tests([("ACTIONS_CATALOGUE", path.display().to_string())]))
    };
    let (settings, _) =
        load("commands: {send_mail: {description: d, risk: confirm}}").expect("loads");
    let [entry] = settings.commands.as_slice() else { panic!("one command") };
    assert_eq!((entry.command.name.as_str(), entry.command.risk), ("send_mail", Risk::Confirm));

    let problems = load("commands: {Send: {description: d, risk: acts}}").expect_err("refused");
    assert_eq!(
        problems.to_string(),
        "commands.Send: mine.yaml: expected a name in lower case, words joined by _"
    );
    let missing = Settings::load(&Sources::for_tests([("ACTIONS_CATALOGUE", "/nowhere/c.yaml")]));
    assert_eq!(
        missing.expect_err("refused").to_string(),
        "actions.catalogue: /nowhere/c.yaml: expected a readable file: No such file or directory \
         (os error 2)"
    );
}

#[test]
fn a_sentence_names_only_arguments_of_its_command() {
    let flags = settings(&[]).flags();
    let arguments = "{to: {type: string, description: d}}";
    for (sentence, is_good) in [
        ("Writing to {to}.", true),
        ("Writing.", true),
        ("' '", false),
        ("Writing to {whom}.", false),
        ("'Writing to {to'", false),
    ] {
        let yaml = format!(
            "commands:\n  write:\n    description: d\n    risk: acts\n    \
             says: {{en: \"{}\"}}\n    arguments: {arguments}\n",
            sentence.trim_matches('\''),
        );
        let mut problems = Vec::new();
        let entries = parse("commands.yaml", &yaml, &flags, &mut problems);
        assert_eq!(problems.is_empty(), is_good, "{sentence}: {problems:?}");
        assert_eq!(entries[0].says["en"], sentence.trim_matches('\''));
    }
}

#[test]
fn a_catalogue_with_mistakes_is_refused() {
    let flags = settings(&[]).flags();
    let check = |yaml: &str, expected: &[&str]| {
        let mut problems = Vec::new();
        parse("commands.yaml", yaml, &flags, &mut problems);
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
    };
    check(
        "commands: {Open-App: {description: d, risk: acts, flag: kill_switches.x}}",
        &[
            "commands.Open-App: commands.yaml: expected a name in lower case, words joined by _",
            "commands.Open-App: commands.yaml: \"kill_switches.x\" given, expected the key of a \
             feature as flag",
        ],
    );
    check(COMMANDS, &[]);
}
