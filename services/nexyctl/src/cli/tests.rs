use clap::{CommandFactory as _, error::ErrorKind};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn accepts_what_the_guide_shows() {
    for line in [
        "nexyctl talk Hello",
        "nexyctl talk",
        "nexyctl talk Hello --tls --server localhost:8443 --ca nexy-ca.pem --save out.wav --play",
        "nexyctl talk Hello --screenshot shot.png --plain --json",
        "nexyctl talk --language ru-RU --voice x --rate 1.5 --timezone Europe/Berlin --actions action_message",
        "nexyctl talk --hardware-id me --session-id 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "nexyctl smoke --server http://127.0.0.1:50051 --http http://127.0.0.1:8080 --timeout 3",
        "nexyctl health --json",
        "nexyctl cert --save nexy-ca.pem",
        "nexyctl cert internal --dir internal",
        "nexyctl alerts",
        "nexyctl alerts --env stage --install /etc/prometheus",
        "nexyctl config show --env dev --config nexy.yaml --json",
        "nexyctl guardrails --log gateway.log worker.log --window 1h30m --baseline yesterday.json --json",
        "nexyctl guardrails --log - --ramp 25",
        "nexyctl guardrails --metrics 127.0.0.1:8080 http://127.0.0.1:8082/metrics --window 60s",
        "nexyctl logs gateway.log worker.log --window 10m --json",
        "nexyctl logs",
        "nexyctl logs -",
        "nexyctl logs errors gateway.log --since 2026-11-20T10:00:00Z",
        "nexyctl logs slow - --since 10m --plain",
        "nexyctl logs pretty gateway.log --no-color",
        "nexyctl logs pretty",
        "nexyctl top --gateway 127.0.0.1:8080 --worker 10.0.0.1:8082 --worker 10.0.0.2:8082 --interval 5",
        "nexyctl top --once --json",
        "nexyctl flags list --json",
        "nexyctl flags set forward_assistant_actions 25% --by nina --reason ramp",
        "nexyctl flags set disable_module_coordinator on --gateway 10.0.0.1:8080 --gateway 10.0.0.2:8080",
        "nexyctl flags reset disable_module_coordinator --worker 10.0.0.1:8082 --timeout 5",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn refuses_what_makes_no_sense() {
    for line in [
        "nexyctl talk --session-id not-a-uuid",
        "nexyctl talk --hardware-id unknown",
        "nexyctl talk --rate 9",
        "nexyctl talk --language ???",
        "nexyctl talk --actions loudly",
        "nexyctl talk --server ftp://example",
        "nexyctl talk --server https://host/path",
        "nexyctl talk --timeout 0",
        "nexyctl config show --env production",
        "nexyctl guardrails --log a --window soon",
        "nexyctl guardrails --log a --ramp 101",
        "nexyctl guardrails --metrics http://127.0.0.1:8080/status",
        "nexyctl guardrails --metrics ftp://127.0.0.1",
        "nexyctl logs --since yesterday",
        "nexyctl top --interval 0",
        "nexyctl flags set forward_assistant_actions maybe",
        "nexyctl flags set forward_assistant_actions 101%",
        "nexyctl flags set forward/actions on",
    ] {
        match parse(line) {
            Ok(_) => panic!("{line}: accepted"),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue),
                "{line}: {error}"
            ),
        }
    }
}

#[test]
fn guardrails_need_exactly_one_kind_of_evidence() {
    for line in ["nexyctl guardrails", "nexyctl guardrails --log a --metrics 127.0.0.1:8080"] {
        let Err(error) = parse(line) else { panic!("{line}: accepted") };
        assert!(
            matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict
            ),
            "{line}: {error}"
        );
    }
}
