//! What is refused, and in which words.

use super::*;

fn check(variables: &[(&str, &str)], expected: &str) {
    assert_eq!(problems(&Sources::for_tests(variables.iter().copied())), expected);
}

fn check_overlay(yaml: &str, expected: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nexy.yaml");
    fs::write(&path, yaml).expect("write");
    let sources = Sources::for_tests([("NEXY_CONFIG", path.display().to_string())]);
    assert_eq!(problems(&sources), expected);
}

#[test]
fn every_problem_is_reported_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let overlay = folder.path().join("nexy.yaml");
    let yaml = "\
grpc: {port: '50052', prot: 1}
backpressure: {max_concurrent_streams: {dev: 5, prod: 0}}
admin: {token: letmein}
";
    fs::write(&overlay, yaml).expect("write");
    let sources = Sources::for_tests([
        ("NEXY_ENV", "production"),
        ("NEXY_CONFIG", &overlay.display().to_string()),
        ("NEXY_ADMIN_TOKN", "letmein"),
        ("HTTP_PORT", "70000"),
        ("TTS_PROVIDERS", "espeak,festival"),
        ("LLM_PROVIDERS", "openai,offline"),
        ("STREAMING_CHUNK_SIZE", "4095"),
        ("DATABASE_URL", "mysql://u:letmein@h/d"),
        ("TZ", "Mars/Olympus"),
        ("WORKER_HTTP_PORT", "50052"),
        ("GEMINI_API_KEY_FILE", "/nowhere/key"),
    ])
    .with_set("logging.level", "loud")
    .with_set("loging.level", "debug");

    insta::assert_snapshot!(problems(&sources), @r#"
    NEXY_ADMIN_TOKN: environment variable NEXY_ADMIN_TOKN: expected another name: no variable of ours is called so
    admin.token: nexy.yaml: admin.token: expected the secret in NEXY_ADMIN_TOKEN or in a file named by NEXY_ADMIN_TOKEN_FILE
    audio.streaming_chunk_size: environment variable STREAMING_CHUNK_SIZE: 4095 given, expected whole samples, a multiple of 2 bytes
    backpressure.max_concurrent_streams: nexy.yaml: backpressure.max_concurrent_streams: 0 given, expected a whole number from 1 to 100000
    database.url: environment variable DATABASE_URL: expected an address that begins sqlite: or postgres: or postgresql:
    env: environment variable NEXY_ENV: "production" given, expected dev, stage or prod
    grpc.port: nexy.yaml: grpc.port: "50052" given, expected a port from 1 to 65535
    grpc.prot: nexy.yaml: grpc.prot: expected a known key, one of host, port, max_workers, max_message_bytes, keepalive_interval_seconds, keepalive_timeout_seconds, handshake_timeout_ms, linger_ms, max_connections, max_connection_age_seconds, max_connection_age_jitter_percent, max_connection_age_grace_seconds, max_streams_per_connection, max_resets_per_connection, max_header_bytes, stream_window_bytes, connection_window_bytes, send_buffer_bytes, tls_certificate, tls_key, tls_reload_interval_seconds, reflection, frame_buffer
    http.port: environment variable HTTP_PORT: "70000" given, expected a port from 1 to 65535
    llm.gemini.key: environment variable GEMINI_API_KEY_FILE: "/nowhere/key" given, expected the path of a readable file: No such file or directory (os error 2)
    llm.providers: environment variable LLM_PROVIDERS: "openai" given, expected a configured provider; openai lacks OPENAI_BASE_URL
    logging.level: --set logging.level: "loud" given, expected trace, debug, info, warn, error or off, or directives such as info,nexy_worker=debug
    loging.level: --set loging.level: expected a known key, one of grpc, internal_tls, http, update, backpressure, features, kill_switches, server, workflow, worker, data_dir, admin, providers, llm, tts, audio, actions, limits, memory, database, shared_state, telemetry, guardrails, logging, welcome, ingress
    server.timezone: environment variable TZ: "Mars/Olympus" given, expected an IANA time zone such as Europe/Berlin
    tts.providers: environment variable TTS_PROVIDERS: "espeak,festival" given, expected some of azure, openai, espeak, each at most once
    worker.http_port: environment variable WORKER_HTTP_PORT: 50052 given, expected another port than worker.port
    "#);
}

#[test]
fn values_out_of_range_are_refused() {
    let port = "a port from 1 to 65535";
    for given in ["0", "65536", "-1", "50051.5", "http"] {
        let line = format!(
            "grpc.port: environment variable GRPC_PORT: \"{given}\" given, expected {port}"
        );
        check(&[("GRPC_PORT", given)], &line);
    }
    check(
        &[("STREAMING_CHUNK_SIZE", "4098")],
        "audio.streaming_chunk_size: environment variable STREAMING_CHUNK_SIZE: \"4098\" given, \
         expected a whole number from 2 to 4096",
    );
}

