//! Releases as a whole: the real tool, the real update server, and programs of
//! others that judge what they make.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use nexy_testkit::stack::{Stack, binary, workspace_root};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::support::{SOON, eventually, http, is_installed};

mod feed;

/// Where releases are made, beside the folder of a server.
struct Workshop {
    folder: TempDir,
    updates: PathBuf,
    public_key: String,
}

/// How a run of the tool ended.
struct Ran {
    succeeded: bool,
    text: String,
}

// === impl Workshop ===

impl Workshop {
    async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("dist"))?;
        let updates = folder.path().join("updates");
        let mut workshop = Self { folder, updates, public_key: String::new() };
        let key = workshop.path("key.txt").display().to_string();
        let made = workshop.run(&["keygen", "--out", &key, "--json"]).await?;
        let made: Value = serde_json::from_str(&made.text)?;
        workshop.public_key = made["public_key"].as_str().context("find the key")?.to_owned();
        Ok(workshop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("UPDATE_DIR", self.updates.display().to_string())];
        if !self.public_key.is_empty() {
            rows.push(("UPDATE_PUBLIC_KEY", self.public_key.clone()));
        }
        rows
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(binary("nexyctl")?);
        command
            .arg("release")
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<Ran> {
        let output = timeout(Duration::from_secs(60), self.command(arguments)?.output()).await??;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text)?;
        Ok(Ran { succeeded: output.status.success(), text })
    }

    async fn done(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ran = self.run(arguments).await?;
        ensure!(ran.succeeded, "{arguments:?}: {}", ran.text);
        Ok(ran.text)
    }

    fn bytes(build: &str) -> Vec<u8> {
        format!("the app {build} ").repeat(2_000).into_bytes()
    }

    /// Makes and signs a release; the manifest's path.
    async fn make(&self, build: &str) -> anyhow::Result<String> {
        let name = format!("Nexy-{build}.zip");
        let file = self.path("dist").join(&name);
        fs::write(&file, Self::bytes(build))?;
        let manifest = json!({
            "version": build,
            "build": build,
            "artifact": {
                "type": "zip",
                "url": format!("https://localhost/updates/downloads/{name}"),
                "arch": "universal2",
                "min_os": "11.0",
            },
            "notes": { "format": "html", "text": "<p>New &amp; \"quick\" <b>things</b></p>" },
            "release_date": "2026-02-05T19:57:35Z",
        });
        let path = self.path("dist").join(format!("{build}.json"));
        fs::write(&path, manifest.to_string())?;
        let path = path.display().to_string();
        self.done(&["sign", "--key", "key.txt", "--into", &path, &file.display().to_string()])
            .await?;
        Ok(path)
    }

    async fn publish(&self, build: &str) -> anyhow::Result<()> {
        let manifest = self.make(build).await?;
        self.done(&publish(&manifest)).await.map(drop)
    }

    /// Starts to publish, and ends the process with SIGKILL after so many
    /// points; the point, or none when it came to its end.
    async fn publish_killed(&self, build: &str, after: usize) -> anyhow::Result<Option<String>> {
        let manifest = self.make(build).await?;
        let mut command = self.command(&publish(&manifest))?;
        let points = after.to_string();
        command.args(["--pause-after", &points]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("read it")?).lines();
        while let Some(line) = timeout(Duration::from_secs(60), lines.next_line()).await?? {
            if let Some(point) = line.strip_prefix("paused: ") {
                child.kill().await?;
                return Ok(Some(point.to_owned()));
            }
        }
        ensure!(child.wait().await?.success(), "it failed by itself");
        Ok(None)
    }
}

fn publish(manifest: &str) -> [&str; 8] {
    ["publish", manifest, "--channel", "beta", "--by", "ann", "--reason", "a test"]
}

/// What the beta feed of a server offers: build and address.
async fn offered(stack: &Stack) -> anyhow::Result<Option<(String, String)>> {
    let url = format!("http://127.0.0.1:{}/appcast-beta.xml", stack.ports.update_http);
    let answer = http()?.get(url).send().await?;
    ensure!(answer.status() == 200, "the feed is gone: {}", answer.status());
    let text = answer.text().await?;
    let between = |head: &str, tail: &str| {
        let (_, rest) = text.split_once(head)?;
        rest.split_once(tail).map(|(found, _)| found.to_owned())
    };
    let build = between("<sparkle:version>", "</sparkle:version>");
    Ok(build.zip(between("<enclosure url=\"", "\"")))
}

