//! `nexyctl ingress`: nginx as the public door, driven by the same settings as
//! the services.
//!
//! Renders `nginx/nginx.conf.template`, makes a certificate when none is
//! configured, runs nginx in the foreground and reloads it when the address of
//! an upstream or the certificate changes.

use std::{
    io::Write as _,
    path::{Path, PathBuf, absolute},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use nexy_runtime::signals::Signals;
use nexy_telemetry::emit;

use self::{
    certificate::{Files, SelfSigned},
    decisions::StartFailed,
    nginx::Nginx,
    supervisor::Supervisor,
    template::Rendering,
    upstreams::{Addresses, Names},
};
use crate::failure::WRONG_CONFIG;

mod certificate;
mod decisions;
mod nginx;
mod probe;
mod supervisor;
mod template;
#[cfg(test)]
mod tests;
mod upstreams;

/// nginx could not be started (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;
/// How long a door that is open may take to answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// Run the public door: nginx, configured from the settings
///
/// Makes a self-signed certificate when none is configured, and reloads nginx
/// when an upstream's address or the certificate changes. Exit code: nginx's
/// own, 64 wrong configuration, 69 nginx could not be started.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where nginx keeps its rendered configuration, pid and temporary files
    /// (else a folder of the data directory).
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,

    /// The nginx to run.
    #[arg(long, value_name = "PATH", default_value = "nginx")]
    nginx: PathBuf,

    /// An overlay file over the compiled-in configuration (else `NEXY_CONFIG`).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Lets nginx check the rendered configuration, and leaves.
    #[arg(long, conflicts_with = "print")]
    check: bool,

    /// Prints the rendered configuration, and leaves.
    #[arg(long)]
    print: bool,

    /// Asks the running door whether it answers, and leaves: 0 yes, 1 no.
    #[arg(long, conflicts_with_all = ["check", "print"])]
    healthcheck: bool,
}

/// What the ingress needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The name that clients connect to; it goes into a self-made certificate.
    host_name: String,
    /// The address to listen on.
    listen_host: String,
    /// Answers with redirects.
    http_port: u16,
    tls_port: u16,
    /// Given by the operator; else a self-signed one is made.
    certificate: Option<Files>,
    upstreams: Names,
    /// How often upstream names are resolved again and files looked at.
    resolve_interval: Duration,
    /// How often gateways are asked whether they leave.
    probe_interval: Duration,
    /// Between two frames of a call.
    grpc_timeout: Duration,
    /// How long old workers serve their calls after a reload or a stop.
    worker_shutdown_timeout: Duration,
    /// How long the services finish running calls when they leave.
    drain: Duration,
    max_connections_per_address: u32,
    requests_per_second_per_address: u32,
    request_burst: u32,
    /// What a client may send ahead on one call, in bytes.
    upload_window: u32,
    /// Holds `tls/`.
    data_dir: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let sources = nexy_config::Sources::from_process(args.config.clone(), Vec::new());
    let loaded = match nexy_config::Settings::load(&sources) {
        Ok((loaded, _provenance)) => loaded,
        Err(problems) => {
            writeln!(std::io::stderr(), "{problems}").context("report the configuration")?;
            return Ok(ExitCode::from(WRONG_CONFIG));
        }
    };
    let settings = Settings::from(&loaded);
    let run_dir = args.run_dir.unwrap_or_else(|| settings.data_dir.join("ingress"));
    let run_dir = absolute(run_dir).context("find the run directory")?;
    if args.healthcheck {
        return healthcheck(&settings).await;
    }
    if args.print {
        return print(&settings, &args.nginx, &run_dir).await;
    }
    if args.check {
        return check(settings, &args.nginx, run_dir).await;
    }
    let guard = decisions::start(&loaded)?;
    let code = supervise(settings, &args.nginx, run_dir).await.unwrap_or_else(|error| {
        emit(&StartFailed { reason: format!("{error:#}") });
        ExitCode::from(EXIT_UNAVAILABLE)
    });
    guard.flush(loaded.telemetry.export_timeout).await;
    Ok(code)
}