#[test]
fn impossible_combinations_are_refused() {
    check(
        &[("GRPC_PORT", "8080")],
        "grpc.port: environment variable GRPC_PORT: 8080 given, \
         expected another port than http.port",
    );
    check(
        &[("AUDIO_CHANNELS", "2"), ("STREAMING_CHUNK_SIZE", "4094")],
        "audio.streaming_chunk_size: environment variable STREAMING_CHUNK_SIZE: 4094 given, \
         expected whole samples, a multiple of 4 bytes",
    );
    check(
        &[("GRPC_MAX_MESSAGE_BYTES", "4194304")],
        "grpc.max_message_bytes: environment variable GRPC_MAX_MESSAGE_BYTES: 4194304 given, \
         expected more than 13981016, the largest screenshot (limits.max_screenshot_bytes) in \
         base64",
    );
    check(
        &[("BACKPRESSURE_MAX_STREAMS", "4096")],
        "grpc.max_streams_per_connection: default: 4096 given, expected more than 4096, \
         backpressure.max_concurrent_streams",
    );
    check(
        &[("GRPC_CONNECTION_WINDOW_BYTES", "65535")],
        "grpc.connection_window_bytes: environment variable GRPC_CONNECTION_WINDOW_BYTES: 65535 \
         given, expected at least grpc.stream_window_bytes",
    );
    check(
        &[("GRPC_TLS_KEY", "key.pem")],
        "grpc.tls_certificate: default: expected a file, because the other one of certificate and \
         key is set",
    );
    check(
        &[("INTERNAL_TLS_CA", "ca.pem"), ("INTERNAL_TLS_KEY", "key.pem")],
        "internal_tls.certificate: default: expected a file, because another one of internal_tls \
         is set",
    );
    check(
        &[("INGRESS_TLS_CERTIFICATE", "cert.pem")],
        "ingress.tls_key: default: expected a file, because the other one of certificate and \
         key is set",
    );
    check(
        &[("DB_PASSWORD", "s3cret")],
        "database.host: default: expected a host, because DB_PASSWORD is set",
    );
    check(
        &[("LLM_FIRST_TOKEN_TIMEOUT_MS", "6000"), ("TURN_BUDGET_MS", "5000")],
        "llm.first_token_timeout_ms: environment variable LLM_FIRST_TOKEN_TIMEOUT_MS: 6000 given, \
         expected at most llm.turn_budget_ms",
    );
}

#[test]
fn what_is_wrong_with_secret_headers_is_not_shown() {
    check(
        &[("OTEL_EXPORTER_OTLP_HEADERS", "s3cret")],
        "telemetry.otlp_headers: environment variable OTEL_EXPORTER_OTLP_HEADERS: expected \
         name=value pairs separated by commas",
    );
}

#[test]
fn nobody_is_called_before_there_was_a_warning() {
    check(
        &[("GUARDRAILS_FIRST_AUDIO_P95_PAGE_MS", "900"), ("GUARDRAILS_ERROR_RATIO_WARN", "0.2")],
        "guardrails.error_ratio_page: default: 0.1 given, expected at least \
         guardrails.error_ratio_warn\n\
         guardrails.first_audio_p95_page_ms: environment variable \
         GUARDRAILS_FIRST_AUDIO_P95_PAGE_MS: 900 given, expected at least \
         guardrails.first_audio_p95_warn_ms",
    );
}

#[test]
fn a_user_who_is_to_agree_must_be_asked() {
    check_overlay(
        "actions: {confirm_en: ' ', confirm_ru: '', cannot_ru: ' '}",
        "actions.cannot_ru: nexy.yaml: actions.cannot_ru: \" \" given, expected a sentence\n\
         actions.confirm_en: nexy.yaml: actions.confirm_en: \" \" given, expected a question\n\
         actions.confirm_ru: nexy.yaml: actions.confirm_ru: \"\" given, expected a question",
    );
}

#[test]
fn the_same_port_on_two_addresses_is_no_problem() {
    load(&[("GRPC_PORT", "8080"), ("GRPC_HOST", "127.0.0.2")]);
}

