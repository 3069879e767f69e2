//! `nexyctl cert`: shows the certificate a server presents, or saves the one to
//! trust; `nexyctl cert internal` makes those that the services show one another.

mod internal;
pub(crate) mod issue;
mod presented;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

use crate::{
    connection::ConnectionArgs,
    failure::Usage,
    screen::{Screen, ScreenArgs},
};

/// Show the certificate a server presents, or save the one to trust
///
/// Nothing is verified: compare the fingerprint with the one the server printed
/// before you trust it. Exit code: 0 shown or saved, 1 no certificate could be
/// had, 2 wrong options.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Save the certificate to trust (PEM): the last of the chain.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(clap::Subcommand)]
enum Command {
    Internal(internal::Args),
}

/// Columns of a PEM body (RFC 7468 §2).
const PEM_COLUMNS: usize = 64;

/// # Errors
/// When no certificate could be had, an option makes no sense, or the file
/// cannot be written.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let screen = Screen::stdout(&args.screen);
    match args.command {
        Some(Command::Internal(args)) => internal::run(screen, &args),
        None => run_on(screen, args).await,
    }
}

async fn run_on(mut screen: Screen, args: Args) -> anyhow::Result<ExitCode> {
    let connection = args.connection.resolve()?;
    if !connection.is_tls() {
        return Err(
            Usage("a plaintext server has no certificate: use https:// or --tls".into()).into()
        );
    }
    let chain = presented::chain(&connection).await?;
    for line in describe(&connection.url(), &chain) {
        screen.line(&line)?;
    }
    let Some(path) = args.save else {
        return Ok(ExitCode::SUCCESS);
    };
    let trusted = chain.last().context("the server presented no certificate")?;
    tokio::fs::write(&path, pem(trusted))
        .await
        .with_context(|| format!("write {}", path.display()))?;
    for line in how_to_trust(&path, &connection.url()) {
        screen.line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(url: &str, chain: &[CertificateDer<'static>]) -> Vec<String> {
    let mut lines = vec![format!("{url} presents {} certificate(s), not verified:", chain.len())];
    for (place, certificate) in chain.iter().enumerate() {
        let role = if place == 0 { "server" } else { "issuer" };
        lines.push(format!("{}. {role}, SHA-256 {}", place + 1, fingerprint(certificate)));
    }
    lines
}

fn how_to_trust(path: &Path, url: &str) -> Vec<String> {
    let file = path.display();
    vec![
        format!("Saved the last one to {file}."),
        format!("For nexyctl: --ca {file} --server {url}"),
        "For this Mac:".to_owned(),
        format!(
            "  sudo security add-trusted-cert -d -r trustRoot \
             -k /Library/Keychains/System.keychain {file}"
        ),
        format!("Names and dates: openssl x509 -in {file} -noout -text"),
    ]
}

/// As browsers and `openssl x509 -fingerprint` write it.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate.as_ref());
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let body = STANDARD.encode(certificate.as_ref());
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in body.as_bytes().chunks(PEM_COLUMNS) {
        // Writing to a String cannot fail.
        let _ = writeln!(pem, "{}", String::from_utf8_lossy(line));
    }
    pem + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests;
