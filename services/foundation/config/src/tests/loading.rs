//! Which source wins, and what follows from other values.

use std::time::Duration;

use nexy_types::ImageFormat::{Jpeg, Png, WebP};

use super::*;

/// A folder with an overlay and a file of variables.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(overlay: &str, variables: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("nexy.yaml"), overlay).expect("write");
        fs::write(folder.path().join("my.env"), variables).expect("write");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn sources(&self, variables: &[(&str, &str)]) -> Sources {
        let files = [("NEXY_CONFIG", "nexy.yaml"), ("NEXY_CONFIG_ENV", "my.env")];
        let files = files.map(|(name, file)| (name.to_owned(), self.path(file)));
        let rest = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sources::for_tests(files.into_iter().chain(rest))
    }
}

#[test]
fn the_later_source_wins() {
    let files = Files::new(
        "http: {port: 1001}\ngrpc: {port: 1002}\nupdate: {port: 1003}\nworker: {port: 1004}",
        "GRPC_PORT=2002\nUPDATE_PORT=2003\nWORKER_PORT=2004",
    );
    let sources = files
        .sources(&[("UPDATE_PORT", "3003"), ("WORKER_PORT", "3004")])
        .with_set("worker.port", "4004");
    let (settings, provenance) = Settings::load(&sources).expect("loads");

    assert_eq!(settings.worker.http_port, 8082);
    assert_eq!(settings.http.port, 1001);
    assert_eq!(settings.grpc.port, 2002);
    assert_eq!(settings.update.port, 3003);
    assert_eq!(settings.worker.port, 4004);
    let origin = |key: &str| provenance.row(key).expect("row").origin();
    assert_eq!(origin("worker.http_port"), "default");
    assert_eq!(origin("http.port"), "nexy.yaml: http.port");
    assert_eq!(origin("grpc.port"), "my.env: GRPC_PORT");
    assert_eq!(origin("update.port"), "environment variable UPDATE_PORT");
    assert_eq!(origin("worker.port"), "--set worker.port");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let files = Files::new("", "GRPC_PORT=2002");
    let settings = load_from(&files.sources(&[("GRPC_PORT", ""), ("HTTP_PORT", " ")]));
    assert_eq!((settings.grpc.port, settings.http.port), (2002, 8080));
}

#[test]
fn stage_inherits_prod_in_an_overlay_too() {
    let yaml = "http: {port: {dev: 1001, prod: 1003}}\nlimits: {max_prompt_chars: {dev: 7}}";
    let files = Files::new(yaml, "");
    for (name, port, chars) in [("dev", 1001, 7), ("stage", 1003, 16000), ("prod", 1003, 16000)] {
        let settings = load_from(&files.sources(&[("NEXY_ENV", name)]));
        assert_eq!(settings.http.port, port, "{name}");
        assert_eq!(settings.limits.max_prompt_chars, chars, "{name}");
    }
}

#[test]
fn an_environment_that_is_asked_for_beats_the_variable() {
    let sources = Sources::for_tests([("NEXY_ENV", "dev")]).with_environment(Environment::Stage);
    let (settings, provenance) = Settings::load(&sources).expect("loads");
    assert_eq!(settings.env, Environment::Stage);
    assert_eq!(effective(&provenance)[0].value, "stage");
    assert_eq!(effective(&provenance)[0].origin(), "--env");
}

#[test]
fn spans_of_time_have_the_unit_of_their_key() {
    let settings = load(&[]);
    assert_eq!(settings.workflow.bridge_after, Duration::from_millis(1500));
    assert_eq!(settings.server.drain, Duration::from_secs(5));
    assert_eq!(settings.memory.short_term_idle, Duration::from_secs(7200));
    assert_eq!(settings.llm.circuit_breaker_timeout, Duration::from_secs(30));
    assert_eq!(settings.backpressure.max_message_rate_per_second, 10);
}

