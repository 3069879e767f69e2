//! The rules of Docs/ARCHITECTURE.md that the compiler does not check, held
//! against `cargo metadata`, Cargo.lock and the text of the sources.
//!
//! A failure names the rule and everything that breaks it.

use std::collections::BTreeSet;

use self::{
    lock::versions,
    sources::{Code, LONGEST_FILE, files, names},
    workspace::{Layer, Package, Workspace},
};

mod lock;
pub(crate) mod sources;
mod workspace;

/// The crates that the product is built from and has to go on using.
const REQUIRED_CRATES: &[&str] = &[
    "axum",
    "envy",
    "opentelemetry",
    "opentelemetry-otlp",
    "prost",
    "rustls",
    "serde",
    "tokio",
    "tokio-rustls",
    "tonic",
    "tower-http",
    "tracing",
];

/// What the root of the checkout holds.
const REQUIRED_ENTRIES: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "Docs",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "config/commands.yaml",
    "config/config.env.example",
    "config/unified_config.yaml",
    "deploy",
    "docker-compose.yml",
    "fuzz/Cargo.toml",
    "nginx/nginx.conf.template",
    "proto/streaming.proto",
    "services/foundation",
    "services/gateway",
    "services/modules",
    "services/nexyctl",
    "services/update",
    "services/worker",
    "tests",
];

/// Folders of services/modules that are what they are called.
const MODULES: &[&str] = &[
    "assistant_response",
    "audio_generation",
    "backpressure",
    "database",
    "image_processing",
    "interrupt_handling",
    "memory_management",
    "releases",
    "session_management",
    "text_filtering",
    "text_processing",
];

/// Files and folders of the two provider crates that are a provider's client,
/// and what these clients share.
const PROVIDER_FILES: &[&str] = &["openai", "gemini", "azure", "http", "flow"];