/// What is offered can be downloaded, and is what it was.
async fn is_whole(stack: &Stack, build: &str) -> anyhow::Result<()> {
    let (offered, url) = offered(stack).await?.context("nothing is offered")?;
    ensure!(offered == build, "{offered} is offered instead of {build}");
    let name = url.rsplit('/').next().unwrap_or_default();
    let url = format!("http://127.0.0.1:{}/downloads/{name}", stack.ports.update_http);
    let bytes = http()?.get(url).send().await?.error_for_status()?.bytes().await?;
    ensure!(bytes == Workshop::bytes(build), "{name} is not what it was");
    Ok(())
}

fn with_place(workshop: &Workshop) -> nexy_testkit::stack::Builder {
    let rows = workshop.environment().into_iter();
    rows.fold(Stack::builder().without_worker(), |builder, (name, value)| builder.env(name, value))
}

#[tokio::test]
async fn a_publisher_killed_at_any_step_leaves_a_whole_release() -> anyhow::Result<()> {
    let workshop = Workshop::new().await?;
    workshop.publish("2.0.0.100").await?;
    let stack = with_place(&workshop).start().await?;
    eventually("the first release", async || Ok(is_whole(&stack, "2.0.0.100").await.is_ok()))
        .await?;
    let mut points = Vec::new();
    loop {
        let (before, build) =
            (format!("2.0.0.{}", 100 + points.len()), format!("2.0.0.{}", 101 + points.len()));
        let Some(point) = workshop.publish_killed(&build, points.len()).await? else { break };
        let is_new = points.iter().any(|done| done == "the manifest is in its place")
            || point == "the manifest is in its place";
        let expected = if is_new { &build } else { &before };
        let whole = async || Ok(is_whole(&stack, expected).await.is_ok());
        eventually("the old or the new release", whole).await.context(point.clone())?;
        // What was interrupted can be done again, and then it is whole.
        let manifest = workshop.path("dist").join(format!("{build}.json"));
        workshop.done(&publish(&manifest.display().to_string())).await.context(point.clone())?;
        eventually("the new release", async || Ok(is_whole(&stack, &build).await.is_ok())).await?;
        points.push(point);
    }
    assert!(points.len() > 10, "{points:#?}");
    workshop.done(&["check", "--offline"]).await?;
    workshop.done(&["history"]).await?;
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn manifest_feed_and_health_agree_and_the_check_notices_when_not() -> anyhow::Result<()> {
    if !is_installed("nginx") {
        return Ok(());
    }
    let workshop = Workshop::new().await?;
    workshop.publish("2.0.0.1").await?;
    workshop.done(&["promote", "--by", "ann", "--reason", "a test"]).await?;
    let builder = with_place(&workshop).env("UPDATE_LATEST_CACHE_TTL_SECONDS", "0");
    let stack = builder.with_ingress().start().await?;
    let ca = workshop.path("ca.pem");
    fs::write(&ca, stack.certificate()?)?;
    let server = format!("https://localhost:{}", stack.ports.tls);
    let ca = ca.display().to_string();
    let check = ["check", "--server", &server, "--ca", &ca];
    let agrees = async || Ok(workshop.run(&check).await?.succeeded);
    eventually("agreement", agrees).await?;
    let text = workshop.done(&check).await?;
    for what in ["served /health", "served /updates/health", "stable served feed"] {
        assert!(text.lines().any(|line| line.starts_with(what) && line.contains("ok")), "{text}");
    }
    // A manifest that the server refuses, though it reads well.
    let path = workshop.updates.join("manifests/manifest.json");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace("2.0.0.1\"", "1.9\""))?;
    let ran = workshop.run(&check).await?;
    assert!(!ran.succeeded, "{}", ran.text);
    assert!(ran.text.contains("MISS     says Some(\"2.0.0.1\")"), "{}", ran.text);
    let refused = async || Ok(stack.log().iter().any(|line| line.contains("release_refused")));
    eventually("the refusal", refused).await?;
    stack.stop(&["release_refused", "worker_state"]).await
}

/// Whether a server's metrics have this line.
async fn shows(stack: &Stack, line: &str) -> anyhow::Result<bool> {
    let url = format!("http://127.0.0.1:{}/metrics", stack.ports.update_http);
    let text = http()?.get(url).send().await?.error_for_status()?.text().await?;
    Ok(text.lines().any(|found| found == line))
}