async fn supervise(
    settings: Settings,
    program: &Path,
    run_dir: PathBuf,
) -> anyhow::Result<ExitCode> {
    let signals = Signals::install().context("take over the signals")?;
    let nginx = Nginx::find(program, run_dir).await?;
    Supervisor::prepare(settings, nginx).await?.run(signals).await
}

/// `--healthcheck`: any answer over TLS will do. The health of the services
/// behind the door is their own affair.
async fn healthcheck(settings: &Settings) -> anyhow::Result<ExitCode> {
    let host = match settings.listen_host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    };
    let url = format!("https://{host}:{}/", settings.tls_port);
    // It talks to itself and sends nothing: who answers does not matter.
    let client = reqwest::Client::builder()
        .timeout(HEALTH_TIMEOUT)
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .context("make an HTTP client")?;
    client.get(&url).send().await.with_context(|| format!("ask {url}"))?;
    Ok(ExitCode::SUCCESS)
}

/// `--print`: touches nothing but standard output.
async fn print(settings: &Settings, program: &Path, run_dir: &Path) -> anyhow::Result<ExitCode> {
    let nginx = Nginx::find(program, run_dir.to_owned()).await?;
    let addresses =
        Addresses::default().refreshed(&settings.upstreams, settings.resolve_interval).await;
    let text = Rendering {
        settings,
        build: nginx.build(),
        addresses: &addresses,
        certificate: &settings.certificate_files()?,
        run_dir,
    }
    .render()?;
    std::io::stdout().write_all(text.as_bytes()).context("print the configuration")?;
    Ok(ExitCode::SUCCESS)
}

/// `--check`: everything but the start.
async fn check(settings: Settings, program: &Path, run_dir: PathBuf) -> anyhow::Result<ExitCode> {
    let nginx = Nginx::find(program, run_dir).await?;
    Supervisor::prepare(settings, nginx).await?;
    writeln!(std::io::stdout(), "the configuration is good").context("print the result")?;
    Ok(ExitCode::SUCCESS)
}

// === impl Settings ===

impl Settings {
    /// The self-signed certificate, unless one is configured.
    fn self_signed(&self) -> anyhow::Result<Option<SelfSigned>> {
        match self.certificate {
            Some(_) => Ok(None),
            None => SelfSigned::new(&self.data_dir, &self.host_name).map(Some),
        }
    }

    fn certificate_files(&self) -> anyhow::Result<Files> {
        match (&self.certificate, self.self_signed()?) {
            (Some(files), _) => Ok(files.clone()),
            (None, Some(own)) => Ok(own.files().clone()),
            (None, None) => anyhow::bail!("there is no certificate"),
        }
    }
}

impl From<&nexy_config::Settings> for Settings {
    fn from(settings: &nexy_config::Settings) -> Self {
        let ingress = &settings.ingress;
        let certificate = match (&ingress.tls_certificate, &ingress.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(Files { certificate: certificate.clone(), key: key.clone() })
            }
            _ => None,
        };
        Self {
            host_name: ingress.host_name.clone(),
            listen_host: ingress.listen_host.clone(),
            http_port: ingress.http_port,
            tls_port: ingress.tls_port,
            certificate,
            upstreams: Names {
                gateway_grpc: ingress.gateway_grpc_addr.clone(),
                gateway_http: ingress.gateway_http_addr.clone(),
                update_http: vec![ingress.update_http_addr.clone()],
            },
            resolve_interval: ingress.resolve_interval,
            probe_interval: ingress.probe_interval,
            grpc_timeout: ingress.grpc_timeout,
            worker_shutdown_timeout: ingress.worker_shutdown_timeout,
            drain: settings.server.drain,
            max_connections_per_address: ingress.max_connections_per_address,
            requests_per_second_per_address: ingress.requests_per_second_per_address,
            request_burst: ingress.request_burst,
            // The door is no narrower than the gateway behind it.
            upload_window: settings.grpc.stream_window_bytes,
            data_dir: settings.data_dir.clone(),
        }
    }
}
