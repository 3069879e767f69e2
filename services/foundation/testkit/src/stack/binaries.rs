use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::Context as _;
use serde::Deserialize;

/// The packages whose binaries are the product.
const PACKAGES: [&str; 4] = ["nexy-gateway", "nexy-worker", "nexy-update", "nexyctl"];

/// What cargo says of one thing that it built (`--message-format=json`).
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

/// The root of the checkout.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).to_path_buf()
}

/// The path of one of the product's binaries, built from the present sources
/// with the profile of the running test. `cargo test` alone does not build
/// them, so the first caller of a test process does. `NEXY_TEST_BINARIES` names
/// a folder of binaries to test instead, such as those of an image.
///
/// # Errors
/// When it cannot be built; that another one cannot does not matter.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    if let Some(folder) = prebuilt() {
        return Ok(folder.join(name));
    }
    static BUILT: OnceLock<Result<HashMap<String, PathBuf>, String>> = OnceLock::new();
    let binaries = BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(anyhow::Error::msg)?;
    binaries.get(name).cloned().with_context(|| format!("{name} does not build"))
}

#[expect(clippy::disallowed_methods, reason = "an input of the tests, not of the product")]
fn prebuilt() -> Option<PathBuf> {
    std::env::var_os("NEXY_TEST_BINARIES").map(PathBuf::from)
}

fn build() -> anyhow::Result<HashMap<String, PathBuf>> {
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().context("find the running test")?;
    let profile = test.ancestors().nth(2).and_then(Path::file_name).context("find the profile")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(workspace_root())
        .args(["build", "--quiet", "--bins", "--keep-going"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    if profile == "release" {
        cargo.arg("--release");
    }
    let output = cargo.output().context("run cargo")?;
    let paths = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Built>(line).ok()?.executable);
    Ok(paths.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path))).collect())
}