#[tokio::test]
async fn a_file_that_somebody_replaced_is_noticed_by_itself() -> anyhow::Result<()> {
    let workshop = Workshop::new().await?;
    workshop.publish("2.0.0.1").await?;
    let stack = with_place(&workshop).start().await?;
    eventually("the release", async || Ok(is_whole(&stack, "2.0.0.1").await.is_ok())).await?;
    let good = "nexy_update_refused{channel=\"beta\"} 0";
    eventually("no alert", async || shows(&stack, good).await).await?;
    assert!(shows(&stack, "nexy_update_checked_timestamp_seconds 0").await?);

    // As long as before, and with its date.
    let file = workshop.updates.join("downloads/Nexy-2.0.0.1.zip");
    let modified = fs::metadata(&file)?.modified()?;
    let mut bytes = Workshop::bytes("2.0.0.1");
    bytes[100] ^= 1;
    fs::write(&file, bytes)?;
    fs::File::options().append(true).open(&file)?.set_modified(modified)?;
    let refused = async || shows(&stack, "nexy_update_refused{channel=\"beta\"} 1").await;
    eventually("the alert", refused).await?;
    assert_eq!(offered(&stack).await?, None, "what clients would refuse is not offered");

    // What the tool finds, the server shows.
    assert!(!workshop.run(&["check", "--record"]).await?.succeeded);
    let told = async || shows(&stack, "nexy_update_check_misses{of=\"beta\"} 1").await;
    eventually("what was found", told).await?;
    assert!(!shows(&stack, "nexy_update_checked_timestamp_seconds 0").await?);

    fs::write(&file, Workshop::bytes("2.0.0.1"))?;
    eventually("the release again", async || Ok(is_whole(&stack, "2.0.0.1").await.is_ok())).await?;
    eventually("no alert", async || shows(&stack, good).await).await?;
    workshop.done(&["check", "--record"]).await?;
    let told = async || shows(&stack, "nexy_update_check_misses{of=\"beta\"} 0").await;
    eventually("what was found", told).await?;
    stack.stop(&["release_refused", "release_withdrawn", "worker_state"]).await
}

/// DER of an Ed25519 public key before its 32 bytes (RFC 8410).
const DER_HEAD: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The same of a private key and its seed.
const DER_SEED: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

async fn openssl(folder: &Path, line: &str) -> anyhow::Result<bool> {
    let mut command = Command::new("openssl");
    command.args(line.split(' ')).current_dir(folder).stdin(Stdio::null());
    let output = timeout(SOON, command.output()).await??;
    Ok(output.status.success())
}

#[tokio::test]
async fn openssl_verifies_and_makes_the_same_signatures() -> anyhow::Result<()> {
    if !is_installed("openssl") {
        return Ok(());
    }
    let workshop = Workshop::new().await?;
    let folder = workshop.folder.path();
    let manifest = workshop.make("2.0.0.1").await?;
    let manifest: Value = serde_json::from_str(&fs::read_to_string(manifest)?)?;
    let signature = manifest["artifact"]["ed25519"].as_str().context("find the signature")?;
    let signature = STANDARD.decode(signature)?;
    fs::write(workshop.path("signature"), &signature)?;
    let public = [DER_HEAD, &STANDARD.decode(&workshop.public_key)?].concat();
    fs::write(workshop.path("public.der"), public)?;
    fs::copy(workshop.path("dist/Nexy-2.0.0.1.zip"), workshop.path("message"))?;
    let verify = "pkeyutl -verify -pubin -inkey public.der -keyform DER -rawin -in message -sigfile \
                  signature";
    assert!(openssl(folder, verify).await?);
    // Ed25519 leaves nothing to chance: both sign alike.
    let seed = STANDARD.decode(fs::read_to_string(workshop.path("key.txt"))?.trim())?;
    fs::write(workshop.path("private.der"), [DER_SEED, &seed].concat())?;
    let sign = "pkeyutl -sign -inkey private.der -keyform DER -rawin -in message -out theirs";
    assert!(openssl(folder, sign).await?);
    assert_eq!(fs::read(workshop.path("theirs"))?, signature);
    let mut spoilt = fs::read(workshop.path("message"))?;
    spoilt[1000] ^= 1;
    fs::write(workshop.path("message"), spoilt)?;
    assert!(!openssl(folder, verify).await?);

    // A signed feed: everything before its trailer.
    workshop.publish("2.0.0.2").await?;
    let stack = with_place(&workshop).start().await?;
    eventually("the release", async || Ok(is_whole(&stack, "2.0.0.2").await.is_ok())).await?;
    let url = format!("http://127.0.0.1:{}/appcast-beta.xml", stack.ports.update_http);
    fs::write(workshop.path("feed.xml"), http()?.get(url).send().await?.text().await?)?;
    workshop.done(&["sign", "--key", "key.txt", "feed.xml"]).await?;
    let signed = fs::read_to_string(workshop.path("feed.xml"))?;
    let (content, trailer) = signed.rsplit_once("<!-- sparkle-signatures:\n").context("split")?;
    let signature = trailer.lines().find_map(|line| line.strip_prefix("edSignature: "));
    fs::write(workshop.path("message"), content)?;
    fs::write(workshop.path("signature"), STANDARD.decode(signature.context("find it")?)?)?;
    assert!(openssl(folder, verify).await?);
    if is_installed("python3") {
        assert_eq!(feed::items(&signed).await?.len(), 1);
    }
    stack.stop(&["worker_state"]).await
}

