use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use nexy_releases::SecretKey;
use serde_json::json;

use super::OutputArgs;
use crate::failure::Usage;

/// Make a key pair for signing releases
///
/// The private key goes into a new file that only you may read, in Sparkle's
/// own format. Keep it away from servers and repositories, and keep a copy:
/// without it no client takes another update. The public key is printed.
#[derive(clap::Args)]
pub(super) struct Keygen {
    /// The new file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// A private key from a file.
#[derive(clap::Args)]
pub(super) struct KeyArgs {
    /// The file with the private key: base64 of a seed, or of Sparkle's old
    /// 96-byte form.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// A private key that is needed for signed feeds only.
#[derive(clap::Args)]
pub(super) struct FeedKeyArgs {
    /// Sign the feeds with the private key of this file.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// # Errors
/// When the file cannot be made, e.g. because it is there already.
pub(super) fn run(args: &Keygen) -> anyhow::Result<ExitCode> {
    let mut seed = [0; 32];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut seed).ok().context("ask the system for random bytes")?;
    let key = SecretKey::from_seed(&seed);
    let text = key.to_text().context("write a key as text")?;
    write_private(&args.out, &text)
        .with_context(|| format!("write a new file {}", args.out.display()))?;
    let public = key.public().map_err(anyhow::Error::from)?;
    let mut screen = args.output.screen();
    if args.output.json {
        let both = json!({ "private_key_file": args.out, "public_key": public.to_string() });
        screen.line(&both.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    screen
        .line(&format!("The private key is in {}. Make a safe copy of it.", args.out.display()))?;
    screen.line(&format!("Public key: {public}"))?;
    screen.line("The app carries it as SUPublicEDKey, the server as UPDATE_PUBLIC_KEY.")?;
    Ok(ExitCode::SUCCESS)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

// === impl KeyArgs ===

impl KeyArgs {
    /// # Errors
    /// When the file holds no key, or others may read it.
    pub(super) fn read(&self) -> anyhow::Result<SecretKey> {
        read(&self.key)
    }
}

// === impl FeedKeyArgs ===

impl FeedKeyArgs {
    /// # Errors
    /// When the file holds no key, or others may read it.
    pub(super) fn read(&self) -> anyhow::Result<Option<SecretKey>> {
        self.key.as_deref().map(read).transpose()
    }
}

fn read(path: &Path) -> anyhow::Result<SecretKey> {
    let name = path.display();
    let unreadable = |error: std::io::Error| Usage(format!("--key {name}: {error}"));
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        let reason = format!("--key {name}: others may read it (mode {mode:o}); chmod 600 it");
        return Err(Usage(reason).into());
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let key = SecretKey::parse(&text);
    Ok(key.map_err(|problem| Usage(format!("--key {name}: {}", problem.reason)))?)
}
