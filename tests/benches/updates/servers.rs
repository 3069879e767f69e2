//! Both servers, with the same bytes and headers.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use nexy_testkit::stack::{binary, free_port};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::sleep,
};

/// The large file.
pub(super) const FILE: &str = "/downloads/Nexy.zip";
const SIZE: usize = 300_000_000;
/// How long a server may take to come up.
const LIFE_SIGN: Duration = Duration::from_secs(20);

/// Both, on the first core.
pub(super) struct Servers {
    pub(super) ours: SocketAddr,
    pub(super) nginx: SocketAddr,
    update: Child,
    door: Child,
    _folder: TempDir,
}

/// Keeps a process on one core.
pub(super) fn pin(process: u32, core: usize) -> anyhow::Result<()> {
    let arguments = ["-a", "-p", "-c", &core.to_string(), &process.to_string()].map(str::to_owned);
    let mut taskset = std::process::Command::new("taskset");
    let pinned = taskset.args(arguments).stdout(Stdio::null()).status();
    ensure!(pinned.context("run taskset")?.success(), "pin to core {core}");
    Ok(())
}

fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

// === impl Servers ===

impl Servers {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let updates = folder.path().join("updates");
        fs::create_dir_all(updates.join("downloads"))?;
        fs::create_dir_all(updates.join("manifests"))?;
        fs::write(updates.join("downloads/Nexy.zip"), vec![0x5a; SIZE])?;
        fs::write(updates.join("manifests/manifest.json"), MANIFEST)?;
        let (http, grpc) = (free_port()?, free_port()?);
        let ours = SocketAddr::from(([127, 0, 0, 1], http));
        let update = pinned(&binary("nexy-update")?)
            .env("NEXY_ENV", "dev")
            .env("UPDATE_DIR", &updates)
            .env("NEXY_DATA_DIR", folder.path())
            .env("UPDATE_HOST", "127.0.0.1")
            .env("UPDATE_PORT", http.to_string())
            .env("UPDATE_GRPC_PORT", grpc.to_string())
            .stdout(Stdio::null())
            .spawn()
            .context("start nexy-update")?;
        let feed = when_up(ours, "/appcast.xml", "2.0.0.33").await?;
        fs::write(updates.join("appcast.xml"), feed.body)?;
        let port = free_port()?;
        let nginx = SocketAddr::from(([127, 0, 0, 1], port));
        let config = folder.path().join("nginx.conf");
        fs::write(&config, nginx_config(folder.path(), port))?;
        let door = pinned(Path::new("/usr/sbin/nginx"))
            .args(["-c", &config.display().to_string(), "-e", "stderr"])
            .spawn()
            .context("start nginx")?;
        let theirs = when_up(nginx, "/appcast.xml", "2.0.0.33").await?;
        for name in ["content-type", "cache-control", "content-length", "etag", "last-modified"] {
            let has = |head: &str| head.lines().any(|line| line.starts_with(&format!("{name}:")));
            ensure!(has(&feed.head) && has(&theirs.head), "{name} is not sent by both");
        }
        Ok(Self { ours, nginx, update, door, _folder: folder })
    }

    /// Of our server.
    pub(super) fn resident_mib(&self) -> anyhow::Result<f64> {
        let id = self.update.id().context("it has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("find VmRSS")?;
        let kib: f64 = line.split_whitespace().nth(1).context("read VmRSS")?.parse()?;
        Ok(kib / 1024.0)
    }

    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.update.kill().await?;
        self.door.kill().await?;
        Ok(())
    }
}

struct Answer {
    head: String,
    body: String,
}

async fn when_up(server: SocketAddr, path: &str, text: &str) -> anyhow::Result<Answer> {
    let until = Instant::now() + LIFE_SIGN;
    loop {
        if let Ok(answer) = get(server, path).await
            && answer.body.contains(text)
        {
            return Ok(answer);
        }
        ensure!(Instant::now() < until, "{server} does not serve {path}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn get(server: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let answer = whole_answer(server, path).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("find the body")?;
    Ok(Answer { head: head.to_ascii_lowercase(), body: body.to_owned() })
}

async fn whole_answer(server: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn nginx_config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nuser root;\n\
         events {{ worker_connections 2048; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 100000000;\n\
         client_body_temp_path {folder}/b;\n  proxy_temp_path {folder}/p;\n\
         fastcgi_temp_path {folder}/f;\n  uwsgi_temp_path {folder}/u;\n  scgi_temp_path {folder}/s;\n\
         types {{ application/xml xml; application/zip zip; }}\n  charset utf-8;\n\
         charset_types application/xml;\n\
         server {{\n    listen 127.0.0.1:{port};\n    root {folder}/updates;\n    etag on;\n\
         location = /appcast.xml {{\n      add_header Cache-Control \"public, max-age=60\";\n\
         add_header Vary accept-encoding;\n      add_header X-Content-Type-Options nosniff;\n    }}\n\
         location /downloads/ {{\n      add_header Cache-Control no-cache;\n\
         add_header Content-Disposition \"attachment; filename=Nexy.zip\";\n\
         add_header X-Content-Type-Options nosniff;\n    }}\n  }}\n}}\n"
    )
}

/// A release that lies elsewhere; a developer's server takes it unsigned.
const MANIFEST: &str = r#"{
  "version": "2.0.0.33",
  "build": "2.0.0.33",
  "artifact": {
    "type": "zip",
    "url": "https://example.com/Nexy-2.0.0.33.zip",
    "size": 300000000,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "arch": "universal2",
    "min_os": "11.0",
    "ed25519": "EIawm2YkDZ2gBfkEMF2+1VuuTeXnCGZOdnMdVgPPvDZioq7bvDayXqKkIIzSjKMmeFdcFJOHdnba5ZV60+gPBw=="
  },
  "notes_url": "https://example.com/notes",
  "release_date": "2026-02-26T19:57:35+00:00"
}"#;