#[tokio::test]
async fn another_parser_reads_the_same_feed() -> anyhow::Result<()> {
    if !is_installed("python3") {
        return Ok(());
    }
    let workshop = Workshop::new().await?;
    workshop.publish("2.0.0.1").await?;
    let stack = with_place(&workshop).start().await?;
    eventually("the release", async || Ok(is_whole(&stack, "2.0.0.1").await.is_ok())).await?;
    let url = format!("http://127.0.0.1:{}/appcast-beta.xml", stack.ports.update_http);
    let items = feed::items(&http()?.get(url).send().await?.text().await?).await?;
    let manifest = fs::read_to_string(workshop.path("dist/2.0.0.1.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    let artifact = &manifest["artifact"];
    let expected = [
        ("title", "Nexy 2.0.0.1".to_owned()),
        ("pubDate", "Thu, 05 Feb 2026 19:57:35 +0000".to_owned()),
        ("sparkle:channel", "beta".to_owned()),
        ("sparkle:version", "2.0.0.1".to_owned()),
        ("sparkle:shortVersionString", "2.0.0.1".to_owned()),
        ("sparkle:minimumSystemVersion", "11.0".to_owned()),
        ("description", "<p>New &amp; \"quick\" <b>things</b></p>".to_owned()),
        ("description sparkle:format", "html".to_owned()),
        ("enclosure url", artifact["url"].as_str().unwrap_or_default().to_owned()),
        ("enclosure length", artifact["size"].to_string()),
        ("enclosure type", "application/octet-stream".to_owned()),
        (
            "enclosure sparkle:edSignature",
            artifact["ed25519"].as_str().unwrap_or_default().to_owned(),
        ),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    assert_eq!(items, [expected]);
    stack.stop(&["worker_state"]).await
}

/// The commands of the guide, one after another, as they stand there.
#[tokio::test]
async fn the_commands_of_the_guide_work() -> anyhow::Result<()> {
    let guide = fs::read_to_string(workspace_root().join("Docs/RELEASES.md"))?;
    let blocks = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let script: Vec<_> = blocks.collect();
    let script = format!("set -euo pipefail\n{}\n", script.join("\n"));
    for command in [
        "keygen", "sign", "verify", "gate", "publish", "approve", "promote", "rollout", "halt",
        "resume", "rollback", "history", "explain", "check",
    ] {
        let line = format!("nexyctl release {command} ");
        assert!(script.contains(&line) || script.contains(line.trim()), "{command} is not shown");
    }
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("dist"))?;
    for number in 32..40 {
        let name = format!("dist/Nexy-2.0.0.{number}.dmg");
        fs::write(folder.path().join(name), Workshop::bytes(&number.to_string()))?;
    }
    let tool = binary("nexyctl")?;
    let path = tool.parent().context("find its folder")?.display().to_string();
    let mut command = Command::new("bash");
    command
        .args(["-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{path}:/usr/bin:/bin"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), command.output()).await??;
    let text = String::from_utf8([output.stdout, output.stderr].concat())?;
    assert!(output.status.success(), "{text}");
    Ok(())
}