#[track_caller]
fn assert_none(rule: &str, offenders: impl IntoIterator<Item = String>) {
    let offenders: BTreeSet<String> = offenders.into_iter().collect();
    assert!(
        offenders.is_empty(),
        "{rule}\n  {}",
        offenders.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

// === Which way dependencies point ===

#[test]
fn crates_depend_on_lower_layers_only() {
    let workspace = Workspace::load();
    let offenders = workspace.packages.iter().flat_map(|from| {
        let targets = from.dependencies.iter().filter_map(|name| workspace.find(name));
        targets.filter(|to| !may_depend(from, to)).map(|to| {
            format!("{} ({:?}) depends on {} ({:?})", from.name, from.layer, to.name, to.layer)
        })
    });
    assert_none("a crate depends on lower layers only, see architecture §4:", offenders);
}

#[test]
fn tests_of_a_crate_add_only_the_testkit() {
    let workspace = Workspace::load();
    let offenders = workspace.packages.iter().flat_map(|from| {
        let targets = from.dev_dependencies.iter().filter_map(|name| workspace.find(name));
        targets
            .filter(|to| to.name != "nexy-testkit" && !may_depend(from, to))
            .map(|to| format!("{} tests with {}", from.name, to.name))
    });
    assert_none("a dev-dependency may add nothing of ours but nexy-testkit:", offenders);
}

#[test]
fn the_database_implements_the_traits_of_the_modules_it_knows() {
    let workspace = Workspace::load();
    let database = workspace.named("nexy-database");
    let modules = database.dependencies.iter().filter_map(|name| workspace.find(name));
    let offenders = modules.filter(|module| module.layer == Layer::Module).filter(|module| {
        let declares_a_repository = |code: &Code| {
            code.text.lines().any(|line| line.contains("pub trait ") && line.contains("Repository"))
        };
        !Code::of(module).iter().any(declares_a_repository)
    });
    let offenders = offenders.map(|module| format!("{} declares no repository", module.name));
    assert_none("nexy-database knows a module only for its repository trait:", offenders);
}

/// Whether shipped code of one crate may use another one of ours.
fn may_depend(from: &Package, to: &Package) -> bool {
    match (from.layer, to.layer) {
        // Generated messages stop at the binaries.
        (from, Layer::Proto) => matches!(from, Layer::Binary | Layer::Test),
        (Layer::Vocabulary | Layer::Proto, _) => false,
        // Only tests are allowed to.
        (from, Layer::Test) => from == Layer::Test && to.name == "nexy-testkit",
        (_, Layer::Vocabulary) => true,
        (Layer::Base, _) => false,
        (Layer::Module, _) => matches!(to.name.as_str(), "nexy-telemetry" | "nexy-outbound"),
        (Layer::Database, to) => to == Layer::Module,
        (Layer::Runtime, to) => to == Layer::Base,
        (Layer::Binary, to) => to != Layer::Binary,
        (Layer::Test, _) => true,
    }
}

#[test]
fn a_package_is_named_after_its_folder() {
    let workspace = Workspace::load();
    let offenders = workspace.packages.iter().filter_map(|package| {
        let folder = package.folder.rsplit('/').next().unwrap_or_default();
        // The tool's folder begins with the product's name already.
        let expected = match folder {
            "nexyctl" => "nexyctl".to_owned(),
            folder => format!("nexy-{}", folder.replace('_', "-")),
        };
        (package.name != expected)
            .then(|| format!("{} is called {}, not {expected}", package.folder, package.name))
    });
    assert_none("package name = nexy- + folder:", offenders);
}

// === Who may name what ===

/// What only some may name.
struct Reserved {
    rule: &'static str,
    /// Paths or words of code.
    needles: &'static [&'static str],
    /// Where they may stand.
    allowed: fn(&Code) -> bool,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        rule: "only binaries see the generated messages (nexy-proto):",
        needles: &["nexy_proto"],
        allowed: |code| code.layer == Layer::Binary,
    },
    Reserved {
        rule: "only nexy-config reads the environment:",
        needles: &["env::var", "env::var_os", "env::vars", "env::vars_os", "envy"],
        // OUT_DIR is how cargo talks to a build script.
        allowed: |code| {
            code.package == "nexy-config" || code.is("services/foundation/proto/build.rs")
        },
    },
    Reserved {
        rule: "only nexy-database names a SQL driver:",
        needles: &["sqlx", "tokio_postgres", "rusqlite"],
        allowed: |code| code.package == "nexy-database",
    },
    Reserved {
        rule: "only provider files, what they share and nexyctl name an HTTP client:",
        needles: &["reqwest", "hyper_util::client", "hyper::client"],
        allowed: |code| {
            matches!(code.package.as_str(), "nexy-outbound" | "nexyctl")
                || is_provider_file(code)
                // A binary asks its own /health, for images without a shell.
                || code.is("services/foundation/runtime/src/healthcheck.rs")
        },
    },
    Reserved {
        rule: "only nexy-image-processing names an image codec:",
        needles: &["image::ImageReader", "image::codecs", "fast_image_resize"],
        allowed: |code| code.package == "nexy-image-processing",
    },
    Reserved {
        rule: "only nexy-runtime handles signals:",
        needles: &["tokio::signal", "signal_hook", "ctrl_c"],
        allowed: |code| code.package == "nexy-runtime",
    },
    Reserved {
        rule: "only nexy-runtime, nexyctl and `main` know exit codes:",
        needles: &["ExitCode", "process::exit", "process::abort"],
        allowed: |code| {
            matches!(code.package.as_str(), "nexy-runtime" | "nexyctl")
                || code.path.ends_with("/main.rs")
        },
    },
    Reserved {
        rule: "only nexy-telemetry installs a subscriber and exports:",
        needles: &[
            "tracing_subscriber",
            "set_global_default",
            "opentelemetry_sdk",
            "opentelemetry_otlp",
        ],
        allowed: |code| code.package == "nexy-telemetry",
    },
    Reserved {
        rule: "nothing deployed knows the tests' helpers:",
        needles: &["nexy_testkit"],
        allowed: |_| false,
    },
];

fn is_provider_file(code: &Code) -> bool {
    matches!(code.package.as_str(), "nexy-text-processing" | "nexy-audio-generation")
        && code.path.split('/').any(|part| PROVIDER_FILES.contains(&part.trim_end_matches(".rs")))
}

#[test]
fn reserved_names_stay_where_they_belong() {
    let workspace = Workspace::load();
    let code: Vec<Code> = workspace.shipped().flat_map(Code::of).collect();
    for Reserved { rule, needles, allowed } in RESERVED {
        let offenders = code.iter().filter(|code| !allowed(code)).flat_map(|code| {
            let named = needles.iter().filter(|needle| names(&code.text, needle));
            named.map(|needle| format!("{} names {needle}", code.path))
        });
        assert_none(rule, offenders);
    }
}

#[test]
fn every_declared_dependency_is_used() {
    let workspace = Workspace::load();
    let offenders = workspace.packages.iter().flat_map(|package| {
        let everything = sources::text_below(&package.folder);
        let declared = package.dependencies.iter().chain(&package.dev_dependencies);
        declared
            .filter(|name| !names(&everything, &name.replace('-', "_")))
            // Named by the code that it generates.
            .filter(|name| package.layer != Layer::Proto || !is_generated_code_dependency(name))
            .map(|name| format!("{} declares {name}", package.name))
            .collect::<Vec<_>>()
    });
    assert_none("a dependency that nothing names is removed:", offenders);
}

