use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use nexy_releases::{FileName, HttpsUrl, Signature, feed};
use serde_json::{Value, json};

use super::{OutputArgs, bytes, bytes::Signed, keys::KeyArgs, transaction};
use crate::failure::Usage;

/// Sign artifacts, deltas, release notes or a feed
///
/// Prints for each file what Sparkle's `sign_update` prints. A feed (.xml) gets
/// its signature behind its last line.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    key: KeyArgs,
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write length, digest and signature of each file into this manifest,
    /// where its URL ends with the file's name.
    #[arg(long, value_name = "MANIFEST")]
    into: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Verify the signature of a file, or a signed feed
#[derive(clap::Args)]
pub(super) struct VerifyArgs {
    /// The file.
    file: PathBuf,
    /// Its signature; a feed (.xml) carries its own.
    signature: Option<String>,
    #[command(flatten)]
    place: super::place::PlaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// # Errors
/// When a file cannot be read or has no place in the manifest.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let key = args.key.read()?;
    let mut screen = args.output.screen();
    let mut manifest = args.into.as_deref().map(read_json).transpose()?;
    let mut rows = Vec::new();
    for path in &args.files {
        if is_feed(path) {
            sign_feed(path, &key)?;
            rows.push((path, None));
            continue;
        }
        let signed = bytes::sign(path, &key, &mut screen)
            .with_context(|| format!("sign {}", path.display()))?;
        if let Some(manifest) = &mut manifest {
            let places = fill(manifest, path, &signed)?;
            let name = path.display();
            ensure!(places > 0, "{name}: no URL in the manifest ends with this file's name");
        }
        rows.push((path, Some(signed)));
    }
    if let (Some(path), Some(manifest)) = (&args.into, &manifest) {
        let text = serde_json::to_string_pretty(manifest)? + "\n";
        transaction::replace(path, text.as_bytes())
            .with_context(|| format!("write {}", path.display()))?;
    }
    if args.output.json {
        let rows: Vec<_> =
            rows.iter().map(|(path, signed)| as_json(path, signed.as_ref())).collect();
        screen.line(&json!({ "signed": rows }).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    for (path, signed) in rows {
        match signed {
            None => screen.line(&format!("{} is signed.", path.display()))?,
            Some(Signed { size, signature, .. }) => {
                screen.line(&format!("sparkle:edSignature=\"{signature}\" length=\"{size}\""))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// # Errors
/// When there is nothing to compare, or the file cannot be read.
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let key = place.key.ok_or_else(|| {
        Usage("say the public key: --public-key, or UPDATE_PUBLIC_KEY".to_owned())
    })?;
    let mut screen = args.output.screen();
    let problem = if is_feed(&args.file) {
        let text = fs::read_to_string(&args.file)
            .with_context(|| format!("read {}", args.file.display()))?;
        feed::verify(&text, &key).err()
    } else {
        let text = args.signature.as_deref();
        let text = text.ok_or_else(|| Usage("say the signature, too".to_owned()))?;
        let signature = Signature::parse(text.trim());
        let signature = signature.map_err(|problem| Usage(format!("it {}", problem.reason)))?;
        match key.stream(&signature) {
            Err(problem) => Some(problem),
            Ok(mut stream) => {
                let read = fs::File::open(&args.file).and_then(|mut file| {
                    bytes::each_piece(&mut file, |piece| {
                        stream.update(piece);
                        Ok(())
                    })
                });
                read.with_context(|| format!("read {}", args.file.display()))?;
                stream.finish().err()
            }
        }
    };
    let file = args.file.display().to_string();
    let text = match (&problem, args.output.json) {
        (problem, true) => {
            let reason = problem.as_ref().map(|problem| &problem.reason);
            json!({ "file": file, "verified": problem.is_none(), "reason": reason }).to_string()
        }
        (None, false) => format!("{file} verifies."),
        (Some(problem), false) => format!("{file}: it {}.", problem.reason),
    };
    screen.line(&text)?;
    Ok(if problem.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_feed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "xml")
}

fn sign_feed(path: &Path, key: &nexy_releases::SecretKey) -> anyhow::Result<()> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("read {name}"))?;
    let content = feed::content(&text);
    if let Err(problem) = feed::check(content) {
        bail!("{name}: {problem}");
    }
    transaction::replace(path, feed::sign(content, key).as_bytes())
        .with_context(|| format!("write {name}"))
}

fn as_json(path: &Path, signed: Option<&Signed>) -> Value {
    json!({
        "file": path,
        "length": signed.map(|signed| signed.size),
        "sha256": signed.map(|signed| signed.sha256),
        "edSignature": signed.map(|signed| signed.signature),
    })
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    let name = path.display();
    let text = fs::read(path).with_context(|| format!("read {name}"))?;
    serde_json::from_slice(&text).with_context(|| format!("read {name}"))
}

/// Fills in what is known about a file; in how many places.
fn fill(value: &mut Value, path: &Path, signed: &Signed) -> anyhow::Result<usize> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| FileName::parse(name).ok());
    let name = name.with_context(|| format!("{}: no name for a download", path.display()))?;
    Ok(fill_named(value, &name, signed))
}

fn fill_named(value: &mut Value, name: &FileName, signed: &Signed) -> usize {
    match value {
        Value::Array(values) => {
            values.iter_mut().map(|value| fill_named(value, name, signed)).sum()
        }
        Value::Object(object) => {
            let url = object.get("url").and_then(Value::as_str);
            let found = url.and_then(|url| HttpsUrl::parse(url).ok()?.file_name().ok());
            let mut places = 0;
            if found.is_some_and(|found| found == *name) {
                object.insert("size".to_owned(), json!(signed.size));
                object.insert("sha256".to_owned(), json!(signed.sha256));
                object.insert("ed25519".to_owned(), json!(signed.signature));
                places = 1;
            }
            places + object.values_mut().map(|value| fill_named(value, name, signed)).sum::<usize>()
        }
        _ => 0,
    }
}