#[test]
fn a_listed_provider_must_be_configured() {
    let line = |list: &str, variable: &str, provider: &str, expected: &str| {
        format!(
            "{list}: environment variable {variable}: \"{provider}\" given, expected {expected}"
        )
    };
    check(
        &[("LLM_PROVIDERS", "openai")],
        &line(
            "llm.providers",
            "LLM_PROVIDERS",
            "openai",
            "a configured provider; openai lacks OPENAI_BASE_URL",
        ),
    );
    check(
        &[("TTS_PROVIDERS", "openai,espeak")],
        &line(
            "tts.providers",
            "TTS_PROVIDERS",
            "openai",
            "a configured provider; openai lacks TTS_OPENAI_BASE_URL",
        ),
    );
    check(
        &[("LLM_PROVIDERS", "gemini")],
        &line(
            "llm.providers",
            "LLM_PROVIDERS",
            "gemini",
            "a configured provider; gemini lacks GEMINI_API_KEY",
        ),
    );
    check(
        &[("LLM_PROVIDERS", "offline,offline")],
        &line(
            "llm.providers",
            "LLM_PROVIDERS",
            "offline,offline",
            "some of gemini, openai, offline, each at most once",
        ),
    );
}

#[test]
fn an_overlay_says_where_its_mistakes_are() {
    check_overlay("grpc: 5", "grpc: nexy.yaml: grpc: expected a section with keys");
    check_overlay(
        "nonsense: {a: 1}",
        "nonsense: nexy.yaml: nonsense: expected a known key, one of grpc, internal_tls, http, update, \
         backpressure, features, kill_switches, server, workflow, worker, data_dir, admin, providers, llm, \
         tts, audio, actions, limits, memory, database, shared_state, telemetry, guardrails, \
         logging, welcome, ingress",
    );
    check_overlay(
        "http: {port: {dev: 1, production: 2}}",
        "http.port: nexy.yaml: http.port: {\"dev\":1,\"production\":2} given, expected a port \
         from 1 to 65535, or a map of dev, stage and prod",
    );
    check_overlay(
        "server: {version: 2.0}",
        "server.version: nexy.yaml: server.version: 2.0 given, expected text",
    );
    check_overlay(
        "features: {use_fallback_manager: {percent: 101}}",
        "features.use_fallback_manager: nexy.yaml: features.use_fallback_manager: \
         {\"percent\":101} given, expected true, false or a percentage from 0 to 100, or a map \
         of dev, stage and prod",
    );
    check_overlay(
        "features: {use_fallback_manager: {value: true, ownr: me}}",
        "features.use_fallback_manager.ownr: nexy.yaml: features.use_fallback_manager.ownr: \
         expected one of value, owner, meaning, remove_by",
    );
}

#[test]
fn a_value_for_another_environment_is_checked_too() {
    check_overlay(
        "grpc: {port: {stage: 0}}",
        "grpc.port: nexy.yaml: grpc.port: 0 given, expected a port from 1 to 65535",
    );
}

#[test]
fn an_overlay_that_is_no_yaml_or_not_there_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nexy.yaml");
    let sources = Sources::for_tests([("NEXY_CONFIG", path.display().to_string())]);
    assert!(problems(&sources).starts_with("NEXY_CONFIG: "), "{}", problems(&sources));
    for yaml in ["grpc: {port: 1", "[1]", "grpc: {port: 1}\ngrpc: {port: 2}"] {
        fs::write(&path, yaml).expect("write");
        let text = problems(&sources);
        assert!(text.starts_with("nexy.yaml: YAML: expected a "), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_secret_stands_in_one_place_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    fs::write(&path, "").expect("write");
    let path = path.display().to_string();
    check(
        &[("NEXY_ADMIN_TOKEN", "a"), ("NEXY_ADMIN_TOKEN_FILE", &path)],
        "admin.token: environment variable NEXY_ADMIN_TOKEN_FILE: expected only one of \
         NEXY_ADMIN_TOKEN and NEXY_ADMIN_TOKEN_FILE",
    );
    check(
        &[("NEXY_ADMIN_TOKEN_FILE", &path)],
        &format!(
            "admin.token: environment variable NEXY_ADMIN_TOKEN_FILE: {path:?} given, expected \
             the path of a file that is not empty"
        ),
    );
}

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    check(
        &[("OPENAI_BASE_URL", "http://u:s3cret@h/v1")],
        "llm.openai.base_url: environment variable OPENAI_BASE_URL: expected http:// or \
         https://… without credentials",
    );
}

#[test]
fn an_admin_token_can_be_sent_and_is_not_guessed() {
    for token in ["letmein", "sixteen-letters", "with a space in it", "пароль-пароль"] {
        check(
            &[("NEXY_ADMIN_TOKEN", token)],
            "admin.token: environment variable NEXY_ADMIN_TOKEN: expected at least 16 visible \
             ASCII characters, and no space among them",
        );
    }
    load(&[("NEXY_ADMIN_TOKEN", "sixteen-letters!")]);
}