fn is_generated_code_dependency(name: &str) -> bool {
    matches!(name, "prost" | "prost-types" | "tonic-prost")
}

#[test]
fn required_crates_carry_what_is_deployed() {
    let workspace = Workspace::load();
    let uses = |package: &Package, name: &str| {
        let declared = package.dependencies.iter().any(|dependency| dependency == name);
        let word = name.replace('-', "_");
        declared && Code::of(package).iter().any(|code| names(&code.text, &word))
    };
    let offenders = REQUIRED_CRATES
        .iter()
        .filter(|name| !workspace.deployed().any(|package| uses(package, name)))
        .map(|name| format!("{name} is used by none"));
    assert_none("a crate that the product requires is used by a deployed member:", offenders);
}

// === One of each ===

#[test]
fn there_is_one_tls_stack() {
    let banned =
        ["aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys", "openssl", "openssl-sys", "native-tls"];
    let offenders = banned.into_iter().filter(|name| !versions(name).is_empty());
    assert_none("TLS is rustls with ring; Cargo.lock has:", offenders.map(str::to_owned));
}

#[test]
fn there_is_one_http_stack() {
    let single =
        ["axum", "h2", "http", "hyper", "prost", "reqwest", "ring", "rustls", "tokio", "tonic"];
    let offenders = single.into_iter().filter_map(|name| match versions(name) {
        found if found.len() == 1 => None,
        found => Some(format!("{name}: {found:?}")),
    });
    assert_none("Cargo.lock has exactly one version of each of these:", offenders);
}

// === Files ===

#[test]
fn the_checkout_holds_what_it_promises() {
    let root = nexy_testkit::stack::workspace_root();
    let entries = REQUIRED_ENTRIES.iter().map(|entry| (*entry).to_owned());
    let modules = MODULES.iter().map(|module| format!("services/modules/{module}/src/lib.rs"));
    let offenders = entries.chain(modules).filter(|entry| !root.join(entry).exists());
    assert_none("architecture §3 names these, and they are missing:", offenders);
}

#[test]
fn no_file_is_too_long_to_read_at_once() {
    let offenders = files(&["services", "tests"], &["rs"])
        .into_iter()
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{path} has {lines}"));
    assert_none("a file has at most 500 lines:", offenders);
}

#[test]
fn what_is_fuzzed_is_tested_without_a_fuzzer_too() {
    let manifest = sources::read("fuzz/Cargo.toml");
    let tests: Vec<_> = files(&["services/modules"], &["rs"])
        .into_iter()
        .filter(|file| file.path.ends_with("/src/properties/tests.rs"))
        .collect();
    let targets = files(&["fuzz/fuzz_targets"], &["rs"]);
    assert!(!targets.is_empty());
    let offenders = targets.into_iter().flat_map(|file| {
        let name = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let call = format!("properties::{name}");
        let driven = format!("/corpus/{name}\"), {name})");
        let missing = [
            (!names(&file.text, &call)).then(|| format!("{} does not call {call}", file.path)),
            (!manifest.contains(&format!("name = \"{name}\"")))
                .then(|| format!("fuzz/Cargo.toml has no {name}")),
            (!tests.iter().any(|test| test.text.contains(&driven)))
                .then(|| format!("no test drives {name} with its corpus")),
        ];
        missing.into_iter().flatten().collect::<Vec<_>>()
    });
    assert_none("a fuzz target calls a property that a plain test drives:", offenders);
}

#[test]
fn a_main_is_short() {
    let workspace = Workspace::load();
    let binaries = workspace.packages.iter().filter(|package| package.layer == Layer::Binary);
    let offenders = binaries.filter_map(|package| {
        let path = format!("{}/src/main.rs", package.folder);
        let lines = sources::read(&path).lines().count();
        (lines > 40).then(|| format!("{path} has {lines}"))
    });
    assert_none("a main.rs has at most 40 lines, see architecture §5:", offenders);
}

#[test]
fn modules_are_files_and_not_folders() {
    let offenders = files(&["services", "tests"], &["rs"])
        .into_iter()
        .filter(|file| file.path.ends_with("/mod.rs"))
        .map(|file| file.path);
    assert_none("a module is foo.rs beside foo/, never mod.rs:", offenders);
}

#[test]
fn nothing_is_left_to_be_done() {
    // Spelled so that this file does not name them itself.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("to", "do!")];
    let offenders =
        files(&["services", "tests"], &["rs", "toml", "sql", "md"]).into_iter().flat_map(|file| {
            let named = marks.into_iter().filter(|mark| names(&file.text, mark));
            named.map(|mark| format!("{} says {mark}", file.path)).collect::<Vec<_>>()
        });
    assert_none("what is left to do is written elsewhere:", offenders);
}
