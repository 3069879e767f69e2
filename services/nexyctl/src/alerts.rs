//! `nexyctl alerts`: the rules that Prometheus works by, made of the same
//! settings as the guardrails.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use nexy_config::{Environment, Settings, Sources};

use crate::failure::WRONG_CONFIG;

mod expressions;
mod recorded;
mod render;
mod rules;

/// What `--install` writes, and the name that prometheus.yml knows.
const FILE_NAME: &str = "rules.yml";

/// Print the recording and alert rules for Prometheus
///
/// They are made of the settings `guardrails.*` and `memory.write_queue`, as a
/// service started here would read them. Exit code: 0, or 64 when the
/// configuration is wrong; then every problem is printed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Writes them to rules.yml in this folder, when they have changed.
    #[arg(long, value_name = "DIR")]
    install: Option<PathBuf>,
    /// Takes the settings of this environment, whatever `NEXY_ENV` says.
    #[arg(long, value_name = "NAME", value_parser = crate::config::environment)]
    env: Option<Environment>,
    /// The overlay file. Default: the one that `NEXY_CONFIG` names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Whether a file had to be written.
#[derive(Debug, PartialEq, Eq)]
enum Installed {
    Unchanged,
    Written,
}

/// # Errors
/// When the output is closed or the file cannot be written.
#[expect(clippy::unused_async, reason = "every command is run the same way")]
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut sources = Sources::from_process(args.config, Vec::new());
    if let Some(environment) = args.env {
        sources = sources.with_environment(environment);
    }
    let settings = match Settings::load(&sources) {
        Ok((settings, _)) => settings,
        Err(problems) => {
            writeln!(std::io::stderr(), "{problems}").context("report the configuration")?;
            return Ok(ExitCode::from(WRONG_CONFIG));
        }
    };
    let text = text(&settings);
    let mut out = std::io::stdout();
    let Some(folder) = args.install else {
        out.write_all(text.as_bytes()).context("print the rules")?;
        return Ok(ExitCode::SUCCESS);
    };
    let file = folder.join(FILE_NAME);
    let line = match install(&file, &text)? {
        Installed::Unchanged => format!("{} is up to date.", file.display()),
        Installed::Written => format!(
            "{} is written. Prometheus reads it when it gets SIGHUP, or when it starts.",
            file.display()
        ),
    };
    writeln!(out, "{line}").context("print what was done")?;
    Ok(ExitCode::SUCCESS)
}

fn text(settings: &Settings) -> String {
    render::groups(&rules::groups(&rules::Limits::of(settings)))
}

/// Replaces the file in one step: a Prometheus that reloads just then sees the
/// old rules or the new ones.
fn install(file: &Path, text: &str) -> anyhow::Result<Installed> {
    let shown = file.display();
    match fs::read(file) {
        Ok(old) if old == text.as_bytes() => return Ok(Installed::Unchanged),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {shown}")),
    }
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("write into {}", folder.display()))?;
    new.write_all(text.as_bytes()).with_context(|| format!("write {shown}"))?;
    everyone_may_read(new.as_file()).with_context(|| format!("set the mode of {shown}"))?;
    new.as_file().sync_all().with_context(|| format!("write {shown}"))?;
    new.persist(file).with_context(|| format!("replace {shown}"))?;
    Ok(Installed::Written)
}

/// Prometheus runs as a user of its own; nothing in the rules is secret.
fn everyone_may_read(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests;
