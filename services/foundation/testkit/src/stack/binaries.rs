use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context as _, ensure};

/// The root of the checkout.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).to_path_buf()
}

/// The path of one of the product's binaries, built from the present sources
/// with the profile of the running test. `cargo test` alone does not build
/// them, so the first caller of a test process does.
///
/// # Errors
/// When they cannot be built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)?;
    Ok(folder.join(name))
}

fn build() -> anyhow::Result<PathBuf> {
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().context("find the running test")?;
    let folder = test.ancestors().nth(2).context("find the target folder")?.to_path_buf();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace_root()).args(["build", "--quiet", "--bins"]);
    for package in ["nexy-gateway", "nexy-worker", "nexy-update", "nexyctl"] {
        cargo.args(["--package", package]);
    }
    if folder.file_name().is_some_and(|profile| profile == "release") {
        cargo.arg("--release");
    }
    ensure!(cargo.status().context("run cargo")?.success(), "the binaries do not build");
    Ok(folder)
}