#[test]
fn a_host_that_is_set_is_taken_as_it_is() {
    let settings = load(&[("UPDATE_HOST", "0.0.0.0"), ("GRPC_HOST", "auto")]);
    assert_eq!(settings.update.host, "0.0.0.0");
    assert_eq!(settings.grpc.host, "127.0.0.1");
}

#[test]
fn the_folder_of_releases_moves_its_two_folders() {
    let settings = load(&[("UPDATE_DIR", "/srv/releases"), ("UPDATE_MANIFESTS_DIR", "/etc/m")]);
    assert_eq!(settings.update.downloads_dir, Path::new("/srv/releases/downloads"));
    assert_eq!(settings.update.manifests_dir, Path::new("/etc/m"));
}

#[test]
fn providers_that_are_not_configured_leave_the_default_list() {
    // A key without its region is half a configuration.
    let settings = load(&[
        ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1/"),
        ("AZURE_SPEECH_KEY", "k"),
        ("TTS_OPENAI_BASE_URL", "http://127.0.0.1:8880/v1"),
    ]);
    assert_eq!(settings.llm.providers, [LlmProvider::OpenAi, LlmProvider::Offline]);
    assert_eq!(settings.tts.providers, [TtsProvider::OpenAi, TtsProvider::Espeak]);

    let settings = load(&[
        ("GEMINI_API_KEY", "k"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1/"),
        ("AZURE_SPEECH_KEY", "k"),
        ("AZURE_SPEECH_REGION", "westeurope"),
    ]);
    assert_eq!(
        settings.llm.providers,
        [LlmProvider::Gemini, LlmProvider::OpenAi, LlmProvider::Offline]
    );
    assert_eq!(settings.tts.providers, [TtsProvider::Azure, TtsProvider::Espeak]);
    assert_eq!(settings.llm.openai.base_url.as_deref(), Some("http://127.0.0.1:11434/v1"));
    assert_eq!(settings.tts.azure.base_url, "https://westeurope.tts.speech.microsoft.com");
}

#[test]
fn openai_itself_reads_more_kinds_of_images_than_those_that_speak_like_it() {
    let formats = |variables: &[(&str, &str)]| load(variables).llm.openai.image_formats;
    let (cloud, local) = ("https://api.openai.com/v1/", "http://127.0.0.1:8080/v1");
    assert_eq!(formats(&[("OPENAI_BASE_URL", local)]), [Jpeg, Png]);
    assert_eq!(formats(&[("OPENAI_BASE_URL", cloud)]), [WebP, Jpeg, Png]);
    let named = [("OPENAI_BASE_URL", cloud), ("OPENAI_IMAGE_FORMATS", "png")];
    assert_eq!(formats(&named), [Png]);
}

#[test]
fn a_written_list_of_providers_keeps_its_order() {
    let settings = load(&[
        ("LLM_PROVIDERS", "offline, openai"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
        ("WORKER_ADDRS", "10.0.0.1:50052, worker-2:50052"),
    ]);
    assert_eq!(settings.llm.providers, [LlmProvider::Offline, LlmProvider::OpenAi]);
    assert_eq!(settings.worker.addrs, ["10.0.0.1:50052", "worker-2:50052"]);
}

#[test]
fn the_time_zone_of_the_machine_is_the_last_resort() {
    let zone = |variables: &[(&str, &str)]| load(variables).server.timezone;
    assert_eq!(zone(&[("TZ", ":Europe/Berlin")]), "Europe/Berlin");
    assert_eq!(zone(&[("TZ", "nonsense"), ("SERVER_TIMEZONE", "Asia/Tokyo")]), "Asia/Tokyo");
    let files = Files::new("server: {timezone: America/Lima}", "");
    assert_eq!(load_from(&files.sources(&[("TZ", "Asia/Tokyo")])).server.timezone, "America/Lima");
}

#[test]
fn the_sampler_decides_the_share_of_traces() {
    for (sampler, argument, ratio) in [
        ("", "", 1.0),
        ("always_off", "0.5", 0.0),
        ("parentbased_always_on", "0.5", 1.0),
        ("parentbased_traceidratio", "0.5", 0.5),
        ("traceidratio", "", 1.0),
    ] {
        let variables = [("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        let difference = load(&variables).telemetry.sample_ratio - ratio;
        assert!(difference.abs() < f64::EPSILON, "{sampler} {argument}");
    }
}

#[test]
fn the_database_is_a_file_unless_a_server_is_named() {
    let url =
        |variables: &[(&str, &str)]| load(variables).database_url().expose_secret().to_owned();
    assert_eq!(url(&[]), "sqlite:///var/lib/nexy/nexy.db");
    assert_eq!(url(&[("NEXY_DATA_DIR", "./d")]), "sqlite://./d/nexy.db");
    assert_eq!(
        url(&[("DB_HOST", "db"), ("DB_USER", "me"), ("DB_PASSWORD", "p@ss/wörd")]),
        "postgres://me:p%40ss%2Fw%C3%B6rd@db:5432/nexy"
    );
    assert_eq!(url(&[("DB_HOST", "db"), ("DATABASE_URL", "sqlite::memory:")]), "sqlite::memory:");
}

#[test]
fn a_secret_file_is_read_without_its_line_end() {
    let files = Files::new("", "");
    let path = files.path("password");
    fs::write(&path, " passw0rd \r\n").expect("write");
    let sources = files.sources(&[("DB_PASSWORD_FILE", &path), ("DB_HOST", "db")]);
    assert_eq!(shown(&sources, "database.password"), "(secret)");
    let password = load_from(&sources).database.password.expect("set");
    assert_eq!(password.expose_secret(), " passw0rd ");
}

#[test]
fn lower_case_and_foreign_variables_are_not_ours() {
    let settings = load(&[("grpc_port", "1"), ("PATH", "/bin"), ("NEXY_TEST_POSTGRES_URL", "x")]);
    assert_eq!(settings.grpc.port, 50051);
}

#[test]
fn the_overlay_to_watch_is_the_argument_or_the_variable() {
    let sources = Sources::for_tests([("NEXY_CONFIG", "/etc/nexy.yaml")]);
    assert_eq!(sources.overlay().as_deref(), Some(Path::new("/etc/nexy.yaml")));
    assert_eq!(Sources::for_tests(NONE).overlay(), None);
    let sources = Sources::from_process(Some("/etc/other.yaml".into()), Vec::new());
    assert_eq!(sources.overlay().as_deref(), Some(Path::new("/etc/other.yaml")));
}

#[test]
fn a_reload_changes_flags_and_reports_which() {
    let files = Files::new("", "");
    let sources = files.sources(&[]);
    let live = Live::new(sources.clone(), load_from(&sources).flags());
    let anybody = device("device-1");
    assert!(!live.snapshot().forward_actions(&anybody));

    let overlay = files.path("nexy.yaml");
    fs::write(&overlay, "features: {forward_assistant_actions: {percent: 100}}").expect("write");
    let changes = live.reload().expect("valid");

    assert!(live.snapshot().forward_actions(&anybody));
    let name = "features.forward_assistant_actions";
    let (from, to) = (FlagValue::Switch(false), FlagValue::Percent(100));
    assert_eq!(changes, [FlagChange { name, from, to }]);
    assert_eq!(live.reload().expect("valid"), []);
}

#[test]
fn a_reload_with_any_problem_changes_nothing() {
    let files = Files::new("kill_switches: {disable_module_coordinator: true}", "");
    let sources = files.sources(&[]);
    let live = Live::new(sources.clone(), load_from(&sources).flags());
    assert!(!live.snapshot().answering_enabled());

    let yaml = "kill_switches: {disable_module_coordinator: false}\ngrpc: {port: 0}";
    fs::write(files.path("nexy.yaml"), yaml).expect("write");
    let refused = live.reload().expect_err("refused");

    assert_eq!(
        refused.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(),
        ["grpc.port"]
    );
    assert!(!live.snapshot().answering_enabled());
}
